//! TypeScript interfaces and camelCase names, made from Rust declarations while they compile.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "runs at compile time only, where a panic is a compile error"
)]

/// A TypeScript type.
#[derive(Clone, Copy)]
pub enum Type {
    /// A type by its name or its full text.
    Name(&'static str),
    /// `T | null`.
    Nullable(&'static Type),
    /// `T[]`.
    List(&'static Type),
    /// `unknown`, which includes null.
    Unknown,
}

/// A member of an interface.
pub struct Property {
    /// The lines of its doc comment, each with the line break and the `*` before it.
    pub docs: &'static str,
    pub name: &'static str,
    pub optional: bool,
    pub of: Type,
}

/// The longest interface, in bytes.
const CAPACITY: usize = 4096;

/// The text of an interface.
pub struct Text {
    bytes: [u8; CAPACITY],
    length: usize,
}

impl Text {
    pub const fn as_str(&self) -> &str {
        utf8(self.bytes.split_at(self.length).0)
    }

    const fn push(&mut self, text: &str) {
        let mut index = 0;
        while index < text.len() {
            self.bytes[self.length] = text.as_bytes()[index];
            self.length += 1;
            index += 1;
        }
    }

    const fn push_type(&mut self, of: Type) {
        match of {
            Type::Name(name) => self.push(name),
            Type::Unknown | Type::Nullable(Type::Unknown) => self.push("unknown"),
            Type::Nullable(of) => {
                self.push_type(*of);
                self.push(" | null");
            }
            Type::List(of @ Type::Nullable(_)) => {
                self.push("(");
                self.push_type(*of);
                self.push(")[]");
            }
            Type::List(of) => {
                self.push_type(*of);
                self.push("[]");
            }
        }
    }
}

/// Returns the text of an exported interface.
pub const fn interface(docs: &str, name: &str, properties: &[Property]) -> Text {
    let mut text = Text { bytes: [0; CAPACITY], length: 0 };
    text.push("/**");
    text.push(docs);
    text.push("\n */\nexport interface ");
    text.push(name);
    text.push(" {");
    let mut index = 0;
    while index < properties.len() {
        let property = &properties[index];
        text.push("\n    /**");
        text.push(property.docs);
        text.push("\n     */\n    ");
        text.push(property.name);
        text.push(if property.optional { "?: " } else { ": " });
        text.push_type(property.of);
        text.push(";");
        index += 1;
    }
    text.push("\n}");
    text
}

/// Makes `deviceName` of the identifier `device_name`, a constant.
macro_rules! camel_case {
    ($name:ident) => {
        const {
            const NAME: &str = stringify!($name);
            const BYTES: [u8; super::typescript::camel_case_length(NAME)] = super::typescript::camel_case_bytes(NAME);
            super::typescript::utf8(&BYTES)
        }
    };
}

pub(super) use camel_case;

pub const fn camel_case_length(name: &str) -> usize {
    let (mut length, mut index) = (0, 0);
    while index < name.len() {
        if name.as_bytes()[index] != b'_' {
            length += 1;
        }
        index += 1;
    }
    length
}

pub const fn camel_case_bytes<const LENGTH: usize>(name: &str) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    let (mut length, mut index) = (0, 0);
    while index < name.len() {
        let byte = name.as_bytes()[index];
        if byte != b'_' {
            let starts_word = index > 0 && name.as_bytes()[index - 1] == b'_';
            bytes[length] = if starts_word { byte.to_ascii_uppercase() } else { byte };
            length += 1;
        }
        index += 1;
    }
    bytes
}

pub const fn utf8(bytes: &[u8]) -> &str {
    match core::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(_) => "",
    }
}
