use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde_json::value::RawValue;
use tokio::task;

use crate::bindings::nova::compute_utils::notifier::{self, HostError, Json, Notification, Priority};

/// A notifier that writes one JSON object per line, with the keys of oslo.messaging's message.
///
/// A batch counts as sent when all its lines are handed over; in a regular file, when they are on the disk. A write
/// that fails leaves no part of a line behind in a file: the whole batch is taken back and answered with an error.
/// From a pipe nothing can be taken back, so what went through whole counts as sent and the rest as refused. Either
/// way the notifier is of no use from then on, and answers every further batch with the same error.
///
/// Processes that write to the same file at the same time wait for each other. A clone writes to the same place.
#[derive(Clone, Debug)]
pub struct NdjsonNotifier {
    sink: Arc<Mutex<Sink>>,
}

impl NdjsonNotifier {
    /// Write to the end of a file, which is created where there is none. What it holds already stays, and has to end
    /// with a whole line: anything else is no file of notifications, or one that a crash cut off.
    pub fn append(path: impl AsRef<Path>) -> io::Result<Self> {
        let sink = Sink::new(OpenOptions::new().append(true).create(true).open(&path)?)?;
        // Only a file proper is read: a pipe would count its own writer as a reader, and never break.
        if sink.regular && !ends_with_a_whole_line(path.as_ref())? {
            return Err(io::Error::other("it does not end with a whole line"));
        }
        Ok(Self { sink: Arc::new(Mutex::new(sink)) })
    }

    /// Write to standard output.
    pub fn stdout() -> io::Result<Self> {
        // A file of its own: `std::io::stdout` buffers, and what is in a buffer is not sent yet.
        #[cfg(unix)]
        let stdout = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned()?;
        #[cfg(windows)]
        let stdout = std::os::windows::io::AsHandle::as_handle(&io::stdout()).try_clone_to_owned()?;
        Ok(Self { sink: Arc::new(Mutex::new(Sink::new(stdout.into())?)) })
    }

    /// What made the notifier of no use, if anything did.
    #[must_use]
    pub fn failure(&self) -> Option<HostError> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner).failure.clone()
    }
}

impl notifier::Host for NdjsonNotifier {
    async fn notify(&mut self, _: Json, notifications: Vec<Notification>) -> Result<Vec<Option<HostError>>, HostError> {
        let sink = Arc::clone(&self.sink);
        // Disks take their time; the executor has better things to do.
        let written =
            task::spawn_blocking(move || sink.lock().unwrap_or_else(PoisonError::into_inner).send(&notifications));
        written.await.unwrap_or_else(|error| Err(host_error(&error)))
    }
}

#[derive(Debug)]
struct Sink {
    file: File,
    /// A file proper, whose end can be moved, and no pipe, terminal or device.
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
        let whole: Vec<&str> = lines.iter().flatten().map(String::as_str).collect();
        let (mut sent, failure) = match if self.regular { self.append(&whole) } else { self.write(&whole) } {
            Ok(()) => (whole.len(), None),
            Err(Cut { sent, error }) => (sent, Some(host_error(&error))),
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

    /// All lines, on the disk, or none.
    fn append(&mut self, lines: &[&str]) -> Result<(), Cut> {
        let none = |error| Cut { sent: 0, error };
        self.file.lock().map_err(none)?;
        let end = self.file.metadata().map_err(none)?.len();
        let written = self.file.write_all(lines.concat().as_bytes()).and_then(|()| self.file.sync_data());
        let outcome = written.map_err(|error| match self.file.set_len(end).and_then(|()| self.file.sync_data()) {
            Ok(()) => error,
            Err(again) => {
                io::Error::other(format!("{error}; what was written of the batch could not be removed: {again}"))
            }
        });
        // The lines are written or not, whatever becomes of the lock.
        self.file.unlock().ok();
        outcome.map_err(none)
    }

    /// As many whole lines as go through.
    fn write(&mut self, lines: &[&str]) -> Result<(), Cut> {
        for (sent, line) in lines.iter().enumerate() {
            self.file.write_all(line.as_bytes()).map_err(|error| Cut { sent, error })?;
        }
        Ok(())
    }
}

/// A write that failed after so many whole lines.
struct Cut {
    sent: usize,
    error: io::Error,
}

fn host_error(error: &dyn std::error::Error) -> HostError {
    HostError { code: "NotificationNotSent".into(), message: format!("cannot write notifications: {error}") }
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
    // Between the tokens of JSON a line break is as good as a blank, and nowhere else may one stand.
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

fn ends_with_a_whole_line(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
