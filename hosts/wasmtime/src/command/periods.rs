//! `nova-usage-audit periods`

use clap::Args;

use super::{Failure, Settings, Status, print, short, table};

#[derive(Args, Debug)]
pub struct Options {
    #[command(flatten)]
    settings: Settings,
    /// The number of windows
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..))]
    count: u16,
}

impl Options {
    pub async fn run(self) -> Result<Status, Failure> {
        let windows = self.settings.windows(&self.settings.plugin()?, self.count.into()).await?;
        let rows = windows.iter().map(|window| [short(&window.begin), short(&window.end)]);
        print(&table(["begin", "end"], rows))?;
        Ok(Status::Done)
    }
}
