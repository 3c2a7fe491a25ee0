//! Options and records on their way in: plain objects, read member by member.
//!
//! All names of an options object are known, and an unknown one is an error; a record may hold more members than are
//! read. In both, null and absent mean the same. serde's derive macros, generic over their source, would take ten times
//! the code of [`Member`].

use std::cell::OnceCell;
use std::fmt;
use std::format;
use std::prelude::v1::*;

use js_sys::{Array, Object, Reflect};
use wasm_bindgen::prelude::*;

use super::document;
use super::error::host_error;
use super::typescript::{Property, Type};
use super::value::{elements, is_absent, is_array, kind, object_keys};
use crate::audit::MessageIds;
use crate::document::{Json, Object as JsonObject};
use crate::instance::Instance;
use crate::tenant_usage::UsageKey;
use crate::{Error, NotificationFormat, Release};

/// Declares the options of a call: the struct, its TypeScript interface and how it is read.
macro_rules! options {
    ($(#[doc = $docs:literal])* pub struct $name:ident {
        $($(#[doc = $member_docs:literal])* $member:ident: $type:ty,)*
    }) => {
        $(#[doc = $docs])*
        pub struct $name { $($(#[doc = $member_docs])* $member: $type,)* }

        impl super::options::Options for $name {
            const NAMES: &'static [&'static str] = &[$(super::typescript::camel_case!($member)),*];

            fn read(members: &super::options::Members<'_>) -> Self {
                Self { $($member: members.get(super::typescript::camel_case!($member)),)* }
            }
        }

        super::options::interface! {
            $name [$($docs)*] $([$($member_docs)*] super::typescript::camel_case!($member), $type;)*
        }
    };
}

/// Declares a record that the caller passes in, under Nova's names: its TypeScript interface and how the Rust type is
/// read. The Rust type is an existing one (`pub interface Name for Type`) or declared here (`pub struct Name`).
macro_rules! record {
    ($(#[doc = $docs:literal])* pub struct $name:ident {
        $($(#[doc = $member_docs:literal])* $member:ident: $type:ty,)*
    }) => {
        $(#[doc = $docs])*
        pub struct $name { $($(#[doc = $member_docs])* $member: $type,)* }

        super::options::record! {
            $(#[doc = $docs])*
            pub interface $name for $name { $($(#[doc = $member_docs])* $member: $type,)* }
        }
    };
    ($(#[doc = $docs:literal])* pub interface $name:ident for $record:ty {
        $($(#[doc = $member_docs:literal])* $member:ident: $type:ty,)*
    }) => {
        impl super::options::Member for $record {
            const TYPE: super::typescript::Type = super::typescript::Type::Name(stringify!($name));
            const DOCS: &'static str = concat!($("\n     *", $docs),*);

            fn read(value: wasm_bindgen::JsValue, reader: &super::options::Reader<'_>) -> Self {
                let members = reader.members(&value);
                Self { $($member: members.get::<$type>(stringify!($member)).into(),)* }
            }
        }

        super::options::interface! { $name [$($docs)*] $([$($member_docs)*] stringify!($member), $type;)* }
    };
}

/// Adds an interface to the declarations of the package.
macro_rules! interface {
    ($name:ident [$($docs:literal)*] $([$($member_docs:literal)*] $member:expr, $type:ty;)*) => {
        const _: () = {
            const TEXT: super::typescript::Text = super::typescript::interface(
                concat!($("\n *", $docs),*),
                stringify!($name),
                &[$(super::options::property::<$type>(concat!($("\n     *", $member_docs),*), $member)),*],
            );

            #[allow(dead_code, reason = "only the section refers to it")]
            const INTERFACE: &str = TEXT.as_str();

            #[wasm_bindgen::prelude::wasm_bindgen(typescript_custom_section)]
            const SECTION: &str = INTERFACE;
        };
    };
}

pub(super) use {interface, options, record};

/// The options of a call.
pub trait Options: Sized {
    /// All names, as JavaScript spells them.
    const NAMES: &'static [&'static str];

    /// Reads an object whose names are known.
    fn read(members: &Members<'_>) -> Self;
}

/// A type that can be read from a JavaScript value.
pub trait Member: Sized {
    /// Its type in TypeScript.
    const TYPE: Type;

    /// Whether the member may be absent.
    const OPTIONAL: bool = false;

    /// The doc comment of a member that has none of its own.
    const DOCS: &'static str = "";

    /// Reads a value. On failure, records the error and returns a placeholder that the caller discards.
    fn read(value: JsValue, reader: &Reader<'_>) -> Self;
}

/// Returns the declaration of a member in TypeScript.
pub const fn property<T: Member>(docs: &'static str, name: &'static str) -> Property {
    let docs = if docs.is_empty() { T::DOCS } else { docs };
    Property { docs, name, optional: T::OPTIONAL, of: T::TYPE }
}

/// The first error of a call. Recording it, in place of an early return at every member, halves the code.
#[derive(Default)]
struct FirstError(OnceCell<Error>);

impl FirstError {
    fn or<T>(self, value: T) -> Result<T, Error> {
        self.0.into_inner().map_or(Ok(value), Err)
    }
}

/// Where a value is, such as `bdms[3].device_name`: a list of segments that becomes text only for an error.
#[derive(Clone, Copy)]
enum Path<'a> {
    Root(&'a str),
    /// The answer of a callback.
    Answer(&'static str),
    Member(&'a Path<'a>, &'static str),
    Index(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root(name) => f.write_str(name),
            Self::Answer(callback) => write!(f, "the answer of {callback}"),
            Self::Member(parent, name) => write!(f, "{parent}.{name}"),
            Self::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// Reads one value: knows its path, and records its error.
pub struct Reader<'a> {
    path: Path<'a>,
    error: &'a FirstError,
}

impl Reader<'_> {
    /// Records an error, unless an earlier one is recorded.
    pub fn fail(&self, error: Error) {
        let _ = self.error.0.set(error);
    }

    /// Records that this member does not take the value.
    pub fn reject(&self, value: &JsValue, expected: &str) {
        let (path, kind) = (self.path, kind(value));
        self.fail(Error::type_error(format!("`{path}` is {kind}: give {expected}")));
    }

    /// Returns the value of `read`. On `None`, records an error that names the expected value, and returns a
    /// placeholder.
    pub fn require<T: Default>(&self, value: &JsValue, read: Option<T>, expected: &str) -> T {
        if read.is_none() {
            self.reject(value, expected);
        }
        read.unwrap_or_default()
    }

    /// Returns the result of a conversion that takes the path of the value as its name. On failure, records the error
    /// and returns a placeholder.
    pub fn convert<T: Default>(&self, convert: impl FnOnce(&str) -> Result<T, Error>) -> T {
        let converted = match self.path {
            Path::Root(name) => convert(name),
            path => convert(&path.to_string()),
        };
        converted.unwrap_or_else(|error| {
            self.fail(error);
            T::default()
        })
    }

    /// Returns the elements of an array.
    pub fn elements(&self, value: &JsValue) -> Array {
        match elements(value) {
            Ok(array) => self.require(value, array, "an array"),
            Err(thrown) => {
                self.fail(host_error(thrown).into());
                Array::new()
            }
        }
    }

    /// Reads a member of an element of this list.
    pub fn cell<T: Member>(&self, value: JsValue, index: u32, name: &'static str) -> T {
        let element = Path::Index(&self.path, usize::try_from(index).unwrap_or_default());
        T::read(value, &Reader { path: Path::Member(&element, name), error: self.error })
    }

    /// Returns the members of a record.
    pub fn members<'r>(&'r self, value: &'r JsValue) -> Members<'r> {
        if !value.is_object() || is_array(value) {
            self.reject(value, "an object");
        }
        Members { object: value, parent: Some(&self.path), error: self.error }
    }
}

/// The members of an object.
pub struct Members<'a> {
    object: &'a JsValue,
    /// The path of a record. The options of a call have none.
    parent: Option<&'a Path<'a>>,
    error: &'a FirstError,
}

impl Members<'_> {
    /// Reads a member.
    pub fn get<T: Member>(&self, name: &'static str) -> T {
        let (value, reader) = self.find(name);
        T::read(value, &reader)
    }

    fn find(&self, name: &'static str) -> (JsValue, Reader<'_>) {
        let path = self.parent.map_or(Path::Root(name), |parent| Path::Member(parent, name));
        let reader = Reader { path, error: self.error };
        let value = Reflect::get(self.object, &JsValue::from_str(name)).unwrap_or_else(|thrown| {
            reader.fail(host_error(thrown).into());
            JsValue::UNDEFINED
        });
        (value, reader)
    }
}

/// Reads the options of a call.
pub fn read<T: Options>(options: &JsValue) -> Result<T, Error> {
    check_names(options, T::NAMES)?;
    let error = FirstError::default();
    let options = T::read(&Members { object: options, parent: None, error: &error });
    error.or(options)
}

/// Reads the options of a call that may be called without any.
pub fn read_optional<T: Options>(options: JsValue) -> Result<T, Error> {
    read(&if is_absent(&options) { Object::new().into() } else { options })
}

/// Reads a value that is not part of an options object; `name` is its name in errors.
pub fn value<T: Member>(value: &JsValue, name: &str) -> Result<T, Error> {
    read_at(value, Path::Root(name))
}

/// Reads the answer of a callback.
pub fn answer<T: Member>(answer: &JsValue, callback: &'static str) -> Result<T, Error> {
    read_at(answer, Path::Answer(callback))
}

fn read_at<T: Member>(value: &JsValue, path: Path<'_>) -> Result<T, Error> {
    let error = FirstError::default();
    let value = T::read(value.clone(), &Reader { path, error: &error });
    error.or(value)
}

fn check_names(options: &JsValue, known: &[&str]) -> Result<(), Error> {
    if !options.is_object() || is_array(options) {
        return Err(Error::type_error(format!("the options are {}: give an object", kind(options))));
    }
    for name in object_keys(options).map_err(host_error)?.iter() {
        let name = name.as_string().unwrap_or_default();
        if !known.contains(&name.as_str()) {
            return Err(Error::type_error(unknown(&name, known)));
        }
    }
    Ok(())
}

fn unknown(name: &str, known: &[&str]) -> String {
    let distance = |known: &&&str| strsim::levenshtein(&known.to_ascii_lowercase(), &name.to_ascii_lowercase());
    match known.iter().min_by_key(distance) {
        Some(nearest) => format!("unknown option `{name}`: did you mean `{nearest}`?"),
        None => format!("unknown option `{name}`: this call has no options"),
    }
}

impl Member for String {
    const TYPE: Type = Type::Name("string");

    fn read(value: JsValue, reader: &Reader<'_>) -> Self {
        reader.require(&value, value.as_string(), "a string")
    }
}

impl Member for bool {
    const TYPE: Type = Type::Name("boolean");

    fn read(value: JsValue, reader: &Reader<'_>) -> Self {
        reader.require(&value, value.as_bool(), "`true` or `false`")
    }
}

impl Member for f64 {
    const TYPE: Type = Type::Name("number");

    fn read(value: JsValue, reader: &Reader<'_>) -> Self {
        reader.require(&value, value.as_f64().filter(|number| number.is_finite()), "a finite number")
    }
}

impl Member for i64 {
    const TYPE: Type = Type::Name("Integer");

    fn read(value: JsValue, reader: &Reader<'_>) -> Self {
        let is_number = value.is_bigint() || value.as_f64().is_some();
        // The error for another kind of value would print it, which can throw on a proxy.
        let integer = if is_number { serde_wasm_bindgen::from_value(value.clone()).ok() } else { None };
        let expected = "a whole number of at most 64 bits, as a bigint where a number would round it";
        reader.require(&value, integer, expected)
    }
}

impl Member for u64 {
    const TYPE: Type = i64::TYPE;

    fn read(value: JsValue, reader: &Reader<'_>) -> Self {
        let integer = i64::read(value.clone(), reader);
        reader.require(&value, Self::try_from(integer).ok(), "a whole number that is not negative")
    }
}

impl<T: Member> Member for Option<T> {
    const TYPE: Type = Type::Nullable(&T::TYPE);
    const OPTIONAL: bool = true;
    const DOCS: &'static str = T::DOCS;

    fn read(value: JsValue, reader: &Reader<'_>) -> Self {
        if is_absent(&value) { None } else { Some(T::read(value, reader)) }
    }
}

impl<T: Member> Member for Vec<T> {
    const TYPE: Type = Type::List(&T::TYPE);

    fn read(value: JsValue, reader: &Reader<'_>) -> Self {
        let read = |(index, element): (usize, JsValue)| {
            T::read(element, &Reader { path: Path::Index(&reader.path, index), error: reader.error })
        };
        reader.elements(&value).iter().enumerate().map(read).collect()
    }
}

impl Member for Release {
    const TYPE: Type = Type::Name("Release");
    const DOCS: &'static str = "\n     * Which Nova release to reproduce.";

    fn read(value: JsValue, reader: &Reader<'_>) -> Self {
        String::read(value, reader).parse().unwrap_or_else(|error| {
            reader.fail(error);
            Self::Hibiscus
        })
    }
}

impl Member for NotificationFormat {
    const TYPE: Type = Type::Name("NotificationFormat");

    fn read(value: JsValue, reader: &Reader<'_>) -> Self {
        String::read(value, reader).parse().unwrap_or_else(|error| {
            reader.fail(error);
            Self::Unversioned
        })
    }
}

impl Member for UsageKey {
    const TYPE: Type = Type::Name("UsageKey");

    fn read(value: JsValue, reader: &Reader<'_>) -> Self {
        String::read(value, reader).parse().unwrap_or_else(|error| {
            reader.fail(error);
            Self::Project
        })
    }
}

impl Member for MessageIds {
    const TYPE: Type = Type::Name("MessageIds");

    fn read(value: JsValue, reader: &Reader<'_>) -> Self {
        match String::read(value, reader).as_str() {
            "random" => Self::Random,
            "deterministic" => Self::Deterministic,
            other => {
                reader.fail(Error::value(format!("unknown message ids `{other}`: give `random` or `deterministic`")));
                Self::Random
            }
        }
    }
}

/// The JSON text of a document.
pub struct Document(pub String);

impl Member for Document {
    const TYPE: Type = Type::Name("DocumentInput");

    fn read(value: JsValue, reader: &Reader<'_>) -> Self {
        Self(reader.convert(|name| document::text(&value, name)))
    }
}

impl Document {
    /// Parses an instance; `times_are_text` is the option of that name.
    pub fn instance(&self, times_are_text: Option<bool>) -> Result<Instance<'_>, Error> {
        Ok(Instance::parse(&self.0)?.with_times_as_text(times_are_text.unwrap_or_default()))
    }

    /// Parses an optional object.
    pub fn object(document: Option<&Self>) -> Result<Option<JsonObject<'_>>, Error> {
        document.map(|Self(text)| JsonObject::parse(text)).transpose()
    }

    /// Parses any optional value.
    pub fn json(document: Option<&Self>) -> Result<Option<Json<'_>>, Error> {
        document.map(|Self(text)| Json::parse(text)).transpose()
    }
}

/// The JSON text of any value. It may be absent, which differs from null.
pub struct OptionalJson(Option<String>);

impl Member for OptionalJson {
    const TYPE: Type = Type::Name("Value");
    const OPTIONAL: bool = true;

    fn read(value: JsValue, reader: &Reader<'_>) -> Self {
        Self(reader.convert(|name| document::value_text(&value, name)))
    }
}

impl From<OptionalJson> for Option<String> {
    fn from(OptionalJson(text): OptionalJson) -> Self {
        text
    }
}
