//! The golden vectors of the real Nova and our own vectors, run through every face of nova-compute-utils.
//!
//! A vector file holds the cases of one function in one release: the inputs, the replies of the surroundings, the
//! returned value or error, and the outgoing calls. [`functions`] calls a face with a case, [`faces`] has the faces,
//! and [`run`] joins the two. A new vector file of a known function needs no code.

pub mod arguments;
pub mod faces;
pub mod functions;
pub mod json;
pub mod run;
pub mod script;
pub mod tables;
pub mod vectors;
pub mod wild;
