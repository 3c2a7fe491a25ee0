//! File operations whose errors name the file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::de::DeserializeOwned;

/// Reads a file.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))
}

/// Reads a UTF-8 file.
pub fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
}

/// Reads a JSON file.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_slice(&read(path)?).with_context(|| format!("cannot parse `{}`", path.display()))
}

/// Writes a file and creates its directory. A file that already has these contents keeps its modification time, so that
/// caches that compare it stay valid.
pub fn write(path: &Path, contents: impl AsRef<[u8]>) -> Result<()> {
    let contents = contents.as_ref();
    if fs::read(path).is_ok_and(|old| old == contents) {
        return Ok(());
    }
    if let Some(directory) = path.parent() {
        create_directory(directory)?;
    }
    fs::write(path, contents).with_context(|| format!("cannot write `{}`", path.display()))
}

/// Copies a file into a directory.
pub fn copy(from: &Path, directory: &Path) -> Result<()> {
    let to = directory.join(from.file_name().unwrap_or_default());
    fs::copy(from, &to).with_context(|| format!("cannot copy `{}` to `{}`", from.display(), to.display()))?;
    Ok(())
}

/// Creates a directory and its parents.
pub fn create_directory(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot create `{}`", path.display()))
}

/// Creates a directory, or empties it when it exists.
pub fn empty_directory(path: &Path) -> Result<()> {
    if path.exists() {
        fs::remove_dir_all(path).with_context(|| format!("cannot remove `{}`", path.display()))?;
    }
    create_directory(path)
}

/// Returns the files of a directory whose names end with `suffix`, sorted.
pub fn list(directory: &Path, suffix: &str) -> Result<Vec<PathBuf>> {
    let cannot = || format!("cannot read `{}`", directory.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        if path.to_string_lossy().ends_with(suffix) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
