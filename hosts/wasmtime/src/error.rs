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
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The file is not a component, lacks an export, or needs an import that this host does not have.
    #[error("cannot use `{}` as the component: {reason}", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// The reason, on one line.
        reason: String,
    },
    /// The component could not be instantiated.
    #[error("cannot start the component: {0}")]
    Instantiate(String),
    /// The function returned an error. The instance stays usable.
    #[error("{}", .0.message)]
    Nova(types::Error),
    /// The component trapped or exceeded a limit. The instance is dead; `Plugin::instantiate` makes a new one.
    #[error("the component was stopped: {0}")]
    Stopped(String),
    /// An earlier call to this instance was stopped or cancelled.
    #[error("this instance of the component is dead: an earlier call was stopped or cancelled; make a new instance")]
    Dead,
}

/// Joins the messages of an error and its causes into one line, without wasm backtraces.
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
