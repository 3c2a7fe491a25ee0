//! The contract in `wit/`, as wasmtime generates it.
#![allow(missing_docs, unsafe_code, clippy::all, clippy::pedantic)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "compute-utils",
    imports: {
        "wasi:clocks/wall-clock": trappable,
        "wasi:random/random": trappable,
        default: async,
    },
    exports: { default: async },
    additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
});
