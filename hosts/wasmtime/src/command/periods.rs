//! `nova-usage-audit periods`

use clap::Args;

use super::{Failure, Rules, Status, print, short, table};

#[derive(Args, Debug)]
pub struct Options {
    #[command(flatten)]
    rules: Rules,
    /// How many windows
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..))]
    count: u16,
}

impl Options {
    pub async fn run(self) -> Result<Status, Failure> {
        let windows = self.rules.windows(&self.rules.plugin()?, self.count.into()).await?;
        let rows = windows.iter().map(|window| [short(&window.begin), short(&window.end)]);
        print(&table(["begin", "end"], rows))?;
        Ok(Status::Done)
    }
}
