//! The imports and exports of the built components, compared with their worlds.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, bail};
use wit_component::DecodedWasm;
use wit_parser::{Resolve, WorldId};

use crate::build::{COMPONENTS, Component};
use crate::workspace::Workspace;
use crate::{files, wit_docs};

/// The only imports that the world `compute-utils` may have. They are listed here and not read from `wit/`, so that a
/// new import needs a decision in two places.
const IMPORTS: [&str; 4] = [
    "nova:compute-utils/conductor@0.1.0",
    "nova:compute-utils/notifier@0.1.0",
    "wasi:clocks/wall-clock@0.2.0",
    "wasi:random/random@0.2.0",
];

#[derive(Debug, PartialEq, Eq)]
struct Interfaces {
    imports: BTreeSet<String>,
    exports: BTreeSet<String>,
}

/// Checks that every built component imports the list above and exports its world in `wit/`.
pub fn check(workspace: &Workspace) -> Result<()> {
    for component in &COMPONENTS {
        let path = component.path(workspace);
        let built = built(&path).with_context(|| format!("cannot decode `{}`", Workspace::relative(&path)))?;
        let differences = differences(&built, &promised(workspace, component)?);
        if !differences.is_empty() {
            bail!("the component `{}` differs from its world: {}", Workspace::relative(&path), differences.join("; "));
        }
        let (imports, exports) = (built.imports.len(), built.exports.len());
        eprintln!("{}: {imports} imports and {exports} exports, as its world has them", component.world);
    }
    Ok(())
}

fn promised(workspace: &Workspace, component: &Component) -> Result<Interfaces> {
    let (resolve, package) = wit_docs::load(&workspace.root.join("wit"))?;
    let world = resolve.select_world(&[package], Some(component.world))?;
    let imports = match component.world {
        "pure" => BTreeSet::new(),
        _ => IMPORTS.map(String::from).into(),
    };
    Ok(Interfaces { imports, ..interfaces(&resolve, world) })
}

fn built(path: &Path) -> Result<Interfaces> {
    match wit_component::decode(&files::read(path)?)? {
        DecodedWasm::Component(resolve, world) => Ok(interfaces(&resolve, world)),
        DecodedWasm::WitPackage(..) => bail!("the file is a WIT package and not a component"),
    }
}

fn interfaces(resolve: &Resolve, world: WorldId) -> Interfaces {
    let world = &resolve.worlds[world];
    Interfaces {
        imports: world.imports.keys().map(|key| resolve.name_world_key(key)).collect(),
        exports: world.exports.keys().map(|key| resolve.name_world_key(key)).collect(),
    }
}

fn differences(built: &Interfaces, promised: &Interfaces) -> Vec<String> {
    let kinds = [("import", &built.imports, &promised.imports), ("export", &built.exports, &promised.exports)];
    let mut found = Vec::new();
    for (kind, built, promised) in kinds {
        found.extend(built.difference(promised).map(|name| format!("the {kind} `{name}` is not allowed")));
        found.extend(promised.difference(built).map(|name| format!("the {kind} `{name}` is missing")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interfaces_of(imports: &[&str], exports: &[&str]) -> Interfaces {
        let set = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Interfaces { imports: set(imports), exports: set(exports) }
    }

    #[test]
    fn reports_additional_and_missing_interfaces() {
        let promised = interfaces_of(&["a:b/conductor"], &["a:b/types", "a:b/period"]);
        assert!(differences(&promised, &promised).is_empty());
        assert_eq!(
            differences(&interfaces_of(&["a:b/conductor", "wasi:io/poll"], &["a:b/types"]), &promised),
            ["the import `wasi:io/poll` is not allowed", "the export `a:b/period` is missing"]
        );
    }
}
