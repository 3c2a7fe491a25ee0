//! The JS face: the library from `wasm32-unknown-unknown`, and wasm-bindgen's glue for it.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::setup::{self, WASM};
use crate::workspace::Workspace;
use crate::{files, process};

/// The base name of the generated files. The glue and the module add `_bg`.
const NAME: &str = "nova_compute_utils";

/// The file name of the module.
pub const MODULE: &str = "nova_compute_utils_bg.wasm";

/// The generated files that the package takes.
pub const FILES: [&str; 5] =
    [MODULE, "nova_compute_utils_bg.js", "nova_compute_utils.js", "nova_compute_utils.d.ts", IMPORTS];

/// The path from which the module imports wasm-bindgen's glue.
const GLUE: &str = "./nova_compute_utils_bg.js";

/// The generated file that exports the imports of the module to the loaders.
const IMPORTS: &str = "imports.js";

/// Builds the face and returns the directory of the [`FILES`].
pub fn build(workspace: &Workspace) -> Result<PathBuf> {
    setup::wasm_target(workspace)?;
    // A separate directory: in that of the components, the other features would make cargo recompile every time.
    let target = workspace.target.join("js-build");
    let mut command = workspace.cargo(["rustc", "--lib", "--package", "nova-compute-utils", "--profile", "js"]);
    command.args(["--crate-type", "cdylib", "--target", WASM, "--features", "js"]).arg("--target-dir").arg(&target);
    process::run(command.env("RUSTFLAGS", flags_without_paths(workspace)))?;
    let module = target.join(WASM).join("js").join(format!("{NAME}.wasm"));
    let directory = target.join("bindgen");
    generate(&module, &directory, &source_dir(workspace))
        .with_context(|| format!("cannot make the JS face of `{}`", module.display()))?;
    Ok(directory)
}

/// Returns RUSTFLAGS that remove this machine's directories from the source paths in panic messages, so that the same
/// sources make the same module on every machine.
fn flags_without_paths(workspace: &Workspace) -> String {
    let home = env::home_dir().unwrap_or_default();
    let cargo = env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let inherited = env::var("RUSTFLAGS").unwrap_or_default();
    let registries = fs::read_dir(cargo.join("registry/src")).into_iter().flatten().flatten().map(|entry| entry.path());
    let remapped = registries
        .chain([workspace.root.clone()])
        .map(|directory| format!("--remap-path-prefix={}=", directory.display()));
    iter::once(inherited).chain(remapped).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// Returns the directory of the hand-written JavaScript of the face.
pub fn source_dir(workspace: &Workspace) -> PathBuf {
    workspace.root.join("src/bindings/js")
}

/// Generates the [`FILES`] with wasm-bindgen, in its mode for bundlers: there the glue does not load the module, which
/// the package's own loaders do.
fn generate(module: &Path, directory: &Path, source: &Path) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).out_name(NAME).bundler(true)?.typescript(true);
    bindgen.remove_name_section(true).remove_producers_section(true);
    let mut output = bindgen.generate_output()?;
    let modules = output.wasm().imports.iter().map(|import| import.module.clone()).collect();
    let imports = imports(&modules, source)?;
    // wasm-bindgen writes inline JavaScript into a directory of snippets, which the package does not contain.
    ensure!(
        output.snippets().values().all(Vec::is_empty) && output.local_modules().is_empty(),
        "the face contains inline JavaScript: import a file of `src/bindings/js/` with `raw_module = \"./…\"` instead"
    );
    let entry = exports(output.js())?;
    files::empty_directory(directory)?;
    output.emit(directory)?;
    files::write(&directory.join(format!("{NAME}.js")), entry)?;
    files::write(&directory.join(IMPORTS), imports)
}

/// Returns the text of the file that exports the imports of the module: the glue, and the hand-written files whose
/// functions need no conversion by wasm-bindgen.
fn imports(modules: &BTreeSet<String>, source: &Path) -> Result<String> {
    ensure!(modules.contains(GLUE), "the module is no JS face: it does not import `{GLUE}`");
    let (mut statements, mut members) = (Vec::new(), Vec::new());
    for (number, module) in modules.iter().enumerate() {
        let file = module.strip_prefix("./").filter(|file| !file.contains('/'));
        let known = module == GLUE || file.is_some_and(|file| source.join(file).is_file());
        ensure!(known, "the module imports `{module}`, which is not in the package");
        statements.push(format!("import * as module{number} from \"{module}\";"));
        members.push(format!("    \"{module}\": module{number},"));
    }
    let (statements, members) = (statements.join("\n"), members.join("\n"));
    Ok(format!(
        "// Generated: the imports of the module.\n\n{statements}\n\nexport const imports = {{\n{members}\n}};\n"
    ))
}

/// Returns the export list of the generated entry. The rest of the entry loads the module in a way that only some
/// bundlers support.
fn exports(entry: &str) -> Result<String> {
    let tail = format!("}} from \"{GLUE}\";");
    let list = entry.rsplit_once("export {").and_then(|(_, rest)| rest.split_once(&*tail)).map(|(list, _)| list);
    let Some(list) = list else { bail!("wasm-bindgen's entry has no export list: {entry}") };
    let names: Vec<&str> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    ensure!(!names.is_empty(), "the face exports nothing");
    if let Some(name) = names.iter().find(|name| name.starts_with("__wb")) {
        bail!("the face exports `{name}`, which is internal to wasm-bindgen");
    }
    Ok(format!(
        "// Generated: the exports of the face, which the loaders export again.\nexport {{\n    {},\n{tail}\n",
        names.join(",\n    ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_only_the_export_list() {
        let entry = "import * as wasm from \"./nova_compute_utils_bg.wasm\";\nwasm.__wbindgen_start();\nexport {\n    A, b\n} \
                     from \"./nova_compute_utils_bg.js\";\n";
        let taken = exports(entry).expect("the entry has a list");
        assert!(taken.ends_with("\nexport {\n    A,\n    b,\n} from \"./nova_compute_utils_bg.js\";\n"), "{taken}");
        assert!(!taken.contains("wasm.__wbindgen_start"), "{taken}");
    }

    #[test]
    fn rejects_an_entry_without_exports() {
        for entry in [
            "",
            "export { } from \"./nova_compute_utils_bg.js\";",
            "export { __wbg_x } from \"./nova_compute_utils_bg.js\";",
        ] {
            assert!(exports(entry).is_err(), "{entry}");
        }
    }

    #[test]
    fn the_module_imports_only_files_of_the_package() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let imports_of = |modules: &[&str]| imports(&modules.iter().map(ToString::to_string).collect(), &source);
        let taken = imports_of(&["./main.rs", GLUE]).expect("both files exist");
        assert!(taken.contains("import * as module0 from \"./main.rs\";"), "{taken}");
        assert!(taken.contains("\"./nova_compute_utils_bg.js\": module1,"), "{taken}");
        for foreign in ["env", "./missing.js", "./../src/main.rs", "./"] {
            let error = imports_of(&[GLUE, foreign]).expect_err(foreign);
            assert!(error.to_string().contains(&format!("`{foreign}`")), "{error}");
        }
        assert!(imports_of(&[]).is_err());
    }
}
