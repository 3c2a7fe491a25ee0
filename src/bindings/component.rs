//! The component face: the interfaces of `wit/`, implemented by the library.
//!
//! The feature `component-pure` selects the world `pure`, which has no imports and no function that needs them.
#![allow(
    unsafe_code,
    missing_docs,
    clippy::same_length_and_capacity,
    reason = "wit-bindgen generates code that needs this"
)]

#[cfg(feature = "component-pure")]
wit_bindgen::generate!({ path: "wit", world: "pure", generate_all });
#[cfg(not(feature = "component-pure"))]
wit_bindgen::generate!({ path: "wit", world: "compute-utils", generate_all });

use exports::nova::compute_utils::types;

/// The result of an exported function.
type Result<T, E = types::Error> = core::result::Result<T, E>;

/// Declares exported functions: the signature of WIT, then the arguments of the function with the same name in
/// `crate::$module`. `$convert` converts the result to that of WIT.
macro_rules! functions {
    ($module:ident, $convert:path; $(
        fn $function:ident($($argument:ident: $type:ty),*) -> $result:ty = $($passed:expr),*;
    )*) => {$(
        fn $function($($argument: $type),*) -> $result {
            $convert(crate::$module::$function($($passed),*))
        }
    )*};
}

#[macro_use]
mod record;

mod action;
mod audit;
mod device;
mod fault;
#[cfg(not(feature = "component-pure"))]
mod imports;
mod network;
mod notification;
mod period;
mod reconcile;
mod tenant_usage;
mod usage;
mod verify;
mod volume;

struct Component;

export!(Component);
