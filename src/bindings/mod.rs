//! The faces: they translate types and nothing else.

#[cfg(all(feature = "js", feature = "component", target_arch = "wasm32"))]
compile_error!("one module has one face: build with `js` or with `component`, not with both");

#[cfg(all(feature = "component", target_arch = "wasm32"))]
mod component;

#[cfg(all(feature = "js", target_arch = "wasm32"))]
mod js;
