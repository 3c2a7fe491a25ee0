use std::path::PathBuf;

use crate::types;

/// Why a component could not be loaded, or a call to it failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The engine could not be set up.
    #[error("cannot set up the WebAssembly engine: {0}")]
    Engine(String),
    /// The component file could not be read.
    #[error("cannot read the component `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file is no component, lacks an export or wants an import that this host does not have.
    #[error("cannot use `{}` as the component: {reason}", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The component could not be instantiated.
    #[error("cannot start the component: {0}")]
    Instantiate(String),
    /// The function answered with an error. The instance stays usable.
    #[error("{}", .0.message)]
    Nova(types::Error),
    /// The component was stopped: it trapped, or went over a limit. The instance is dead; the plugin makes a new one.
    #[error("the component was stopped: {0}")]
    Stopped(String),
    /// An earlier call to this instance was stopped or abandoned.
    #[error(
        "this instance of the component is dead, since an earlier call to it was stopped or abandoned: make a new one"
    )]
    Dead,
}

/// The messages of an error and its causes on one line, wasm backtraces left out.
pub(crate) fn one_line(error: &wasmtime::Error) -> String {
    let texts: Vec<String> = error.chain().map(ToString::to_string).collect();
    let lines: Vec<&str> = texts
        .iter()
        .filter(|text| !text.starts_with("error while executing at wasm backtrace"))
        .flat_map(|text| text.lines())
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join(": ")
}
