//! The JS face: the library from `wasm32-unknown-unknown`, and wasm-bindgen's glue for it.

use std::fs;
use std::path::PathBuf;

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
pub const FILES: [&str; 4] = [MODULE, "nova_compute_utils_bg.js", "nova_compute_utils.js", "nova_compute_utils.d.ts"];

/// What the module may import from: the glue, which the loaders of the package hand it.
const GLUE: &str = "./nova_compute_utils_bg.js";

/// Build the face and give the directory with the [`FILES`].
pub fn build(workspace: &Workspace) -> Result<PathBuf> {
    setup::wasm_target(workspace)?;
    // Apart from the components, whose features would have everything compiled anew each time.
    let target = workspace.target.join("js-build");
    let mut command = workspace.cargo(["rustc", "--lib", "--package", "nova-compute-utils", "--profile", "js"]);
    command.args(["--crate-type", "cdylib", "--target", WASM, "--features", "js"]).arg("--target-dir").arg(&target);
    sh::run(&mut command)?;
    let module = target.join(WASM).join("js").join(format!("{NAME}.wasm"));
    let directory = target.join("bindgen");
    bind(&module, &directory).with_context(|| format!("cannot make the JS face of `{}`", module.display()))?;
    Ok(directory)
}

/// For bundlers, because their glue leaves the loading to others: the package has loaders of its own.
fn bind(module: &PathBuf, directory: &PathBuf) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).out_name(NAME).bundler(true)?.typescript(true);
    bindgen.remove_name_section(true).remove_producers_section(true);
    let mut output = bindgen.generate_output()?;
    let sources = output.wasm().imports.iter().map(|import| import.module.clone());
    only_glue(sources)?;
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
    fs::write(directory.join(format!("{NAME}.js")), entry)
        .with_context(|| format!("cannot write to `{}`", directory.display()))
}

/// Where a module imports from something else, the loaders would not load it.
fn only_glue(modules: impl Iterator<Item = String>) -> Result<()> {
    for module in modules {
        ensure!(module == GLUE, "the module imports from `{module}`, where only `{GLUE}` is handed to it");
    }
    Ok(())
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
    fn a_module_imports_from_the_glue_only() {
        assert!(only_glue([GLUE.to_owned()].into_iter()).is_ok());
        let error = only_glue([GLUE.to_owned(), "env".to_owned()].into_iter()).expect_err("`env` is not the glue");
        assert!(error.to_string().contains("`env`"), "{error}");
    }
}
