//! What each face is made of: neither drags in what the other stands on.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};

use crate::setup::WASM;
use crate::sh;
use crate::workspace::Workspace;

/// What only the JS face stands on; a name stands for all that begin with it, too.
const JS: &[&str] = &["wasm-bindgen", "js-sys", "web-sys", "serde-wasm-bindgen", "tsify"];

/// What only the component stands on.
const COMPONENT: &[&str] = &["wit-bindgen"];

/// A way to build the library.
struct Build {
    features: &'static str,
    /// Crates that are there: a list without them is the list of something else.
    made_of: &'static [&'static str],
    free_of: &'static [&'static [&'static str]],
}

const BUILDS: [Build; 4] = [
    Build { features: "", made_of: &["serde_json"], free_of: &[JS, COMPONENT] },
    Build { features: "component-pure", made_of: &["serde_json", "wit-bindgen"], free_of: &[JS] },
    Build { features: "component", made_of: &["serde_json", "wit-bindgen"], free_of: &[JS] },
    Build { features: "js", made_of: &["serde_json", "wasm-bindgen", "js-sys"], free_of: &[COMPONENT] },
];

/// Ask cargo what each build is made of.
pub fn check(workspace: &Workspace) -> Result<()> {
    for build in &BUILDS {
        // Build scripts and macros don't end up in the module.
        let tree =
            ["tree", "--package", "nova-compute-utils", "--edges", "normal,no-proc-macro", "--no-default-features"];
        let mut command = workspace.cargo(tree);
        command.args(["--target", WASM, "--features", build.features, "--prefix", "none", "--format", "{p}"]);
        let tree = sh::output(&mut command)?;
        let crates = names(&tree);
        build.judge(&crates).with_context(|| format!("the build with the features \"{}\"", build.features))?;
        eprintln!("features \"{}\": {} crates, none of another face", build.features, crates.len());
    }
    Ok(())
}

/// The names out of lines such as `serde v1.0.229 (*)`.
fn names(tree: &str) -> BTreeSet<&str> {
    tree.lines().filter_map(|line| line.split_whitespace().next()).collect()
}

impl Build {
    fn judge(&self, crates: &BTreeSet<&str>) -> Result<()> {
        for name in ["nova-compute-utils"].iter().chain(self.made_of) {
            if !crates.contains(name) {
                bail!("`{name}` is missing from what cargo says that it is made of");
            }
        }
        let foreign = |name: &str| self.free_of.iter().copied().flatten().any(|prefix| name.starts_with(prefix));
        if let Some(name) = crates.iter().find(|name| foreign(name)) {
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

    fn judge(features: &str, tree: &str) -> Result<()> {
        let build = BUILDS.iter().find(|build| build.features == features).expect("a known build");
        build.judge(&names(tree))
    }

    #[test]
    fn a_face_without_the_other_one_passes() {
        judge("component", COMPONENT_TREE).expect("nothing of the JS face is in it");
        assert_eq!(names(COMPONENT_TREE).len(), 4);
    }

    #[test]
    fn what_belongs_to_another_face_is_named() {
        for name in ["wasm-bindgen", "wasm-bindgen-futures", "js-sys", "serde-wasm-bindgen", "tsify"] {
            let error = judge("component", &format!("{COMPONENT_TREE}{name} v1.0.0\n")).expect_err(name);
            assert_eq!(error.to_string(), format!("`{name}` belongs to another face"));
        }
        assert!(judge("", COMPONENT_TREE).is_err());
        assert!(judge("js", &format!("{COMPONENT_TREE}wasm-bindgen v1.0.0\njs-sys v1.0.0\n")).is_err());
    }

    #[test]
    fn a_list_of_something_else_does_not_pass() {
        for build in &BUILDS {
            assert!(build.judge(&names("")).is_err());
            assert!(build.judge(&names("nova-compute-utils v0.1.0\n")).is_err());
        }
    }
}
