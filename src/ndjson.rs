//! Bulk functions: one item per line in, one or more lines per item out.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::document::{Json, ObjectWriter};
use crate::error::Error;
use crate::notification::ReceivedNotification;

/// Calls `handle` with each line that is not blank; `handle` appends its results to the output. An error appends
/// `{"line": 3, "error": {"code": …, "message": …}}`. `first_line` is the number of the first line, 1 at the beginning
/// of a stream; blank lines count.
pub(crate) fn handle_lines<'a>(
    first_line: u64,
    input: &'a str,
    output: &mut String,
    mut handle: impl FnMut(&'a str, &mut String) -> Result<(), Error>,
) {
    let mut number = first_line;
    for line in input.split('\n') {
        let handled = if line.trim_ascii().is_empty() { Ok(()) } else { handle(line, output) };
        if let Err(error) = handled {
            let mut fields = ObjectWriter::new();
            fields.text("code", error.code());
            fields.text("message", error.message());
            let mut line = ObjectWriter::new();
            line.value("line", &number.to_string());
            line.value("error", &fields.finish());
            write_line(line, output);
        }
        number = number.saturating_add(1);
    }
}

/// Appends an object as one line.
pub(crate) fn write_line(object: ObjectWriter, output: &mut String) {
    output.push_str(&object.finish());
    output.push('\n');
}

/// Reads the notifications of a line, a JSON list. An error names the index of the notification.
pub(crate) fn read_notifications(list: Json<'_>) -> Result<Vec<ReceivedNotification>, Error> {
    let notifications = list
        .list()?
        .ok_or_else(|| Error::type_error(format!("the notifications are {}: give a list", list.type_name())))?;
    let read = |(index, notification): (usize, &Json<'_>)| {
        ReceivedNotification::parse(notification.as_str())
            .map_err(|error| Error::new(error.code().to_owned(), format!("notifications[{index}]: {error}")))
    };
    notifications.iter().enumerate().map(read).collect()
}
