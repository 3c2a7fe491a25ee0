//! All golden vectors through all faces.

use std::path::{Path, PathBuf};

use conformance::faces::{ComponentFace, Face, NativeFace};
use conformance::run::{Tally, run};

fn component() -> PathBuf {
    let built = || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("component").join("nova-compute-utils.wasm");
    std::env::var_os("NOVA_COMPUTE_UTILS_COMPONENT").map_or_else(built, PathBuf::from)
}

/// Every case that a face can be given passes, and a face that was given none fails.
fn all_pass(face: Box<dyn Face>) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    let name = face.name();
    let mut sum = Tally::default();
    for run in run(&dir, &mut [face]).expect("the vectors run") {
        sum.add(&run.tally);
    }
    println!(
        "{name}: {} cases ran, {} set aside, {} missing",
        sum.ran(),
        sum.set_aside.values().sum::<usize>(),
        sum.missing
    );
    assert!(sum.failures.is_empty(), "{:#?}", sum.failures);
    assert!(sum.ran() > 0, "no case ran");
}

#[test]
fn native() {
    all_pass(Box::new(NativeFace::default()));
}

#[test]
fn component_in_wasmtime() {
    let face = ComponentFace::load(&component()).expect("`cargo xtask build` makes the component");
    all_pass(Box::new(face));
}
