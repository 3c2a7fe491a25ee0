//! Child processes. They inherit the standard streams, and an error quotes the command that failed.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use anyhow::{Context, Result};

/// The error of a child process that started and did not succeed.
#[derive(Debug)]
pub struct Failed {
    command_line: String,
    status: ExitStatus,
}

impl Failed {
    /// Returns the child's exit status, or 1 when a signal ended it.
    pub fn exit_code(&self) -> ExitCode {
        match self.status.code().map(u8::try_from) {
            Some(Ok(code)) => ExitCode::from(code),
            _ => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` failed ({})", self.command_line, self.status)
    }
}

impl std::error::Error for Failed {}

/// Runs a command and waits for it.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start `{}`", command_line(command)))?;
    if status.success() { Ok(()) } else { Err(Failed { command_line: command_line(command), status }.into()) }
}

/// Runs a command and returns its standard output.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start `{}`", command_line(command)))?;
    if !output.status.success() {
        return Err(Failed { command_line: command_line(command), status: output.status }.into());
    }
    String::from_utf8(output.stdout).with_context(|| format!("the output of `{}` is not UTF-8", command_line(command)))
}

/// Runs a command silently and returns whether it succeeds.
pub fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// Returns the command as a user types it: the program without its directory, the arguments quoted for a shell.
fn command_line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_stem().unwrap_or(command.get_program());
    std::iter::once(program).chain(command.get_args()).map(quote).collect::<Vec<_>>().join(" ")
}

/// Quotes one word of a shell command where it needs quotes.
pub fn quote(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref().to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_quotes_the_failed_command() {
        let mut command = Command::new(std::env::current_exe().expect("the test's own path"));
        let error = run(command.args(["--nonsense", "two words"])).expect_err("the test runner rejects that option");
        let failed = error.downcast_ref::<Failed>().expect("the command starts");
        assert!(failed.to_string().contains("--nonsense 'two words'` failed ("), "{failed}");
        assert_ne!(failed.exit_code(), ExitCode::SUCCESS);
    }

    #[test]
    fn quotes_words_for_a_shell() {
        assert_eq!(quote("sqlite:target/x.sqlite"), "sqlite:target/x.sqlite");
        assert_eq!(quote("it's here"), r"'it'\''s here'");
        assert_eq!(quote(""), "''");
    }
}
