//! The crates that the project depends on: the rules of `deny.toml`, and which crates each face may contain.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;
use crate::setup::{self, WASM};
use crate::workspace::Workspace;

/// Runs cargo-deny, except its check of advisories, which needs the network.
pub fn deny(workspace: &Workspace) -> Result<()> {
    let mut command = Command::new(setup::cargo_program(workspace, "cargo-deny", "0.20.2")?);
    command.current_dir(&workspace.root).args(["--locked", "--workspace", "check", "-D", "warnings"]);
    process::run(command.args(["bans", "licenses", "sources"]))
}

/// Crates that only the JS face may contain. Each entry is a prefix of crate names.
const JS: &[&str] = &["wasm-bindgen", "js-sys", "web-sys", "serde-wasm-bindgen"];

/// Crates that only the component may contain. Each entry is a prefix of crate names.
const COMPONENT: &[&str] = &["wit-bindgen"];

/// A face, or the bare library, and its crates.
pub struct Face {
    /// The features of the library that select the face.
    pub features: &'static str,
    /// Crates that the face always contains. If one is missing, the list is not that of the face.
    required: &'static [&'static str],
    forbidden: &'static [&'static [&'static str]],
}

/// The ways to build the library for WebAssembly.
pub const FACES: [Face; 4] = [
    Face { features: "", required: &["serde_json"], forbidden: &[JS, COMPONENT] },
    Face { features: "component-pure", required: &["serde_json", "wit-bindgen"], forbidden: &[JS] },
    Face { features: "component", required: &["serde_json", "wit-bindgen"], forbidden: &[JS] },
    Face { features: "js", required: &["serde_json", "wasm-bindgen", "js-sys"], forbidden: &[COMPONENT] },
];

/// Checks that no face depends on a crate of another face.
pub fn check_faces(workspace: &Workspace) -> Result<()> {
    for face in &FACES {
        let mut command = workspace.cargo(["tree", "--package", "nova-compute-utils", "--no-default-features"]);
        command.args(["--target", WASM, "--features", face.features, "--prefix", "none", "--format", "{p}"]);
        // Build scripts and macros do not become part of the module.
        let tree = process::output(command.args(["--edges", "normal,no-proc-macro"]))?;
        let crates = names(&tree);
        face.check(&crates).with_context(|| format!("the face with the features \"{}\"", face.features))?;
        eprintln!("features \"{}\": {} crates, none of another face", face.features, crates.len());
    }
    Ok(())
}

/// Returns the names in lines such as `serde v1.0.229 (*)`.
fn names(tree: &str) -> BTreeSet<&str> {
    tree.lines().filter_map(|line| line.split_whitespace().next()).collect()
}

impl Face {
    fn check(&self, crates: &BTreeSet<&str>) -> Result<()> {
        for name in ["nova-compute-utils"].iter().chain(self.required) {
            if !crates.contains(name) {
                bail!("`{name}` is missing from its dependencies");
            }
        }
        let forbidden = |name: &str| self.forbidden.iter().copied().flatten().any(|prefix| name.starts_with(prefix));
        if let Some(name) = crates.iter().find(|name| forbidden(name)) {
            bail!("`{name}` belongs to another face");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMPONENT_TREE: &str = "nova-compute-utils v0.1.0 (/somewhere)\nserde_json v1.0.0\nserde v1.0.0\n\
                                  serde v1.0.0 (*)\nwit-bindgen v0.61.0\n";

    fn check(features: &str, tree: &str) -> Result<()> {
        let face = FACES.iter().find(|face| face.features == features).expect("a known face");
        face.check(&names(tree))
    }

    #[test]
    fn accepts_a_face_without_crates_of_the_other() {
        check("component", COMPONENT_TREE).expect("it contains no crate of the JS face");
        assert_eq!(names(COMPONENT_TREE).len(), 4);
    }

    #[test]
    fn names_the_crate_of_another_face() {
        for name in ["wasm-bindgen", "wasm-bindgen-futures", "js-sys", "serde-wasm-bindgen"] {
            let error = check("component", &format!("{COMPONENT_TREE}{name} v1.0.0\n")).expect_err(name);
            assert_eq!(error.to_string(), format!("`{name}` belongs to another face"));
        }
        assert!(check("", COMPONENT_TREE).is_err());
        assert!(check("js", &format!("{COMPONENT_TREE}wasm-bindgen v1.0.0\njs-sys v1.0.0\n")).is_err());
    }

    #[test]
    fn rejects_a_list_without_the_required_crates() {
        for face in &FACES {
            assert!(face.check(&names("")).is_err());
            assert!(face.check(&names("nova-compute-utils v0.1.0\n")).is_err());
        }
    }
}
