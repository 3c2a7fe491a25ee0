//! The faces. They convert types and contain no rules of Nova.

#[cfg(all(feature = "js", feature = "component", target_arch = "wasm32"))]
compile_error!("a module has one face: enable the feature `js` or the feature `component`, not both");

#[cfg(all(feature = "component", target_arch = "wasm32"))]
mod component;

#[cfg(all(feature = "js", target_arch = "wasm32"))]
mod js;
