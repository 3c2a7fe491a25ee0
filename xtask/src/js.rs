//! The JS face: the library from `wasm32-unknown-unknown`, and wasm-bindgen's glue for it.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::iter;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::setup::{self, WASM};
use crate::sh;
use crate::workspace::Workspace;

/// What the generated files are called; `_bg` is the glue and the module.
const NAME: &str = "nova_compute_utils";

/// The module's file name, in the package as here.
pub const MODULE: &str = "nova_compute_utils_bg.wasm";

/// The generated files that the package takes.
pub const FILES: [&str; 5] =
    [MODULE, "nova_compute_utils_bg.js", "nova_compute_utils.js", "nova_compute_utils.d.ts", IMPORTS];

/// wasm-bindgen's part of what the module imports.
const GLUE: &str = "./nova_compute_utils_bg.js";

/// All that the module imports, as the loaders hand it over.
const IMPORTS: &str = "imports.js";

/// Build the face and give the directory with the [`FILES`].
pub fn build(workspace: &Workspace) -> Result<PathBuf> {
    setup::wasm_target(workspace)?;
    // Apart from the components, whose features would have everything compiled anew each time.
    let target = workspace.target.join("js-build");
    let mut command = workspace.cargo(["rustc", "--lib", "--package", "nova-compute-utils", "--profile", "js"]);
    command.args(["--crate-type", "cdylib", "--target", WASM, "--features", "js"]).arg("--target-dir").arg(&target);
    sh::run(command.env("RUSTFLAGS", nameless(workspace)))?;
    let module = target.join(WASM).join("js").join(format!("{NAME}.wasm"));
    let directory = target.join("bindgen");
    bind(&module, &directory, &written_dir(workspace))
        .with_context(|| format!("cannot make the JS face of `{}`", module.display()))?;
    Ok(directory)
}

/// The module names the sources of what may panic. Where they lie on this machine is nobody's business, and the same
/// sources are to make the same module everywhere.
fn nameless(workspace: &Workspace) -> String {
    let home = env::home_dir().unwrap_or_default();
    let cargo = env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
    let given = env::var("RUSTFLAGS").unwrap_or_default();
    let registries = fs::read_dir(cargo.join("registry/src")).into_iter().flatten().flatten().map(|entry| entry.path());
    let remapped = registries
        .chain([workspace.root.clone()])
        .map(|directory| format!("--remap-path-prefix={}=", directory.display()));
    iter::once(given).chain(remapped).collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// The hand-written part of the package, which is part of the face.
pub fn written_dir(workspace: &Workspace) -> PathBuf {
    workspace.root.join("src/bindings/js")
}

/// For bundlers, because their glue leaves the loading to others: the package has loaders of its own.
fn bind(module: &Path, directory: &Path, written: &Path) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).out_name(NAME).bundler(true)?.typescript(true);
    bindgen.remove_name_section(true).remove_producers_section(true);
    let mut output = bindgen.generate_output()?;
    let sources = output.wasm().imports.iter().map(|import| import.module.clone()).collect();
    let imports = imports(&sources, written)?;
    // They would lie in a directory of their own, which the package has no place for.
    ensure!(
        output.snippets().values().all(Vec::is_empty) && output.local_modules().is_empty(),
        "the face brings JavaScript of its own: import it with `raw_module = \"./…\"` from `src/bindings/js/`"
    );
    let entry = exports(output.js())?;
    if directory.exists() {
        fs::remove_dir_all(directory).with_context(|| format!("cannot clear `{}`", directory.display()))?;
    }
    output.emit(directory)?;
    let cannot = || format!("cannot write to `{}`", directory.display());
    fs::write(directory.join(format!("{NAME}.js")), entry).with_context(cannot)?;
    fs::write(directory.join(IMPORTS), imports).with_context(cannot)
}

/// The object of all that the module imports: from the glue, and from hand-written files past it, where wasm-bindgen
/// has nothing to convert.
fn imports(modules: &BTreeSet<String>, written: &Path) -> Result<String> {
    ensure!(modules.contains(GLUE), "the module imports nothing from `{GLUE}`, as if it were no JS face");
    let (mut statements, mut members) = (Vec::new(), Vec::new());
    for (number, module) in modules.iter().enumerate() {
        let file = module.strip_prefix("./").filter(|file| !file.contains('/'));
        let known = module == GLUE || file.is_some_and(|file| written.join(file).is_file());
        ensure!(known, "the module imports from `{module}`, which the package does not have");
        statements.push(format!("import * as module{number} from \"{module}\";"));
        members.push(format!("    \"{module}\": module{number},"));
    }
    let (statements, members) = (statements.join("\n"), members.join("\n"));
    Ok(format!(
        "// Generated: all that the module imports.\n\n{statements}\n\nexport const imports = {{\n{members}\n}};\n"
    ))
}

/// Of the generated entry, which loads the module in a way that only some bundlers know, the list of what is public.
fn exports(entry: &str) -> Result<String> {
    let tail = format!("}} from \"{GLUE}\";");
    let list = entry.rsplit_once("export {").and_then(|(_, rest)| rest.split_once(&*tail)).map(|(list, _)| list);
    let Some(list) = list else { bail!("wasm-bindgen's entry has no list of exports: {entry}") };
    let names: Vec<&str> = list.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    ensure!(!names.is_empty(), "the face exports nothing");
    if let Some(name) = names.iter().find(|name| name.starts_with("__wb")) {
        bail!("the face exports `{name}`, which is wasm-bindgen's own");
    }
    Ok(format!(
        "// Generated: all that the face exports. The loaders hand it on.\nexport {{\n    {},\n{tail}\n",
        names.join(",\n    ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_exports_is_taken_and_nothing_else() {
        let entry = "import * as wasm from \"./nova_compute_utils_bg.wasm\";\nwasm.__wbindgen_start();\nexport {\n    A, b\n} \
                     from \"./nova_compute_utils_bg.js\";\n";
        let taken = exports(entry).expect("there is a list");
        assert!(taken.ends_with("\nexport {\n    A,\n    b,\n} from \"./nova_compute_utils_bg.js\";\n"), "{taken}");
        assert!(!taken.contains("wasm.__wbindgen_start"), "{taken}");
    }

    #[test]
    fn an_entry_without_a_list_is_refused() {
        for entry in [
            "",
            "export { } from \"./nova_compute_utils_bg.js\";",
            "export { __wbg_x } from \"./nova_compute_utils_bg.js\";",
        ] {
            assert!(exports(entry).is_err(), "{entry}");
        }
    }

    #[test]
    fn a_module_imports_from_what_the_package_has() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let made = |modules: &[&str]| imports(&modules.iter().map(ToString::to_string).collect(), &source);
        let taken = made(&["./main.rs", GLUE]).expect("both are there");
        assert!(taken.contains("import * as module0 from \"./main.rs\";"), "{taken}");
        assert!(taken.contains("\"./nova_compute_utils_bg.js\": module1,"), "{taken}");
        for foreign in ["env", "./missing.js", "./../src/main.rs", "./"] {
            let error = made(&[GLUE, foreign]).expect_err(foreign);
            assert!(error.to_string().contains(&format!("`{foreign}`")), "{error}");
        }
        assert!(made(&[]).is_err());
    }
}
