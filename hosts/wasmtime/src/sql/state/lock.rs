//! The lock file of a state file: only the run that holds it writes checkpoints.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{process, thread};

use chrono::Utc;
use serde::{Deserialize, Serialize};

use crate::datetime;

/// The run that uses a state file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Holder {
    /// Its process id; 0 if it is unknown.
    pub process: u32,
    /// The host name of its machine; empty if it is unknown.
    pub machine: String,
    /// When it began, by the clock of its machine, in the format of the contract; empty if it is unknown.
    pub since: String,
}

impl Holder {
    /// Returns this process.
    #[must_use]
    pub fn this_process() -> Self {
        let machine = gethostname::gethostname().to_string_lossy().into_owned();
        Self { process: process::id(), machine, since: datetime::isoformat(Utc::now().naive_utc()) }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { process, machine, since } = self;
        if *process == 0 {
            return formatter.write_str("an unknown process");
        }
        let since = since.split('.').next().unwrap_or_default().replacen('T', " ", 1);
        write!(formatter, "process {process} on `{machine}`, since {since} UTC")
    }
}

/// A locked lock file. The operating system unlocks it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// Locks the lock file of a state file, and creates it if it does not exist. Returns the holder as an error if
    /// another run has the lock.
    pub(super) fn take(state: &Path) -> io::Result<Result<Self, Holder>> {
        let path = path(state)?;
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
        for attempt in 0.. {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(error),
                // `holder` has the lock for an instant.
                Err(TryLockError::WouldBlock) if attempt < 10 => thread::sleep(Duration::from_millis(20)),
                Err(TryLockError::WouldBlock) => return Ok(Err(read_holder(&path))),
            }
        }
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(&serde_json::to_vec(&Holder::this_process())?)?;
        Ok(Ok(Self { file }))
    }

    /// Unlocks. The file stays, because a run that deletes it could delete the lock of the next run.
    pub(super) fn release(&self) {
        self.file.set_len(0).and_then(|()| self.file.unlock()).ok();
    }
}

/// Returns the run that has locked the lock file of a state file. Creates no file.
pub(super) fn holder(state: &Path) -> Option<Holder> {
    let path = path(state).ok()?;
    let file = File::open(&path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => Some(read_holder(&path)),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

/// Reads who has the lock. The holder may not have written it yet, and on Windows nobody else can read it.
fn read_holder(path: &Path) -> Holder {
    fs::read(path).ok().and_then(|line| serde_json::from_slice(&line).ok()).unwrap_or_default()
}

/// Returns the path of the lock file: `.lock` added to the path of the state file, without symbolic links, so that one
/// state file has one lock.
fn path(state: &Path) -> io::Result<PathBuf> {
    let target = state.canonicalize().or_else(|_| {
        let name = state.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
        let directory = state.parent().filter(|directory| !directory.as_os_str().is_empty());
        Ok::<_, io::Error>(directory.unwrap_or(Path::new(".")).canonicalize()?.join(name))
    })?;
    let mut path = OsString::from(target);
    path.push(".lock");
    Ok(path.into())
}
