//! Child processes: they inherit the standard streams, and a failed one is named in one line.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use anyhow::{Context, Result};

/// A child process that ran and failed.
#[derive(Debug)]
pub struct Failed {
    line: String,
    status: ExitStatus,
}

impl Failed {
    /// The child's own exit status, where it has one that fits.
    pub fn exit_code(&self) -> ExitCode {
        match self.status.code().map(u8::try_from) {
            Some(Ok(code)) => ExitCode::from(code),
            _ => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` failed ({})", self.line, self.status)
    }
}

impl std::error::Error for Failed {}

/// Run to the end; anything but success is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start `{}`", line(command)))?;
    if status.success() { Ok(()) } else { Err(Failed { line: line(command), status }.into()) }
}

/// Run to the end and give what it printed on stdout.
pub fn output(command: &mut Command) -> Result<String> {
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start `{}`", line(command)))?;
    if !output.status.success() {
        return Err(Failed { line: line(command), status: output.status }.into());
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` printed something that is not UTF-8", line(command)))
}

/// The command as one would type it: the program without its directory, the arguments quoted where a shell needs it.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_stem().unwrap_or(command.get_program());
    std::iter::once(program).chain(command.get_args()).map(quote).collect::<Vec<_>>().join(" ")
}

/// One word of a shell command.
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
    fn a_failed_command_is_named_with_its_arguments() {
        let mut command = Command::new(std::env::current_exe().expect("the test's own path"));
        let error = run(command.args(["--nonsense", "two words"])).expect_err("the test runner refuses that option");
        let failed = error.downcast_ref::<Failed>().expect("it ran");
        assert!(failed.to_string().contains("--nonsense 'two words'` failed ("), "{failed}");
        assert_ne!(failed.exit_code(), ExitCode::SUCCESS);
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quote("sqlite:target/x.sqlite"), "sqlite:target/x.sqlite");
        assert_eq!(quote("it's here"), r"'it'\''s here'");
        assert_eq!(quote(""), "''");
    }
}
