use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
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
        let sink = Sink::new(OpenOptions::new().append(true).create(true).open(&path)?)?;
        // Only a regular file is read: this process would be a reader of a pipe, and its writes would never fail.
        if sink.regular && !ends_with_line_break(path.as_ref())? {
            return Err(io::Error::other("it does not end with a whole line"));
        }
        Ok(Self { sink: Arc::new(Mutex::new(sink)) })
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
}

#[derive(Debug)]
struct Sink {
    file: File,
    /// Whether the file is a regular one, which can be truncated, and not a pipe, a terminal or a device.
    regular: bool,
    failure: Option<HostError>,
}

impl Sink {
    fn new(file: File) -> io::Result<Self> {
        let regular = file.metadata()?.is_file();
        Ok(Self { file, regular, failure: None })
    }

    fn send(&mut self, notifications: &[Notification]) -> Result<Vec<Option<HostError>>, HostError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let lines: Vec<_> = notifications.iter().map(line).collect();
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
