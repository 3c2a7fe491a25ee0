//! The golden vectors of real Nova, run through every face of nova-compute-utils.
//!
//! A vector file holds the cases of one function in one release: what went in, what the surroundings answered, what
//! came out and which calls were made. [`functions`] says how such a case is put to a face, [`faces`] says what a
//! face is, and [`run`] puts the two together. A new vector file of a known function needs no code.

pub mod faces;
pub mod functions;
pub mod json;
pub mod records;
pub mod run;
pub mod script;
pub mod tables;
pub mod vectors;
