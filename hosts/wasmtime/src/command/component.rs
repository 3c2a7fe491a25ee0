use std::path::Path;

use nova_compute_utils_wasmtime::{Limits, Plugin, Runtime};

use super::Failure;

/// The component that this program carries; empty if it was built without one.
const INSIDE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/nova-compute-utils.wasm"));

/// Loads a component file, or the component inside this program.
pub fn load(file: Option<&Path>) -> Result<Plugin<(), ()>, Failure> {
    let runtime = Runtime::new(Limits::default())?;
    match file {
        Some(file) => Ok(runtime.load(file)?),
        None => load_inside(&runtime, INSIDE),
    }
}

fn load_inside(runtime: &Runtime, bytes: &[u8]) -> Result<Plugin<(), ()>, Failure> {
    if bytes.is_empty() {
        let help = "give `--component FILE`, or build both with `cargo xtask build`";
        return Err(Failure::BadInput(format!("this program has no component inside: {help}")));
    }
    Ok(runtime.load_bytes("the component inside this program", bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_a_component_asks_for_one() {
        let runtime = Runtime::new(Limits::default()).expect("an engine");
        let failure = load_inside(&runtime, &[]).err().expect("no component");
        assert_eq!(
            failure.to_string(),
            "this program has no component inside: give `--component FILE`, or build both with `cargo xtask build`"
        );
        let failure = load_inside(&runtime, b"no component").err().expect("not a component");
        assert!(failure.to_string().starts_with("cannot use `the component inside this program` as the component: "));
    }
}
