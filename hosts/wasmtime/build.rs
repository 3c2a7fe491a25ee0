//! Puts the component into the command, if it is built: the file in `NOVA_COMPUTE_UTILS_COMPONENT`, or else
//! `component/nova-compute-utils.wasm` in cargo's target directory, where `cargo xtask build` writes it.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets `OUT_DIR`")?);
    let component = env::var_os("NOVA_COMPUTE_UTILS_COMPONENT").map(PathBuf::from).or_else(|| built(&out));
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=NOVA_COMPUTE_UTILS_COMPONENT");
    if let Some(file) = &component {
        println!("cargo::rerun-if-changed={}", file.display());
    }
    // An empty file means that the command has no component.
    let bytes = component.filter(|file| file.is_file()).map(fs::read).transpose()?;
    fs::write(out.join("nova-compute-utils.wasm"), bytes.unwrap_or_default())?;
    Ok(())
}

/// Returns where `cargo xtask build` writes the component. `out` is `target/PROFILE/build/PACKAGE/out`, with the name of
/// the target before the profile if cargo builds for a given one.
fn built(out: &Path) -> Option<PathBuf> {
    let above_profile = out.ancestors().nth(4)?;
    let is_target = above_profile.file_name() == env::var_os("TARGET").as_deref();
    let target = if is_target { above_profile.parent()? } else { above_profile };
    Some(target.join("component/nova-compute-utils.wasm"))
}
