//! The same surroundings for a face whose callbacks speak JSON.

use std::future::Future;
use std::pin::pin;
use std::task::{Poll, Waker};

use anyhow::{Context as _, Result, bail};
use nova_compute_utils::Context;
use nova_compute_utils::host::{
    Conductor, HostError, InstanceFaultValues, InstancePage, Notification, Notifier, Priority,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Script, TaskLogCall};
use crate::records::record;

/// What a callback answers: JSON, or an error of the host's.
type Answered = std::result::Result<String, HostError>;

#[derive(Deserialize)]
struct TaskLogArguments {
    task_name: String,
    period_beginning: String,
    period_ending: String,
    host: String,
    #[serde(default)]
    task_items: i64,
    #[serde(default)]
    errors: i64,
    message: Option<String>,
}

#[derive(Deserialize)]
struct WindowArguments {
    begin: String,
    end: Option<String>,
    host: Option<String>,
    marker: Option<String>,
}

#[derive(Deserialize)]
struct BwUsageArguments {
    uuids: Vec<String>,
    start_period: String,
}

#[derive(Deserialize)]
struct FaultArguments<'a> {
    instance_uuid: String,
    #[serde(borrow)]
    code: &'a RawValue,
    message: String,
    details: String,
    host: String,
}

#[derive(Deserialize)]
struct NotificationArguments<'a> {
    message_id: String,
    publisher_id: String,
    event_type: String,
    priority: String,
    #[serde(borrow)]
    payload: &'a RawValue,
    timestamp: String,
}

impl Script {
    /// Answer a callback by its name in JavaScript. An outer error says that there is no such callback, or that it was
    /// not given what it is to be given.
    pub fn answer_json(&self, name: &str, arguments: &[&RawValue]) -> Result<Answered> {
        let [first, ..] = arguments else { bail!("`{name}` was given nothing") };
        match name {
            "taskLogGet" | "taskLogBeginTask" | "taskLogEndTask" => self.task_log(name, read(first)?),
            "instanceGetActiveByWindow" => {
                let WindowArguments { begin, end, host, marker } = read(first)?;
                let window = (begin, end.unwrap_or_default());
                let page = self.page(window, host.unwrap_or_default(), marker.as_deref());
                Ok(page.map(|page| page_json(&page)))
            }
            "instanceCountActiveByWindow" => Ok(self.count().map(|count| count.to_string())),
            "instanceGetNwInfo" => Ok(self.nw_info(first.get()).map(|network_info| one_line(&network_info))),
            "bwUsageGetByUuids" => {
                let BwUsageArguments { uuids, start_period } = read(first)?;
                let rows = self.bw_usage(uuids, start_period);
                Ok(rows.map(|rows| rows.iter().map(record).collect::<Value>().to_string()))
            }
            "instanceFaultCreate" => {
                let FaultArguments { instance_uuid, code, message, details, host } = serde_json::from_str(first.get())?;
                let values = InstanceFaultValues { instance_uuid, code: code.get().to_owned(), message, details, host };
                Ok(Script::instance_fault_create(self, values).map(|()| null()))
            }
            "notify" => self.notify_json(second(name, arguments)?),
            _ => self.action(name, second(name, arguments)?),
        }
    }

    fn task_log(&self, name: &str, arguments: TaskLogArguments) -> Result<Answered> {
        let TaskLogArguments { task_name, period_beginning: begin, period_ending: end, host, .. } = arguments;
        let call = TaskLogCall { task_name, begin, end, host };
        Ok(match name {
            "taskLogGet" => Script::task_log_get(self, call)
                .map(|row| row.as_ref().map_or_else(null, |row| record(row).to_string())),
            "taskLogBeginTask" => {
                let message = arguments.message.context("a task begins without a message")?;
                Script::task_log_begin_task(self, call, arguments.task_items, message).map(|()| null())
            }
            _ => Script::task_log_end_task(self, call, arguments.errors, arguments.message).map(|()| null()),
        })
    }

    fn action(&self, name: &str, values: &RawValue) -> Result<Answered> {
        let context = Context::default();
        match name {
            "actionStart" => row(self.action_start(&context, &read(values)?)),
            "actionFinish" => row(self.action_finish(&context, &read(values)?)),
            "actionEventStart" => row(self.action_event_start(&context, &read(values)?)),
            "actionEventFinish" => row(self.action_event_finish(&context, &read(values)?)),
            _ => bail!("there is no callback `{name}`"),
        }
    }

    fn notify_json(&self, notifications: &RawValue) -> Result<Answered> {
        let given: Vec<NotificationArguments<'_>> = serde_json::from_str(notifications.get())?;
        let notification = |given: NotificationArguments<'_>| {
            Ok(Notification {
                message_id: given.message_id,
                publisher_id: given.publisher_id,
                event_type: given.event_type,
                priority: match given.priority.as_str() {
                    "INFO" => Priority::Info,
                    "ERROR" => Priority::Error,
                    other => bail!("there is no priority `{other}`"),
                },
                payload: given.payload.get().to_owned(),
                timestamp: given.timestamp,
            })
        };
        let notifications = given.into_iter().map(notification).collect::<Result<_>>()?;
        let answers = finished(Notifier::notify(self, "", notifications))?;
        let refused = |answer: std::result::Result<(), HostError>| {
            answer.err().map(|error| json!({ "code": error.code, "message": error.message }))
        };
        Ok(answers.map(|answers| json!(answers.into_iter().map(refused).collect::<Vec<_>>()).to_string()))
    }
}

fn read<T: DeserializeOwned>(argument: &RawValue) -> Result<T> {
    serde_json::from_str(argument.get()).with_context(|| format!("a callback was given {}", argument.get()))
}

fn second<'a>(name: &str, arguments: &[&'a RawValue]) -> Result<&'a RawValue> {
    arguments.get(1).copied().with_context(|| format!("`{name}` was given one argument"))
}

fn row<T: serde::Serialize>(row: impl Future<Output = std::result::Result<T, HostError>>) -> Result<Answered> {
    Ok(finished(row)?.map(|row| record(&row).to_string()))
}

fn page_json(page: &InstancePage) -> String {
    let instances: Vec<String> = page.instances.iter().map(|instance| one_line(instance)).collect();
    format!(r#"{{"instances":[{}],"next_marker":{}}}"#, instances.join(","), json!(page.next_marker))
}

/// Between the tokens of JSON a line break is as good as a blank.
fn one_line(json: &str) -> String {
    json.replace(['\n', '\r'], " ")
}

fn null() -> String {
    "null".to_owned()
}

/// The script answers at once.
fn finished<T>(future: impl Future<Output = T>) -> Result<T> {
    match pin!(future).poll(&mut std::task::Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Ok(answer),
        Poll::Pending => bail!("the script did not answer at once"),
    }
}
