//! A host that answers from a script and records its callbacks.

mod component;
mod native;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Result, bail};
use chrono::{DateTime, NaiveDateTime};
use nova_compute_utils::host::{HostError, InstanceAction, InstanceActionEvent};
use nova_compute_utils::time;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::faces::Context;

/// A callback of the host, in the form that all faces share. Each notification of a batch counts as one.
#[derive(Debug, Clone)]
pub struct Call {
    /// The name in the Rust library.
    pub name: String,
    /// The arguments after the context, as JavaScript gets them: a key, a query, values, an instance or a
    /// notification.
    pub arguments: Arguments,
}

/// The reply of a callback: JSON, or an error.
pub type Reply = Result<String, HostError>;

/// The readings of the clock and the replies of the host.
#[derive(Debug, Default)]
pub struct Answers {
    /// The reading of the clock before the instances are listed.
    pub now: NaiveDateTime,
    /// The readings of the clock, in seconds, after the instances were listed. The last reading repeats.
    pub time: VecDeque<f64>,
    /// The replies of callbacks by name. That of `instance_get_active_by_window` is the list of all instances.
    pub replies: BTreeMap<&'static str, Reply>,
    /// The instances whose notifications are refused.
    pub refused: BTreeMap<String, HostError>,
    /// The calls about actions and events that are refused.
    pub refusals: Vec<Refusal>,
    /// Whether calls about actions and events return the row that they wrote.
    pub returns_rows: bool,
    /// The index of the batch of notifications that fails as a whole, and its error.
    pub failing_batch: Option<(usize, HostError)>,
    /// Whether the host keeps checkpoints and knows the position of its notifier.
    pub keeps_checkpoints: bool,
    /// The JSON of the stored checkpoint.
    pub checkpoint: Option<String>,
}

/// A call about an action or event that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The name of the call.
    pub call: &'static str,
    /// The instance.
    pub instance_uuid: String,
    /// The reason.
    pub error: HostError,
}

/// The number of instances on a page: few, so that an audit needs several pages.
const PAGE: usize = 2;

/// The host. Clones share one script.
#[derive(Debug, Clone, Default)]
pub struct Script(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    answers: Answers,
    calls: Vec<Call>,
    contexts: Vec<Context>,
    listed: bool,
    refused_to_finish: bool,
    batches: usize,
    resume_position: Option<String>,
    ids: u128,
}

/// A page of instances as JSON holds it.
#[derive(Serialize, Deserialize)]
struct Page {
    instances: Vec<Box<RawValue>>,
    next_marker: Option<String>,
}

impl Script {
    /// Replaces the answers and clears the recorded calls.
    pub fn play(&self, answers: Answers) {
        *self.state() = State { answers, ..State::default() };
    }

    /// Returns the callbacks since [`Script::play`], without counts and later pages of instances.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// Returns the request contexts of all callbacks, including those that [`Script::calls`] omits.
    #[must_use]
    pub(crate) fn contexts(&self) -> Vec<Context> {
        self.state().contexts.clone()
    }

    /// Reads the clock.
    #[must_use]
    pub fn now(&self) -> NaiveDateTime {
        let mut state = self.state();
        let reading = match state.answers.time.len() {
            0 => None,
            _ if !state.listed => None,
            1 => state.answers.time.front().copied(),
            _ => state.answers.time.pop_front(),
        };
        reading.map_or(state.answers.now, from_seconds)
    }

    /// Returns the reading of the clock before the instances are listed, and its readings after that.
    #[must_use]
    pub fn clock(&self) -> (String, Vec<String>) {
        let state = self.state();
        let readings = state.answers.time.iter();
        let readings = readings.map(|reading| time::isoformat(from_seconds(in_microseconds(*reading) + 5e-7)));
        (time::isoformat(state.answers.now), readings.collect())
    }

    /// Returns whether a call of `action_event_finish` was refused.
    #[must_use]
    pub fn refused_to_finish(&self) -> bool {
        self.state().refused_to_finish
    }

    /// Returns the JSON of the stored checkpoint.
    #[must_use]
    pub fn checkpoint(&self) -> Option<String> {
        self.state().answers.checkpoint.clone()
    }

    /// Returns the position at which the audit asked the notifier to resume.
    #[must_use]
    pub fn resume_position(&self) -> Option<String> {
        self.state().resume_position.clone()
    }

    /// Replies to a callback. The context and the arguments are JSON, as a JavaScript host gets them.
    pub fn answer(&self, name: &str, context: &str, arguments: &str) -> Reply {
        let reply = self.reply(name, context, arguments);
        reply.unwrap_or_else(|broken| Err(HostError::new("RunnerError", format!("{name}: {broken:#}"))))
    }

    fn reply(&self, name: &str, context: &str, arguments: &str) -> Result<Reply> {
        self.state().contexts.push(serde_json::from_str(context)?);
        if name == "notify" {
            return Ok(self.notify(serde_json::from_str(arguments)?));
        }
        if let Some(reply) = self.checkpoint_reply(name, arguments)? {
            return Ok(Ok(reply));
        }
        let arguments: Arguments = serde_json::from_str(arguments)?;
        let mut state = self.state();
        let marker = arguments.text("marker")?;
        if marker.is_none() && name != "instance_count_active_by_window" {
            state.calls.push(Call { name: name.to_owned(), arguments: arguments.clone() });
        }
        let reply = |name: &str, default: &str| {
            state.answers.replies.get(name).cloned().unwrap_or_else(|| Ok(default.to_owned()))
        };
        Ok(match name {
            "task_log_get" => reply(name, "null"),
            "task_log_begin_task" | "task_log_end_task" | "instance_fault_create" => {
                reply(name, "null").map(|_| "null".to_owned())
            }
            "bw_usage_get_by_uuids" | "instance_get_nw_info" => reply(name, "[]"),
            "instance_get_active_by_window" | "instance_count_active_by_window" => {
                let instances = match reply("instance_get_active_by_window", "[]") {
                    Ok(instances) => serde_json::from_str::<Vec<Box<RawValue>>>(&instances)?,
                    Err(error) => return Ok(Err(error)),
                };
                state.listed = true;
                if name == "instance_count_active_by_window" {
                    return Ok(Ok(instances.len().to_string()));
                }
                let from: usize = marker.map_or(Ok(0), |marker| marker.parse())?;
                let page: Vec<_> = instances.iter().skip(from).take(PAGE).cloned().collect();
                let next = from + page.len();
                let next_marker = (next < instances.len()).then(|| next.to_string());
                Ok(serde_json::to_string(&Page { instances: page, next_marker })?)
            }
            "action_start" | "action_finish" | "action_event_start" | "action_event_finish" => {
                let uuid = arguments.text("instance_uuid")?;
                let is_refused =
                    |refusal: &&Refusal| refusal.call == name && Some(&refusal.instance_uuid) == uuid.as_ref();
                if let Some(error) = state.answers.refusals.iter().find(is_refused).map(|it| it.error.clone()) {
                    state.refused_to_finish |= name == "action_event_finish";
                    return Ok(Err(error));
                }
                if state.answers.returns_rows { row(name, arguments, state.answers.now) } else { Ok("null".to_owned()) }
            }
            _ => bail!("there is no such callback"),
        })
    }

    /// Replies to the callbacks about checkpoints and positions, which Nova does not have. They are not recorded, so that
    /// the recorded calls are Nova's.
    fn checkpoint_reply(&self, name: &str, arguments: &str) -> Result<Option<String>> {
        let mut state = self.state();
        let keeps_checkpoints = state.answers.keeps_checkpoints;
        Ok(Some(match name {
            "audit_checkpoint_get" => state.answers.checkpoint.clone().unwrap_or_else(|| "null".to_owned()),
            "audit_checkpoint_put" => {
                let arguments: Arguments = serde_json::from_str(arguments)?;
                if keeps_checkpoints {
                    state.answers.checkpoint = arguments.json("checkpoint").map(str::to_owned);
                }
                keeps_checkpoints.to_string()
            }
            "position" => {
                let sent = state.calls.iter().filter(|call| call.name == "notify").count();
                json!(keeps_checkpoints.then(|| sent.to_string())).to_string()
            }
            "resume_at" => {
                state.resume_position = serde_json::from_str(arguments)?;
                "null".to_owned()
            }
            _ => return Ok(None),
        }))
    }

    fn notify(&self, notifications: Vec<Arguments>) -> Reply {
        let mut state = self.state();
        let mut answers = Vec::new();
        for arguments in notifications {
            let payload = arguments.json("payload").unwrap_or_default();
            let refused = state.answers.refused.iter().find(|(uuid, _)| payload.contains(uuid.as_str()));
            answers.push(refused.map_or(Value::Null, |(_, error)| error_json(error)));
            state.calls.push(Call { name: "notify".to_owned(), arguments });
        }
        let batch = state.batches;
        state.batches += 1;
        if let Some((_, error)) = state.answers.failing_batch.as_ref().filter(|(index, _)| *index == batch) {
            return Err(error.clone());
        }
        state.answers.replies.get("notify").cloned().unwrap_or_else(|| Ok(Value::from(answers).to_string()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the row that the database layer of the vectors returns for these values.
fn row(name: &str, values: Arguments, now: NaiveDateTime) -> Reply {
    let row = values.with("id", 11).with("created_at", time::isoformat(now)).with("action_id", 5).to_string();
    let row = if name.starts_with("action_event") {
        serde_json::from_str::<InstanceActionEvent>(&row).map(|row| json!(row))
    } else {
        serde_json::from_str::<InstanceAction>(&row).map(|row| json!(row))
    };
    row.map(|row| row.to_string()).map_err(|error| HostError::new("RunnerError", error.to_string()))
}

/// Returns an error as a JavaScript host throws it.
#[must_use]
pub fn error_json(error: &HostError) -> Value {
    let arguments = serde_json::from_str::<Value>(&error.arguments).unwrap_or_default();
    json!({ "code": error.code, "message": error.message, "arguments": arguments })
}

/// Returns whether the ids of these messages are distinct random UUIDs.
#[must_use]
pub fn are_message_ids(ids: &[String]) -> bool {
    let is_uuid =
        |id: &str| id.len() == 36 && id.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && id.as_bytes()[14] == b'4';
    ids.iter().all(|id| is_uuid(id)) && ids.iter().collect::<BTreeSet<_>>().len() == ids.len()
}

/// Rounds a reading of a clock to microseconds, which changes few readings of the vectors.
#[must_use]
pub fn in_microseconds(reading: f64) -> f64 {
    (reading * 1e6).round() / 1e6
}

/// Converts a reading in seconds since 1970 to a timestamp.
fn from_seconds(seconds: f64) -> NaiveDateTime {
    let whole = seconds.floor();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "readings are small")]
    let (seconds, nanoseconds) = (whole as i64, ((seconds - whole) * 1e9).round() as u32);
    DateTime::from_timestamp(seconds, nanoseconds).map(|time| time.naive_utc()).unwrap_or_default()
}
