//! What the built components import and export, read back from their bytes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use wit_component::DecodedWasm;
use wit_parser::{Resolve, WorldId};

use crate::build::{COMPONENTS, Component};
use crate::wit_docs;
use crate::workspace::Workspace;

/// All that the component of world `compute-utils` may reach. Written down here and not read from `wit/`, so that a
/// new import is a decision in two places.
const IMPORTS: [&str; 4] = [
    "nova:compute-utils/conductor@0.1.0",
    "nova:compute-utils/notifier@0.1.0",
    "wasi:clocks/wall-clock@0.2.0",
    "wasi:random/random@0.2.0",
];

#[derive(Debug, PartialEq, Eq)]
struct Face {
    imports: BTreeSet<String>,
    exports: BTreeSet<String>,
}

/// Compare every built component with the list above and with its world in `wit/`.
pub fn check(workspace: &Workspace) -> Result<()> {
    for component in &COMPONENTS {
        let path = component.path(workspace);
        let built = read(&path).with_context(|| format!("cannot read `{}`", Workspace::shown(&path)))?;
        let promised = promised(workspace, component)?;
        let differences = differences(&built, &promised);
        if !differences.is_empty() {
            bail!("the component `{}` is not its world: {}", Workspace::shown(&path), differences.join("; "));
        }
        let (imports, exports) = (built.imports.len(), built.exports.len());
        eprintln!("{}: {imports} imports and {exports} exports, as promised", component.world);
    }
    Ok(())
}

fn promised(workspace: &Workspace, component: &Component) -> Result<Face> {
    let (resolve, package) = wit_docs::load(&workspace.root.join("wit"))?;
    let world = resolve.select_world(&[package], Some(component.world))?;
    let imports = match component.world {
        "pure" => BTreeSet::new(),
        _ => IMPORTS.map(String::from).into(),
    };
    Ok(Face { imports, ..face(&resolve, world) })
}

fn read(path: &Path) -> Result<Face> {
    match wit_component::decode(&fs::read(path)?)? {
        DecodedWasm::Component(resolve, world) => Ok(face(&resolve, world)),
        DecodedWasm::WitPackage(..) => bail!("it is a WIT package and not a component"),
    }
}

fn face(resolve: &Resolve, world: WorldId) -> Face {
    let world = &resolve.worlds[world];
    Face {
        imports: world.imports.keys().map(|key| resolve.name_world_key(key)).collect(),
        exports: world.exports.keys().map(|key| resolve.name_world_key(key)).collect(),
    }
}

fn differences(built: &Face, promised: &Face) -> Vec<String> {
    let kinds = [("imports", &built.imports, &promised.imports), ("exports", &built.exports, &promised.exports)];
    let mut found = Vec::new();
    for (verb, built, promised) in kinds {
        found.extend(built.difference(promised).map(|name| format!("it {verb} `{name}`, which is not promised")));
        found.extend(promised.difference(built).map(|name| format!("it {verb} no `{name}`")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn face_of(imports: &[&str], exports: &[&str]) -> Face {
        let set = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Face { imports: set(imports), exports: set(exports) }
    }

    #[test]
    fn more_and_less_than_promised_is_told() {
        let promised = face_of(&["a:b/conductor"], &["a:b/types", "a:b/period"]);
        assert!(differences(&promised, &promised).is_empty());
        assert_eq!(
            differences(&face_of(&["a:b/conductor", "wasi:io/poll"], &["a:b/types"]), &promised),
            ["it imports `wasi:io/poll`, which is not promised", "it exports no `a:b/period`"]
        );
    }
}
