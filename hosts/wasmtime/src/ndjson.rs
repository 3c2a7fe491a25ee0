use std::borrow::Cow;
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
/// write fails, the notifier returns an error for the whole batch, so that a resumed audit sends it again. It removes the
/// batch from a regular file; a pipe may have some of the lines. After a failed write the notifier returns the same error
/// for every further batch.
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

    /// Appends to a file that an interrupted run may have cut off. The first call cuts a last line that is the begin of a
    /// notification, and fails if the file ends with another partial line.
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

    /// Cuts a partial last line and remembers the notifications behind the position: `notify` does not write one again
    /// that has the same message id, or the same content under another id. Fails if the position is not one of this file.
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
    /// The notifications that a resumed audit sends again and that the file has already.
    written: Written,
    failure: Option<HostError>,
}

impl Sink {
    fn new(file: File) -> io::Result<Self> {
        let regular = file.metadata()?.is_file();
        Ok(Self { file, regular, path: None, cut_off: false, written: Written::default(), failure: None })
    }

    fn open(path: &Path) -> io::Result<Self> {
        // Windows cannot open a directory as a file.
        let is_new = cfg!(unix) && !path.exists();
        let mut sink = Self::new(OpenOptions::new().append(true).create(true).open(path)?)?;
        // Only a regular file is read: opening a pipe for reading would keep it from ever breaking.
        if sink.regular {
            sink.cut_off = !ends_with_line_break(path)?;
            let path = path.canonicalize()?;
            if let Some(directory) = path.parent().filter(|_| is_new) {
                // Without this, a power failure can remove the file, and with it the lines that are on the disk.
                File::open(directory)?.sync_all()?;
            }
            sink.path = Some(path);
        }
        Ok(sink)
    }

    fn position(&mut self) -> io::Result<Option<String>> {
        self.cut_partial_line()?;
        let Some(path) = &self.path else { return Ok(None) };
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

    /// Cuts the last line if an interrupted run wrote only a part of it. Another partial line is an error, because such
    /// a file is not a file of notifications.
    fn cut_partial_line(&mut self) -> io::Result<()> {
        let Some(path) = self.path.as_ref().filter(|_| self.cut_off) else { return Ok(()) };
        self.file.lock()?;
        let cut = cut_partial_line(&self.file, path);
        self.file.unlock()?;
        cut?;
        self.cut_off = false;
        Ok(())
    }

    fn send(&mut self, notifications: &[Notification]) -> Result<Vec<Option<HostError>>, HostError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        self.cut_partial_line().map_err(|error| host_error(&error))?;
        let lines: Vec<_> = notifications.iter().map(|notification| self.line(notification)).collect();
        let valid: Vec<&str> = lines.iter().flatten().map(String::as_str).collect();
        let written = if self.regular { self.append(&valid) } else { self.write(&valid) };
        if let Err(error) = written {
            let failure = host_error(&error);
            self.failure = Some(failure.clone());
            return Err(failure);
        }
        Ok(lines.into_iter().map(|line| line.err().map(|error| host_error(&error))).collect())
    }

    /// Returns the line of a notification. It is empty if the file has the notification already.
    fn line(&self, notification: &Notification) -> serde_json::Result<String> {
        // JSON has line breaks only between tokens, where a blank means the same.
        let payload = notification.payload.replace(['\n', '\r'], " ");
        let message = Message {
            message_id: notification.message_id.as_str().into(),
            publisher_id: notification.publisher_id.as_str().into(),
            event_type: notification.event_type.as_str().into(),
            priority: match notification.priority {
                Priority::Info => "INFO".into(),
                Priority::Error => "ERROR".into(),
            },
            payload: serde_json::from_str(&payload)?,
            timestamp: notification.timestamp.as_str().into(),
        };
        if self.written.contains(&message)? { Ok(String::new()) } else { Ok(serde_json::to_string(&message)? + "\n") }
    }

    /// Writes all lines to the disk, or none.
    fn append(&mut self, lines: &[&str]) -> io::Result<()> {
        self.file.lock()?;
        let outcome = self.append_locked(lines);
        // A failed unlock does not affect the written lines.
        self.file.unlock().ok();
        outcome
    }

    fn append_locked(&mut self, lines: &[&str]) -> io::Result<()> {
        let end = self.file.metadata()?.len();
        let written = self.file.write_all(lines.concat().as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|error| match self.file.set_len(end).and_then(|()| self.file.sync_data()) {
            Ok(()) => error,
            Err(again) => {
                io::Error::other(format!("{error}; the part of the batch that was written cannot be removed: {again}"))
            }
        })
    }

    /// Writes each line at once, so that lines of other writers do not divide it if it is short.
    fn write(&mut self, lines: &[&str]) -> io::Result<()> {
        lines.iter().try_for_each(|line| self.file.write_all(line.as_bytes()))
    }
}

fn host_error(error: &dyn std::error::Error) -> HostError {
    HostError::new("NotificationNotSent", format!("cannot write notifications: {error}"))
}

#[derive(Deserialize, Serialize)]
#[expect(clippy::struct_field_names, reason = "oslo.messaging named the keys")]
struct Message<'a> {
    message_id: Cow<'a, str>,
    publisher_id: Cow<'a, str>,
    event_type: Cow<'a, str>,
    priority: Cow<'a, str>,
    #[serde(borrow)]
    payload: &'a RawValue,
    timestamp: Cow<'a, str>,
}

impl Message<'_> {
    /// Returns what a notification that is sent again has in common with the first one, whatever its message id is.
    fn content(&self) -> serde_json::Result<String> {
        serde_json::to_string(&(&self.publisher_id, &self.event_type, &self.priority, self.payload))
    }
}

/// Notifications of a file.
#[derive(Debug, Default)]
struct Written {
    message_ids: HashSet<String>,
    contents: HashSet<String>,
}

impl Written {
    fn insert(&mut self, message: &Message) -> serde_json::Result<()> {
        self.message_ids.insert(message.message_id.clone().into_owned());
        self.contents.insert(message.content()?);
        Ok(())
    }

    fn extend(&mut self, other: Self) {
        self.message_ids.extend(other.message_ids);
        self.contents.extend(other.contents);
    }

    fn contains(&self, message: &Message) -> serde_json::Result<bool> {
        let is_empty = self.message_ids.is_empty();
        Ok(!is_empty
            && (self.message_ids.contains(&*message.message_id) || self.contents.contains(&message.content()?)))
    }
}

/// Cuts the partial last line of a file and returns the notifications of the lines behind `offset`.
fn written_behind(file: &File, path: &Path, offset: u64) -> io::Result<Written> {
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
    let whole = length_of_lines(&bytes);
    let mut written = Written::default();
    for line in bytes[..whole].split(|byte| *byte == b'\n') {
        // Lines of other programs are none of the audit's.
        if let Ok(message) = serde_json::from_slice(line) {
            written.insert(&message)?;
        }
    }
    if whole < bytes.len() {
        file.set_len(offset + u64::try_from(whole).map_err(io::Error::other)?)?;
    }
    // The interrupted run may have stopped before its lines reached the disk.
    file.sync_data()?;
    Ok(written)
}

/// Cuts the last line of a file if it is the begin of a notification. Fails if it is another partial line.
fn cut_partial_line(file: &File, path: &Path) -> io::Result<()> {
    const BEGIN: &[u8] = b"{\"message_id\":\"";
    /// More than a notification has.
    const LONGEST_LINE: u64 = 1 << 24;

    let mut reader = File::open(path)?;
    let offset = reader.metadata()?.len().saturating_sub(LONGEST_LINE);
    reader.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    let whole = length_of_lines(&bytes);
    let part = &bytes[whole..];
    if !part.starts_with(&BEGIN[..BEGIN.len().min(part.len())]) || (whole == 0 && offset > 0) {
        return Err(cut_off());
    }
    if !part.is_empty() {
        file.set_len(offset + u64::try_from(whole).map_err(io::Error::other)?)?;
        file.sync_data()?;
    }
    Ok(())
}

/// Returns the length of `bytes` without a partial last line.
fn length_of_lines(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |index| index + 1)
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
