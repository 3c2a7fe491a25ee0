//! `nova-usage-audit`: the usage audit of OpenStack Nova on a Nova cell database, through the component.

mod command;

use std::process::ExitCode;

use clap::Parser;
use command::{Cli, Status, print_stderr};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let status = match Cli::try_parse() {
        Ok(cli) => cli.run().await.unwrap_or_else(|failure| {
            print_stderr(&format!("error: {failure}"));
            failure.status()
        }),
        Err(error) => command::print_clap_error(&error),
    };
    status.into()
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status.code())
    }
}
