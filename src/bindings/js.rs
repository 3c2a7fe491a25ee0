//! The JS face: the library for browsers and Node, through wasm-bindgen.
//!
//! A function that needs no host is a free function; one that needs a host is a method of
//! [`ComputeUtils`](compute_utils::ComputeUtils). Records and documents are plain objects under Nova's names. The
//! `*.js` files beside these modules are the part of the face that is written in JavaScript; the `*.d.ts` files declare
//! the types that have no Rust struct of options.
//!
//! The modules build on each other in this order: `typescript` and `value`, `error`, `document`, `options`, `record`
//! and `time`, `host`, and then one module per module of the library.

#![allow(unsafe_code, missing_docs, clippy::missing_panics_doc, reason = "generated glue")]

mod action;
mod audit;
mod compute_utils;
mod device;
mod document;
mod error;
mod fault;
mod host;
mod network;
mod notification;
mod options;
mod period;
mod reconcile;
mod record;
mod tenant_usage;
mod time;
mod typescript;
mod usage;
mod value;
mod verify;
mod volume;

use wasm_bindgen::prelude::*;

#[wasm_bindgen(typescript_custom_section)]
const HOST: &str = include_str!("js/host.d.ts");

#[wasm_bindgen(typescript_custom_section)]
const RECORDS: &str = include_str!("js/records.d.ts");
