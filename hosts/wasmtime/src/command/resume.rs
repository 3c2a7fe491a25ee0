//! Audits that a run may not begin anew: what is left of them, and how to go on.

use clap::ValueEnum;
use nova_compute_utils_wasmtime::conductor::{self, Host as _, HostError, TaskLogKey};
use nova_compute_utils_wasmtime::period::Window;
use nova_compute_utils_wasmtime::{Holder, SqlConductor, StateFile, StoredCheckpoint};

use super::short;

pub const TASK_NAME: &str = "instance_usage_audit";

/// Which interrupted audits a run continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Resume {
    /// All of them
    Always,
    /// Those whose run is dead beyond doubt: it was on this machine and no longer has the lock of the state file
    Auto,
}

/// The audit of a host in the task log.
#[derive(Clone, Debug)]
pub enum Row {
    Missing,
    /// `RUNNING`, and the checkpoint of the interrupted run.
    Running {
        checkpoint: Option<StoredCheckpoint>,
        /// Whether that run inserted the row.
        is_ours: bool,
    },
    /// Finished, and the checkpoint of its last run, which `--retry-failed` needs.
    Done {
        errors: i64,
        checkpoint: Option<StoredCheckpoint>,
    },
}

pub fn key(window: &Window, host: &str) -> TaskLogKey {
    let Window { begin: period_beginning, end: period_ending } = window.clone();
    TaskLogKey { task_name: TASK_NAME.into(), period_beginning, period_ending, host: host.to_owned() }
}

impl Row {
    pub async fn read(conductor: &SqlConductor, window: &Window, host: &str) -> Result<Self, HostError> {
        let key = key(window, host);
        let Some(row) = conductor.clone().task_log_get(conductor::Context::default(), key.clone()).await? else {
            return Ok(Self::Missing);
        };
        let checkpoint = match conductor.state() {
            Some(state) => state.checkpoint(&key).await?,
            None => None,
        };
        Ok(if row.state == "RUNNING" {
            let expected = checkpoint.as_ref().and_then(|stored| stored.row_created_at.as_ref());
            let is_ours = expected.is_some() && conductor.task_begun_at(&key).await?.as_ref() == expected;
            Self::Running { checkpoint, is_ours }
        } else {
            Self::Done { errors: row.errors, checkpoint }
        })
    }

    /// Returns how many errors the row has.
    pub fn errors(&self) -> Option<u64> {
        if let Self::Done { errors, .. } = self { u64::try_from(*errors).ok() } else { None }
    }

    pub fn checkpoint(&self) -> Option<&StoredCheckpoint> {
        match self {
            Self::Running { checkpoint, .. } | Self::Done { checkpoint, .. } => checkpoint.as_ref(),
            Self::Missing => None,
        }
    }

    /// Returns why a run may not audit the host.
    pub fn refusal(&self, state: Option<&StateFile>, resume: Option<Resume>, give_up: bool) -> Option<String> {
        let Self::Running { checkpoint, is_ours } = self else { return None };
        let Some(stored) = checkpoint else {
            let reason = "the audit of this window is running and cannot be resumed: it has no checkpoint";
            return Some(format!("{reason}; wait for it, or delete its row of `task_log` and audit again"));
        };
        let is_dead = || *is_ours && state.is_some_and(|state| state.is_dead(stored));
        match resume {
            _ if give_up => None,
            Some(Resume::Always) => None,
            Some(Resume::Auto) if is_dead() => None,
            Some(Resume::Auto) => {
                let machine = Holder::this_process().machine;
                let reason = if *is_ours {
                    format!("because it was on another machine than `{machine}`")
                } else {
                    "because another program inserted the row of `task_log`".to_owned()
                };
                let interrupted = interrupted(stored);
                let help = format!("if it is not, continue it with `{}`", command());
                Some(format!("{interrupted}; its run may still be alive, {reason}; {help}"))
            }
            None => Some(format!("{}; continue it with `{}`", interrupted(stored), command())),
        }
    }
}

fn interrupted(StoredCheckpoint { begun_at, process, machine, checkpoint, .. }: &StoredCheckpoint) -> String {
    format!(
        "the audit of this window was interrupted: it began at {}, and process {process} on `{machine}` got to {} of \
         {} instances",
        short(begun_at),
        checkpoint.instances,
        checkpoint.num_instances
    )
}

/// Returns how far the audits that are running got; an empty string if that cannot be read.
pub async fn how_far(conductor: &SqlConductor, window: &Window, state: &StateFile) -> Result<String, HostError> {
    let rows = conductor.task_log_get_all(TASK_NAME, &window.begin, &window.end).await?;
    let (mut hosts, mut instances, mut all) = (0, 0, 0);
    for row in rows.iter().filter(|row| row.state == "RUNNING") {
        if let Some(stored) = state.checkpoint(&key(window, &row.host)).await? {
            hosts += 1;
            instances += stored.checkpoint.instances;
            all += stored.checkpoint.num_instances;
        }
    }
    let hosts = if hosts == 1 { "1 host".to_owned() } else { format!("{hosts} hosts") };
    Ok(format!("; it got to {instances} of {all} instances on {hosts}"))
}

/// Returns this command line with `--resume`, for a shell.
pub fn command() -> String {
    let safe = |character: char| character.is_ascii_alphanumeric() || "-_./:=@,+%".contains(character);
    let quoted = |word: String| {
        let plain = !word.is_empty() && word.chars().all(safe);
        if plain { word } else { format!("'{}'", word.replace('\'', r"'\''")) }
    };
    let mut words: Vec<String> = Vec::new();
    let mut is_value = false;
    for word in std::env::args_os().map(|word| word.to_string_lossy().into_owned()) {
        let is_resume = word == "--resume" || word.starts_with("--resume=");
        let is_resume_value = is_value && ["always", "auto"].contains(&&word[..]);
        is_value = word == "--resume";
        if !is_resume && !is_resume_value && word != "--give-up" {
            words.push(quoted(word));
        }
    }
    words.push("--resume".into());
    words.join(" ")
}
