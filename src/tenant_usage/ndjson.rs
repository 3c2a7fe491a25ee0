//! The hours of many instances, as NDJSON.

use alloc::string::String;

use super::{Sizes, float, string, time_in};
use crate::document::ObjectWriter;
use crate::error::Error;
use crate::instance::Instance;
use crate::ndjson::{handle_lines, write_line};
use crate::period::Window;
use crate::{python, time};

/// Reads one instance per line and appends one line per instance and window in which the instance has hours. Nova has
/// no such function.
///
/// A line is an object with `uuid`, `project_id`, `flavor` (its name), `host`, `availability_zone`, the `begin` and
/// `end` of the window, `hours`, `vcpus_hours`, `memory_mb_hours` and `local_gb_hours`. A line that cannot be read
/// yields `{"line": 3, "error": {"code": …, "message": …}}` in its place; `first_line` is the number of the first line,
/// 1 at the beginning of a stream. Blank lines are counted and skipped.
///
/// ```
/// use nova_compute_utils::tenant_usage::hours_ndjson;
/// use nova_compute_utils::{period::Window, time};
///
/// let october = Window { begin: time::parse("2026-10-01")?, end: time::parse("2026-11-01")? };
/// let november = Window { begin: october.end, end: time::parse("2026-12-01")? };
/// let input = concat!(
///     r#"{"uuid": "48b988aa-afe1-4664-8307-784d3a2daad0", "host": "cmp-01", "launched_at": "2026-10-31 22:30:00", "#,
///     r#""flavor": {"name": "m1.small", "memory_mb": 2048, "vcpus": 2, "root_gb": 20, "ephemeral_gb": 0}}"#,
/// );
/// let mut output = String::new();
/// hours_ndjson(&[october, november], 1, input, &mut output);
///
/// let lines: Vec<&str> = output.lines().collect();
/// assert_eq!(lines.len(), 2);
/// assert!(lines[0].contains(r#""hours":1.5,"vcpus_hours":3.0,"#));
/// assert!(lines[1].contains(r#""begin":"2026-11-01T00:00:00.000000","#));
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn hours_ndjson(windows: &[Window], first_line: u64, input: &str, output: &mut String) {
    handle_lines(first_line, input, output, |line, output| write_hours(windows, line, output));
}

fn write_hours(windows: &[Window], line: &str, output: &mut String) -> Result<(), Error> {
    let instance = Instance::parse(line)?;
    let (uuid, lifetime) = (instance.uuid()?, instance.lifetime()?);
    let (project, host, zone) =
        (string(instance.project_id)?, string(instance.host)?, string(instance.availability_zone)?);
    let sizes = Sizes::of(&instance)?;
    for window in windows.iter().filter(|window| lifetime.is_active_in(**window)) {
        let hours = time_in(lifetime, *window).map_or(0.0, super::hours);
        if hours == 0.0 {
            continue;
        }
        let mut object = ObjectWriter::new();
        object.text("uuid", &uuid);
        object.text_or_null("project_id", project.as_deref());
        object.text_or_null("flavor", sizes.flavor.as_deref());
        object.text_or_null("host", host.as_deref());
        object.text_or_null("availability_zone", zone.as_deref());
        object.text("begin", &time::isoformat(window.begin));
        object.text("end", &time::isoformat(window.end));
        for (name, size) in [
            ("hours", 1),
            ("vcpus_hours", sizes.vcpus),
            ("memory_mb_hours", sizes.memory_mb),
            ("local_gb_hours", sizes.local_gb),
        ] {
            object.value(name, &python::float_shortest(float(size) * hours));
        }
        write_line(object, output);
    }
    Ok(())
}
