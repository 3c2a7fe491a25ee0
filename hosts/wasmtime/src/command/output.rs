//! Results that do not fit into memory: printed while they are found.

use std::fmt;
use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};

use indicatif::ProgressBar;
use nova_compute_utils::Error;
use nova_compute_utils_wasmtime::conductor::{HostError, UnreadableInstance};
use serde::Serialize;

use super::{Failure, escape_lines};

/// Standard output, on which a progress bar may be shown. A reader that closes its end early is not an error.
struct Output {
    writer: BufWriter<StdoutLock<'static>>,
    is_terminal: bool,
    is_closed: bool,
    bar: ProgressBar,
}

impl Output {
    fn new() -> Self {
        let stdout = io::stdout().lock();
        let is_terminal = stdout.is_terminal();
        Self { writer: BufWriter::new(stdout), is_terminal, is_closed: false, bar: ProgressBar::hidden() }
    }

    fn print(&mut self, text: &str) -> Result<(), Failure> {
        if self.is_closed {
            return Ok(());
        }
        let (writer, text) = (&mut self.writer, escape_lines(text));
        let printed = if self.is_terminal {
            self.bar.suspend(|| writeln!(writer, "{text}").and_then(|()| writer.flush()))
        } else {
            writeln!(writer, "{text}")
        };
        self.check(printed)
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let flushed = self.writer.flush();
        self.check(flushed)
    }

    fn check(&mut self, written: io::Result<()>) -> Result<(), Failure> {
        let Err(error) = written else { return Ok(()) };
        self.is_closed = true;
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Ok(());
        }
        Err(Failure::HostFailed(format!("cannot write to standard output: {error}")))
    }
}

/// The entries of a result, as a table without borders or as one JSON object per line.
pub struct Listing {
    output: Output,
    pub is_json: bool,
    /// The first line of the table.
    header: String,
    has_rows: bool,
    /// Whether entries that cannot be read are listed. They are counted in any case.
    lists_unreadable: bool,
    pub unreadable: u64,
}

impl Listing {
    pub fn new(is_json: bool, header: String, lists_unreadable: bool) -> Self {
        Self { output: Output::new(), is_json, header, has_rows: false, lists_unreadable, unreadable: 0 }
    }

    /// Shows a progress bar until the next one or [`Listing::finish`].
    pub fn show(&mut self, bar: ProgressBar) {
        self.output.bar.finish_and_clear();
        self.output.bar = bar;
    }

    /// Returns the progress bar that is shown.
    pub fn bar(&self) -> ProgressBar {
        self.output.bar.clone()
    }

    /// Adds a line of the table.
    pub fn add_row(&mut self, row: &str) -> Result<(), Failure> {
        if !self.has_rows {
            self.output.print(&self.header)?;
            self.has_rows = true;
        }
        self.output.print(row)
    }

    /// Adds a line of JSON.
    pub fn add_json(&mut self, line: &impl Serialize) -> Result<(), Failure> {
        let line = serde_json::to_string(line).map_err(|error| Failure::HostFailed(error.to_string()))?;
        self.output.print(&line)
    }

    pub fn add_unreadable(&mut self, unreadable: &Unreadable<'_>) -> Result<(), Failure> {
        self.unreadable += 1;
        match (self.lists_unreadable, self.is_json) {
            (false, _) => Ok(()),
            (true, true) => self.add_json(unreadable),
            (true, false) => self.add_row(&format!("{:<12}  {unreadable}", "unreadable")),
        }
    }

    /// Prints the end of the result: tables for people, with a blank line before them.
    pub fn finish(mut self, summary: &str) -> Result<(), Failure> {
        self.output.bar.finish_and_clear();
        if self.has_rows {
            self.output.print("")?;
        }
        self.output.print(summary)?;
        self.output.flush()
    }
}

/// A line, an instance or the notifications of an instance that cannot be read.
#[derive(Debug, Default, Serialize)]
pub struct Unreadable<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_uuid: Option<&'a str>,
    /// The row of `instances`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<i64>,
    pub error: Reason<'a>,
}

#[derive(Debug, Default, Serialize)]
pub struct Reason<'a> {
    pub code: &'a str,
    pub message: &'a str,
}

impl<'a> From<&'a Error> for Reason<'a> {
    fn from(error: &'a Error) -> Self {
        Self { code: error.code(), message: error.message() }
    }
}

impl<'a> Unreadable<'a> {
    pub fn of_instance(instance_uuid: &'a str, error: &'a Error) -> Self {
        Self { instance_uuid: Some(instance_uuid), error: error.into(), ..Self::default() }
    }
}

impl<'a> From<&'a UnreadableInstance> for Unreadable<'a> {
    fn from(UnreadableInstance { instance_uuid, instance_id, error }: &'a UnreadableInstance) -> Self {
        let HostError { code, message, .. } = error;
        let (instance_uuid, instance_id) = (instance_uuid.as_deref(), *instance_id);
        Self { instance_uuid, instance_id, error: Reason { code, message }, ..Self::default() }
    }
}

impl fmt::Display for Unreadable<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, instance_uuid, instance_id, error } = self;
        match (file.zip(*line), instance_uuid, instance_id) {
            (Some((file, line)), ..) => write!(formatter, "`{file}`, line {line}")?,
            (None, Some(uuid), _) => write!(formatter, "instance `{uuid}`")?,
            (None, None, Some(id)) => write!(formatter, "the instance of row {id}")?,
            (None, None, None) => formatter.write_str("an instance without a readable UUID")?,
        }
        write!(formatter, ": {}", error.message)
    }
}
