use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::task;

use crate::bindings::nova::compute_utils::conductor::{Context, HostError};
use crate::bindings::nova::compute_utils::notifier::{self, Notification, Priority};

/// A notifier that writes one JSON object per line, with the keys of oslo.messaging's message.
///
/// A batch is sent when the operating system has all its lines; for a regular file, when they are on the disk. If a
/// write to a regular file fails, the notifier removes the batch from the file and returns an error for all of it. If a
/// write to a pipe fails, the lines that were written as a whole are sent and the others are refused. After a failed
/// write the notifier returns the same error for every further batch.
///
/// Processes that write to the same file wait for each other. A clone writes to the same file.
#[derive(Clone, Debug)]
pub struct NdjsonNotifier {
    sink: Arc<Mutex<Sink>>,
}

impl NdjsonNotifier {
    /// Appends to a file, which is created if it does not exist. Fails if its content does not end with a line break:
    /// such a file is not a file of notifications, or a crash cut it off.
    pub fn append(path: impl AsRef<Path>) -> io::Result<Self> {
        let sink = Sink::open(path.as_ref())?;
        if sink.cut_off { Err(cut_off()) } else { Ok(Self { sink: Arc::new(Mutex::new(sink)) }) }
    }

    /// Appends to a file that an interrupted run may have cut off. If its content does not end with a line break, the
    /// notifier fails until `resume_at` has cut the partial line.
    pub fn append_to_interrupted(path: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self { sink: Arc::new(Mutex::new(Sink::open(path.as_ref())?)) })
    }

    /// Writes to standard output.
    pub fn stdout() -> io::Result<Self> {
        // A separate file handle, because `std::io::stdout` buffers, and a buffered line is not sent yet.
        #[cfg(unix)]
        let stdout = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned()?;
        #[cfg(windows)]
        let stdout = std::os::windows::io::AsHandle::as_handle(&io::stdout()).try_clone_to_owned()?;
        Ok(Self { sink: Arc::new(Mutex::new(Sink::new(stdout.into())?)) })
    }

    /// Returns the error of the write that failed, if any.
    #[must_use]
    pub fn failure(&self) -> Option<HostError> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner).failure.clone()
    }
}

impl notifier::Host for NdjsonNotifier {
    async fn notify(
        &mut self,
        _: Context,
        notifications: Vec<Notification>,
    ) -> Result<Vec<Option<HostError>>, HostError> {
        let sink = Arc::clone(&self.sink);
        // Writing blocks, so it runs on a thread for blocking work.
        let written =
            task::spawn_blocking(move || sink.lock().unwrap_or_else(PoisonError::into_inner).send(&notifications));
        written.await.unwrap_or_else(|error| Err(host_error(&error)))
    }

    /// Returns the end of the file; `None` for a pipe, a terminal or a device.
    async fn position(&mut self, _: Context) -> Result<Option<String>, HostError> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner).position().map_err(|error| host_error(&error))
    }

    /// Cuts a partial last line and remembers the message ids behind the position: `notify` does not write them again.
    /// Fails if the position is not one of this file.
    async fn resume_at(&mut self, _: Context, position: Option<String>) -> Result<(), HostError> {
        let Some(position) = position else { return Ok(()) };
        self.sink.lock().unwrap_or_else(PoisonError::into_inner).resume_at(&position).map_err(|error| {
            HostError::new("NotifierPositionNotFound", format!("cannot continue the file of notifications: {error}"))
        })
    }
}

/// A position in a file.
#[derive(Debug, Deserialize, Serialize)]
struct Position {
    offset: u64,
    file: String,
}

#[derive(Debug)]
struct Sink {
    file: File,
    /// Whether the file is a regular one, which can be truncated, and not a pipe, a terminal or a device.
    regular: bool,
    /// The absolute path of a file that is not standard output.
    path: Option<PathBuf>,
    /// Whether the last line of the file is partial.
    cut_off: bool,
    /// The message ids that a resumed audit sends again and that the file has already.
    written: HashSet<String>,
    failure: Option<HostError>,
}

impl Sink {
    fn new(file: File) -> io::Result<Self> {
        let regular = file.metadata()?.is_file();
        Ok(Self { file, regular, path: None, cut_off: false, written: HashSet::new(), failure: None })
    }

    fn open(path: &Path) -> io::Result<Self> {
        let mut sink = Self::new(OpenOptions::new().append(true).create(true).open(path)?)?;
        // Only a regular file is read: opening a pipe for reading would keep it from ever breaking.
        if sink.regular {
            sink.cut_off = !ends_with_line_break(path)?;
            sink.path = Some(path.canonicalize()?);
        }
        Ok(sink)
    }

    fn position(&self) -> io::Result<Option<String>> {
        let Some(path) = &self.path else { return Ok(None) };
        if self.cut_off {
            return Err(cut_off());
        }
        self.file.lock()?;
        let end = self.file.metadata().map(|metadata| metadata.len());
        self.file.unlock()?;
        let position = Position { offset: end?, file: path.to_string_lossy().into_owned() };
        Ok(Some(serde_json::to_string(&position)?))
    }

    fn resume_at(&mut self, position: &str) -> io::Result<()> {
        let Position { offset, file } = serde_json::from_str(position)?;
        let path =
            self.path.as_ref().filter(|path| path.to_string_lossy() == file.as_str()).ok_or_else(|| {
                io::Error::other(format!("the interrupted run wrote to `{file}`: give the same file"))
            })?;
        self.file.lock()?;
        let written = written_behind(&self.file, path, offset);
        self.file.unlock()?;
        self.written.extend(written?);
        self.cut_off = false;
        Ok(())
    }

    fn send(&mut self, notifications: &[Notification]) -> Result<Vec<Option<HostError>>, HostError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        if self.cut_off {
            return Err(host_error(&cut_off()));
        }
        // A line that the file has already is empty.
        let written = |notification: &Notification| self.written.contains(&notification.message_id);
        let lines: Vec<_> = notifications
            .iter()
            .map(|notification| if written(notification) { Ok(String::new()) } else { line(notification) })
            .collect();
        let valid: Vec<&str> = lines.iter().flatten().map(String::as_str).collect();
        let (mut sent, failure) = match if self.regular { self.append(&valid) } else { self.write(&valid) } {
            Ok(()) => (valid.len(), None),
            Err(PartialWrite { sent, error }) => (sent, Some(host_error(&error))),
        };
        self.failure.clone_from(&failure);
        match failure {
            Some(failure) if sent == 0 => Err(failure),
            failure => Ok(lines
                .into_iter()
                .map(|line| match line {
                    Err(error) => Some(host_error(&error)),
                    Ok(_) if sent > 0 => {
                        sent -= 1;
                        None
                    }
                    Ok(_) => failure.clone(),
                })
                .collect()),
        }
    }

    /// Writes all lines to the disk, or none.
    fn append(&mut self, lines: &[&str]) -> Result<(), PartialWrite> {
        let none = |error| PartialWrite { sent: 0, error };
        self.file.lock().map_err(none)?;
        let end = self.file.metadata().map_err(none)?.len();
        let written = self.file.write_all(lines.concat().as_bytes()).and_then(|()| self.file.sync_data());
        let outcome = written.map_err(|error| match self.file.set_len(end).and_then(|()| self.file.sync_data()) {
            Ok(()) => error,
            Err(again) => {
                io::Error::other(format!("{error}; the part of the batch that was written cannot be removed: {again}"))
            }
        });
        // A failed unlock does not affect the written lines.
        self.file.unlock().ok();
        outcome.map_err(none)
    }

    /// Writes lines until one fails.
    fn write(&mut self, lines: &[&str]) -> Result<(), PartialWrite> {
        for (sent, line) in lines.iter().enumerate() {
            self.file.write_all(line.as_bytes()).map_err(|error| PartialWrite { sent, error })?;
        }
        Ok(())
    }
}

/// A failed write, and the number of whole lines before the failure.
struct PartialWrite {
    sent: usize,
    error: io::Error,
}

fn host_error(error: &dyn std::error::Error) -> HostError {
    HostError::new("NotificationNotSent", format!("cannot write notifications: {error}"))
}

#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "oslo.messaging named the keys")]
struct Message<'a> {
    message_id: &'a str,
    publisher_id: &'a str,
    event_type: &'a str,
    priority: &'static str,
    payload: &'a RawValue,
    timestamp: &'a str,
}

fn line(notification: &Notification) -> serde_json::Result<String> {
    // JSON has line breaks only between tokens, where a blank means the same.
    let payload = notification.payload.replace(['\n', '\r'], " ");
    let message = Message {
        message_id: &notification.message_id,
        publisher_id: &notification.publisher_id,
        event_type: &notification.event_type,
        priority: match notification.priority {
            Priority::Info => "INFO",
            Priority::Error => "ERROR",
        },
        payload: serde_json::from_str(&payload)?,
        timestamp: &notification.timestamp,
    };
    Ok(serde_json::to_string(&message)? + "\n")
}

/// Cuts the partial last line of a file and returns the message ids of the lines behind `offset`.
fn written_behind(file: &File, path: &Path, offset: u64) -> io::Result<Vec<String>> {
    #[derive(Deserialize)]
    struct Line {
        message_id: String,
    }

    let other = || io::Error::other(format!("`{}` is not as the interrupted run left it", path.display()));
    if file.metadata()?.len() < offset {
        return Err(other());
    }
    let mut reader = File::open(path)?;
    if let Some(before) = offset.checked_sub(1) {
        let mut last = [0];
        reader.seek(SeekFrom::Start(before))?;
        reader.read_exact(&mut last)?;
        if last != *b"\n" {
            return Err(other());
        }
    }
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |index| index + 1);
    let ids: Vec<String> = bytes[..whole]
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Line>(line).ok())
        .map(|line| line.message_id)
        .collect();
    if whole < bytes.len() {
        file.set_len(offset + u64::try_from(whole).map_err(io::Error::other)?)?;
    }
    // The interrupted run may have stopped before its lines reached the disk.
    file.sync_data()?;
    Ok(ids)
}

fn cut_off() -> io::Error {
    io::Error::other("it does not end with a whole line")
}

fn ends_with_line_break(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
