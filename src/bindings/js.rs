//! The JS face: the library for browsers and Node, through wasm-bindgen.
//!
//! What needs no host is a free function, what needs one is a method of [`ComputeUtils`]. Records and documents are plain
//! objects under Nova's names; the files `*.js` beside these modules are the part of the face that JavaScript says
//! best, and `*.d.ts` what TypeScript has no Rust for.

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
mod options;
mod period;
mod time;
mod usage;
mod volume;

use wasm_bindgen::prelude::*;

#[wasm_bindgen(typescript_custom_section)]
const HOST: &str = include_str!("js/host.d.ts");

#[wasm_bindgen(typescript_custom_section)]
const RECORDS: &str = include_str!("js/records.d.ts");
