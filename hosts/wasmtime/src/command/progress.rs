use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};
use nova_compute_utils_wasmtime::NdjsonNotifier;
use nova_compute_utils_wasmtime::conductor::{Context, HostError};
use nova_compute_utils_wasmtime::notifier::{self, Notification};

use super::signals::Interruption;

/// Makes the progress bar of a run. Earlier runs sent `sent` of the `all` notifications.
pub fn bar(sent: u64, all: u64) -> ProgressBar {
    let bar = styled(Some(all), "{msg} {wide_bar} {pos}/{len} notifications, {eta} to go", "").with_position(sent);
    // The time to go counts from here.
    bar.reset_eta();
    bar
}

/// Makes the progress bar of reading files; `None` if their size is unknown.
pub fn bytes(all: Option<u64>) -> ProgressBar {
    styled(all, "{msg} {wide_bar} {bytes}/{total_bytes}, {eta} to go", "{msg} {spinner} {bytes}")
}

/// Makes the progress bar of comparing sorted entries.
pub fn entries(all: u64) -> ProgressBar {
    styled(Some(all), "comparing {wide_bar} {pos}/{len}, {eta} to go", "")
}

/// Makes a bar, or a spinner if the length is unknown.
fn styled(all: Option<u64>, template: &str, template_of_spinner: &str) -> ProgressBar {
    let (bar, template) = match all {
        Some(all) => (ProgressBar::new(all), template),
        None => (ProgressBar::new_spinner(), template_of_spinner),
    };
    let style = ProgressStyle::with_template(template);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Returns whether standard error is a terminal to which no notifications go.
pub fn is_visible(notifications_to_stdout: bool) -> bool {
    io::stderr().is_terminal() && !(notifications_to_stdout && io::stdout().is_terminal())
}

/// A notifier that advances a progress bar. After a signal it refuses the next page: the page before it has its
/// checkpoint then.
pub struct Progress {
    pub notifier: NdjsonNotifier,
    pub bar: ProgressBar,
    pub interruption: Interruption,
}

/// The code of the error that stops an audit after a signal.
pub const INTERRUPTED: &str = "Interrupted";

impl notifier::Host for Progress {
    async fn notify(
        &mut self,
        context: Context,
        notifications: Vec<Notification>,
    ) -> Result<Vec<Option<HostError>>, HostError> {
        if self.interruption.signal().is_some() {
            return Err(HostError::new(INTERRUPTED, "a signal stopped this run"));
        }
        let answers = self.notifier.notify(context, notifications).await?;
        self.bar.inc(u64::try_from(answers.len()).unwrap_or_default());
        Ok(answers)
    }

    async fn position(&mut self, context: Context) -> Result<Option<String>, HostError> {
        self.notifier.position(context).await
    }

    async fn resume_at(&mut self, context: Context, position: Option<String>) -> Result<(), HostError> {
        self.notifier.resume_at(context, position).await
    }
}
