//! The golden vectors of the real Nova, run through every face of nova-compute-utils.
//!
//! A vector file holds the cases of one function in one release: the inputs, what the surroundings answered, what came
//! out and which calls were made. [`functions`] puts such a case to a face, [`faces`] has the faces, and [`run`] joins
//! the two. A new vector file of a known function needs no code.

pub mod arguments;
pub mod faces;
pub mod functions;
pub mod json;
pub mod run;
pub mod script;
pub mod tables;
pub mod vectors;
