//! Options and records on their way in: plain objects, read member by member.
//!
//! Of an options object all names are known, and one that is not is refused; a record may hold more than is read. Either
//! way null and absent are the same. What derive macros of serde would generate for each of these structs, generic over
//! its source, is ten times the code of [`Member`].

use std::cell::OnceCell;

use js_sys::{Function, Object, Reflect};
use tsify::{Ts, Tsify};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::*;

use super::document::{is_array, kind, members, object_keys};
use super::error::{Result, camel_case, of_host};
use crate::Error;

/// Declares the options of a call: the struct, its TypeScript and how it is read.
macro_rules! options {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$member_meta:meta])* $member:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(tsify::Tsify)]
        #[serde(rename_all = "camelCase")]
        pub struct $name { $($(#[$member_meta])* $member: $type,)* }

        impl $crate::bindings::js::options::Options for $name {
            const NAMES: &'static [&'static str] = &[$(stringify!($member)),*];

            fn read(members: &$crate::bindings::js::options::Members<'_>) -> Self {
                Self { $($member: members.get(stringify!($member)),)* }
            }
        }
    };
}

/// Declares a record of Nova's as it is given.
macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$member_meta:meta])* $member:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Default, tsify::Tsify)]
        pub struct $name { $($(#[$member_meta])* $member: $type,)* }

        impl $crate::bindings::js::options::Member for $name {
            fn read(value: wasm_bindgen::JsValue, at: &$crate::bindings::js::options::At<'_>) -> Self {
                let members = at.record(&value);
                Self { $($member: members.get(stringify!($member)),)* }
            }
        }
    };
}

pub(super) use {options, record};

/// The options of a call.
pub trait Options: Sized {
    /// All names that there are, the way Rust writes them.
    const NAMES: &'static [&'static str];

    /// Read an object whose names are known.
    fn read(members: &Members<'_>) -> Self;
}

/// What can be read of a value. Where it cannot, it complains, and gives anything: nobody will look at it.
pub trait Member {
    fn read(value: JsValue, at: &At<'_>) -> Self;
}

/// The first thing that was wrong. One place for it, in place of a way out at every member, halves the code.
#[derive(Default)]
pub struct Complaint(OnceCell<Error>);

impl Complaint {
    fn or<T>(self, value: T) -> Result<T> {
        match self.0.into_inner() {
            Some(error) => Err(error.into()),
            None => Ok(value),
        }
    }
}

/// Where a value stands, and where to complain about it.
pub struct At<'a> {
    pub path: &'a str,
    complaint: &'a Complaint,
}

impl At<'_> {
    /// Complain that something else is wanted.
    fn want(&self, value: &JsValue, wanted: &str) {
        self.complain(wrong(value, self.path, wanted));
    }

    pub fn complain(&self, error: Error) {
        // The first one is the one that counts.
        let _ = self.complaint.0.set(error);
    }

    /// The members of a record.
    pub fn record<'r>(&'r self, value: &'r JsValue) -> Members<'r> {
        if !value.is_object() || is_array(value) {
            self.want(value, "an object");
        }
        Members { object: value, of: Some(self.path), complaint: self.complaint }
    }
}

/// The members of an object.
pub struct Members<'a> {
    object: &'a JsValue,
    /// What the object is called, where it is a record among options. Records keep Nova's names.
    of: Option<&'a str>,
    complaint: &'a Complaint,
}

impl Members<'_> {
    /// A member by its Rust name.
    pub fn get<T: Member>(&self, name: &str) -> T {
        let (value, path) = self.find(name);
        T::read(value, &At { path: &path, complaint: self.complaint })
    }

    fn find(&self, name: &str) -> (JsValue, String) {
        let (name, path) = match self.of {
            Some(of) => (name.to_owned(), format!("{of}.{name}")),
            None => (camel_case(name, '_'), camel_case(name, '_')),
        };
        let value = Reflect::get(self.object, &JsValue::from_str(&name)).unwrap_or_else(|thrown| {
            At { path: &path, complaint: self.complaint }.complain(of_host(thrown).into());
            JsValue::UNDEFINED
        });
        (value, path)
    }
}

/// Read the options of a call.
pub fn read<T: Tsify + Options>(options: &Ts<T>) -> Result<T>
where
    T::JsType: JsCast,
{
    read_value(&options.js_value())
}

/// Those of a call that can do without.
pub fn read_optional<T: Tsify + Options>(options: Option<&Ts<T>>) -> Result<T>
where
    T::JsType: JsCast,
{
    read_value(&options.map_or_else(|| Object::new().into(), Ts::js_value))
}

fn read_value<T: Options>(options: &JsValue) -> Result<T> {
    check(options, T::NAMES)?;
    let complaint = Complaint::default();
    let read = T::read(&Members { object: options, of: None, complaint: &complaint });
    complaint.or(read)
}

/// Read a value that stands on its own, and not among options.
pub fn value<T: Member>(value: &JsValue, path: &str) -> Result<T> {
    let complaint = Complaint::default();
    let read = T::read(value.clone(), &At { path, complaint: &complaint });
    complaint.or(read)
}

fn check(options: &JsValue, known: &[&str]) -> Result<()> {
    if !options.is_object() || is_array(options) {
        return Err(Error::type_error(format!("the options are {}: give an object", kind(options))).into());
    }
    let names = object_keys(options).map_err(|thrown| Error::from(of_host(thrown)))?;
    for name in names.iter() {
        let name = name.as_string().unwrap_or_default();
        if !known.iter().any(|known| camel_case(known, '_') == name) {
            return Err(Error::type_error(unknown(&name, known)).into());
        }
    }
    Ok(())
}

fn unknown(name: &str, known: &[&str]) -> String {
    let known: Vec<String> = known.iter().map(|known| camel_case(known, '_')).collect();
    let distance = |known: &&String| strsim::levenshtein(&known.to_ascii_lowercase(), &name.to_ascii_lowercase());
    match known.iter().min_by_key(distance) {
        Some(nearest) => format!("unknown option `{name}`: did you mean `{nearest}`?"),
        None => format!("unknown option `{name}`: there are none"),
    }
}

fn wrong(value: &JsValue, path: &str, wanted: &str) -> Error {
    let kind = kind(value);
    Error::type_error(match kind {
        "missing" => format!("`{path}` is missing: give {wanted}"),
        _ => format!("`{path}` is {kind}: give {wanted}"),
    })
}

impl Member for String {
    fn read(value: JsValue, at: &At<'_>) -> Self {
        value.as_string().unwrap_or_else(|| {
            at.want(&value, "text");
            Self::new()
        })
    }
}

impl Member for bool {
    fn read(value: JsValue, at: &At<'_>) -> Self {
        value.as_bool().unwrap_or_else(|| {
            at.want(&value, "`true` or `false`");
            false
        })
    }
}

impl Member for i64 {
    fn read(value: JsValue, at: &At<'_>) -> Self {
        let is_number = value.is_bigint() || value.as_f64().is_some();
        // Of anything else it would say how it prints, which a proxy may refuse.
        let integer = if is_number { serde_wasm_bindgen::from_value(value.clone()).ok() } else { None };
        integer.unwrap_or_else(|| {
            at.want(&value, "a whole number of at most 64 bits, as a bigint where a number would round it");
            0
        })
    }
}

impl Member for u64 {
    fn read(value: JsValue, at: &At<'_>) -> Self {
        Self::try_from(i64::read(value.clone(), at)).unwrap_or_else(|_| {
            at.want(&value, "a whole number that is not negative");
            0
        })
    }
}

impl<T: Member> Member for Option<T> {
    fn read(value: JsValue, at: &At<'_>) -> Self {
        if value.is_undefined() || value.is_null() { None } else { Some(T::read(value, at)) }
    }
}

impl<T: Member> Member for Vec<T> {
    fn read(value: JsValue, at: &At<'_>) -> Self {
        let list = match members(&value) {
            Ok(Some(list)) => list,
            Ok(None) => {
                at.want(&value, "an array");
                return Self::new();
            }
            Err(thrown) => {
                at.complain(of_host(thrown).into());
                return Self::new();
            }
        };
        let of = |(index, member): (usize, JsValue)| {
            T::read(member, &At { path: &format!("{}[{index}]", at.path), complaint: at.complaint })
        };
        list.iter().enumerate().map(of).collect()
    }
}

/// Whose contract is spoken.
pub struct Release(pub crate::Release);

impl Member for Release {
    fn read(value: JsValue, at: &At<'_>) -> Self {
        Self(String::read(value, at).parse().unwrap_or_else(|error| {
            at.complain(error);
            crate::Release::Hibiscus
        }))
    }
}

/// Which notifications are sent.
pub struct NotificationFormat(pub crate::NotificationFormat);

impl Member for NotificationFormat {
    fn read(value: JsValue, at: &At<'_>) -> Self {
        Self(String::read(value, at).parse().unwrap_or_else(|error| {
            at.complain(error);
            crate::NotificationFormat::Unversioned
        }))
    }
}

/// Any value, as it was given.
#[derive(Clone, Default)]
pub struct Given(pub JsValue);

impl Member for Given {
    fn read(value: JsValue, _: &At<'_>) -> Self {
        Self(value)
    }
}

impl Given {
    /// Is there anything?
    pub fn is_some(&self) -> bool {
        !self.0.is_undefined() && !self.0.is_null()
    }

    /// An object, if there is anything.
    pub fn object(self, name: &str) -> std::result::Result<JsValue, Error> {
        if self.is_some() && !self.0.is_object() && !self.0.is_function() {
            return Err(wrong(&self.0, name, "an object"));
        }
        Ok(self.0)
    }

    /// A function, if there is anything.
    pub fn function(self, name: &str) -> std::result::Result<Option<Function>, Error> {
        if !self.is_some() {
            return Ok(None);
        }
        self.0.dyn_into().map(Some).map_err(|value| wrong(&value, name, "a function"))
    }
}
