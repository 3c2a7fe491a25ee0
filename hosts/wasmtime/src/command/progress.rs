use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};
use nova_compute_utils_wasmtime::NdjsonNotifier;
use nova_compute_utils_wasmtime::conductor::{Context, HostError};
use nova_compute_utils_wasmtime::notifier::{self, Notification};

/// Makes the progress bar of an audit.
pub fn bar(host: &str, notifications: u64) -> ProgressBar {
    let bar = ProgressBar::new(notifications).with_prefix(host.to_owned());
    let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} notifications, {eta} to go");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// Returns whether standard error is a terminal to which no notifications go.
pub fn is_visible(notifications_to_stdout: bool) -> bool {
    io::stderr().is_terminal() && !(notifications_to_stdout && io::stdout().is_terminal())
}

/// A notifier that advances a progress bar.
pub struct Progress {
    pub notifier: NdjsonNotifier,
    pub bar: ProgressBar,
}

impl notifier::Host for Progress {
    async fn notify(
        &mut self,
        context: Context,
        notifications: Vec<Notification>,
    ) -> Result<Vec<Option<HostError>>, HostError> {
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
