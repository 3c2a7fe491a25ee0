//! The window of the subcommands that need no component.

use chrono::NaiveDateTime;
use clap::Args;
use nova_compute_utils::period::{Window, last_completed_audit_period};
use nova_compute_utils::{Release, time};
use nova_compute_utils_wasmtime::{Clock, period};

use super::Failure;

#[derive(Args, Debug)]
pub struct WindowOptions {
    /// The audit period of the window: `hour`, `day`, `month` or `year`, optionally with `@offset`. The window is the
    /// last completed one
    #[arg(long, default_value = "month", value_parser = super::period, conflicts_with = "begin")]
    period: String,
    /// The begin of the window, in place of the last completed one
    #[arg(long, value_name = "TIME", value_parser = super::time, requires = "end")]
    begin: Option<NaiveDateTime>,
    /// The end of the window, which does not belong to it
    #[arg(long, value_name = "TIME", value_parser = super::time, requires = "begin")]
    end: Option<NaiveDateTime>,
    /// The current time, ISO 8601, UTC if it has no zone [default: the clock of this machine]
    #[arg(long, value_name = "TIME", value_parser = super::time)]
    pub now: Option<NaiveDateTime>,
}

impl WindowOptions {
    pub fn clock(&self) -> Clock {
        self.now.map_or(Clock::System, Clock::Fixed)
    }

    pub fn window(&self) -> Result<Window, Failure> {
        let Some((begin, end)) = self.begin.zip(self.end) else {
            // The form that `super::period` accepts has the same meaning in all releases.
            let window = last_completed_audit_period(Release::Hibiscus, &self.period, None, self.clock().now());
            return window.map_err(|error| Failure::BadInput(error.to_string()));
        };
        if begin >= end {
            let [begin, end] = [begin, end].map(time::isoformat);
            return Err(Failure::BadInput(format!(
                "the window from `{begin}` to `{end}` is empty: give a later `--end`"
            )));
        }
        Ok(Window { begin, end })
    }
}

/// Returns a window as the conductor reads it.
pub fn as_text(window: Window) -> period::Window {
    period::Window { begin: time::isoformat(window.begin), end: time::isoformat(window.end) }
}
