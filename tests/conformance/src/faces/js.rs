//! The npm package, in Node or in Chromium: `tests/js/faces` has the other end of the pipe.

mod action;
mod device;
mod fault;
mod options;
mod volume;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use nova_compute_utils::host::WindowQuery;
use nova_compute_utils::{Config, Context, NotificationFormat, Release, time};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Answer, Bounds, ExistsOptions, Face, Failure, Info, UsageOptions};
use crate::script::Script;
use crate::tables::{Operation, Tables};
use options::Options;

/// The npm package as a JavaScript program uses it.
pub struct JsFace {
    name: &'static str,
    script: Script,
    process: Child,
    /// Nothing once it is closed.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// A line of the other end.
#[derive(Debug, Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    error: Option<Thrown>,
    broken: Option<String>,
    callback: Option<String>,
    #[serde(borrow, default)]
    args: Vec<&'a RawValue>,
    #[serde(default)]
    ready: bool,
}

#[derive(Debug, Deserialize)]
struct Thrown {
    code: String,
    message: String,
}

impl JsFace {
    /// In Node.
    pub fn node() -> Result<Self> {
        Self::start("node")
    }

    /// In Chromium.
    pub fn browser() -> Result<Self> {
        Self::start("browser")
    }

    fn start(name: &'static str) -> Result<Self> {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../js/faces/main.js");
        let mut command = Command::new("node");
        command.arg(program).arg(name).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().context("cannot start `node`")?;
        let input = process.stdin.take();
        let output = BufReader::new(process.stdout.take().context("node has no output")?);
        let mut face = Self { name, script: Script::default(), process, input, output };
        let line = face.hear()?;
        ensure!(said(&line)?.ready, "the JS face says {line}");
        Ok(face)
    }

    fn hear(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.output.read_line(&mut line)? > 0, "the JS face `{}` has ended", self.name);
        Ok(line)
    }

    fn say(&mut self, line: &str) -> Result<()> {
        let input = self.input.as_mut().context("node has no input")?;
        writeln!(input, "{line}")?;
        Ok(input.flush()?)
    }

    /// Ask something, and answer what is asked back meanwhile. The answer as JSON.
    fn ask(&mut self, request: &str) -> Result<Answer> {
        self.say(request)?;
        loop {
            let line = self.hear()?;
            let said = said(&line)?;
            if let Some(name) = said.callback {
                let answer = match self.script.answer_json(&name, &said.args)? {
                    Ok(answer) => format!(r#"{{"answer":{answer}}}"#),
                    Err(error) => json!({ "error": { "code": error.code, "message": error.message } }).to_string(),
                };
                self.say(&answer)?;
            } else if let Some(Thrown { code, message }) = said.error {
                return Ok(Err(Failure { code, message }));
            } else if let Some(broken) = said.broken {
                bail!("the JS face broke: {broken}");
            } else {
                return Ok(Ok(said.value.map_or("null", RawValue::get).to_owned()));
            }
        }
    }

    /// Call a free function. Its arguments are JSON.
    fn call(&mut self, name: &str, arguments: &str) -> Result<Answer> {
        self.ask(&format!(r#"{{"call":"{name}","args":[{arguments}]}}"#))
    }

    /// Call a method of a `ComputeUtils` with a configuration.
    fn method(&mut self, config: &Config, name: &str, options: &Options) -> Result<Answer> {
        let request = self.request(config, name, options);
        self.ask(&request.finish())
    }

    fn request(&self, config: &Config, name: &str, options: &Options) -> Options {
        let (now, readings) = self.script.clock();
        let clock = Options::new().text("now", &now).value("readings", &json!(readings).to_string());
        Options::new()
            .text("call", name)
            .value("args", &format!("[{}]", options.clone().finish()))
            .value("config", &config_options(config).finish())
            .value("clock", &clock.finish())
    }

    fn done(answer: Answer) -> Answer<()> {
        answer.map(drop)
    }
}

impl Drop for JsFace {
    /// At the end of its input it cleans up and ends by itself.
    fn drop(&mut self) {
        drop(self.input.take());
        if let Err(error) = self.process.wait() {
            eprintln!("the JS face `{}` was left behind: {error}", self.name);
        }
    }
}

fn said(line: &str) -> Result<Said<'_>> {
    serde_json::from_str(line).with_context(|| format!("the JS face said {line}"))
}

fn config_options(config: &Config) -> Options {
    Options::new()
        .text("release", config.release.as_str())
        .text("host", &config.host)
        .text("auditPeriod", &config.instance_usage_audit_period)
        .text(
            "notificationFormat",
            match config.notification_format {
                NotificationFormat::Unversioned => "unversioned",
                NotificationFormat::Versioned => "versioned",
                NotificationFormat::Both => "both",
            },
        )
        .optional("glanceEndpoint", config.glance_endpoint.as_deref())
}

fn context_json(context: &Context) -> String {
    context.to_json()
}

fn bounds(answer: Answer) -> Result<Answer<Bounds>> {
    #[derive(Deserialize)]
    struct Window {
        begin: String,
        end: String,
    }
    Ok(value(answer)?.map(|Window { begin, end }| (begin, end)))
}

/// An answer of a type.
fn value<T: DeserializeOwned>(answer: Answer) -> Result<Answer<T>> {
    Ok(match answer {
        Ok(answer) => Ok(serde_json::from_str(&answer).with_context(|| format!("the JS face answers {answer}"))?),
        Err(failure) => Err(failure),
    })
}

/// A text that is the answer.
fn text(answer: Answer) -> Result<Answer> {
    value(answer)
}

/// A document, or nothing.
fn optional(answer: Answer) -> Answer<Option<String>> {
    answer.map(|answer| Some(answer).filter(|answer| answer != "null"))
}

fn flag(answer: Answer) -> Answer<bool> {
    answer.map(|answer| answer == "true")
}

fn window(window: &Bounds) -> String {
    Options::new().text("begin", &window.0).text("end", &window.1).finish()
}

impl Face for JsFace {
    fn name(&self) -> &'static str {
        self.name
    }

    fn has_floats(&self) -> bool {
        false
    }

    fn script(&self) -> &Script {
        &self.script
    }

    fn tables(&mut self) -> Result<&mut dyn Tables> {
        Ok(self)
    }

    fn last_completed_audit_period(
        &mut self,
        config: &Config,
        unit: Option<&str>,
        before: &str,
    ) -> Result<Answer<Bounds>> {
        let options = Options::of(config.release)
            .text("auditPeriod", &config.instance_usage_audit_period)
            .optional("unit", unit)
            .text("before", before);
        bounds(self.call("lastCompletedAuditPeriod", &options.finish())?)
    }

    fn audit_period_bounds(&mut self, config: &Config, current_period: bool, now: &str) -> Result<Answer<Bounds>> {
        let options = Options::of(config.release)
            .text("auditPeriod", &config.instance_usage_audit_period)
            .flag("currentPeriod", current_period)
            .text("now", now);
        bounds(self.call("auditPeriodBounds", &options.finish())?)
    }

    fn info_from_instance(&mut self, config: &Config, instance: &str, info: &Info<'_>) -> Result<Answer> {
        let options = Options::of(config.release)
            .document("instance", instance)
            .optional_document("networkInfo", info.network_info)
            .optional_document("systemMetadata", info.system_metadata)
            .optional_document("extra", info.extra)
            .flag("populateImageRefUrl", info.populate_image_ref_url)
            .flag("timesAreText", info.times_are_text)
            .optional("glanceEndpoint", config.glance_endpoint.as_deref());
        self.call("infoFromInstance", &options.finish())
    }

    fn image_meta(&mut self, system_metadata: &str) -> Result<Answer> {
        self.call("imageMeta", &options::document(system_metadata))
    }

    fn hydrate(&mut self, release: Release, network_info: &str) -> Result<Answer> {
        // Nova takes the text of a cache, which need not be JSON.
        self.call("hydrate", &Options::of(release).text("networkInfo", network_info).finish())
    }

    fn get_nw_info_for_instance(&mut self, instance: &str) -> Result<Answer> {
        self.call("getNwInfoForInstance", &options::document(instance))
    }

    fn get_network_info(&mut self, instance: &str) -> Result<Answer<Option<String>>> {
        Ok(optional(self.call("getNetworkInfo", &options::document(instance))?))
    }

    fn bandwidth_usage(
        &mut self,
        instance: &str,
        audit_start: &str,
        ignore_missing_network_data: bool,
    ) -> Result<Answer<Option<String>>> {
        let options = Options::new()
            .document("instance", instance)
            .text("auditStart", audit_start)
            .flag("ignoreMissingNetworkData", ignore_missing_network_data);
        Ok(optional(self.method(&Config::new(Release::Grizzly, ""), "bandwidthUsage", &options)?))
    }

    fn notify_about_instance_usage(
        &mut self,
        config: &Config,
        context: &Context,
        instance: &str,
        event_suffix: &str,
        options: &UsageOptions<'_>,
    ) -> Result<Answer<()>> {
        let options = Options::new()
            .value("context", &context_json(context))
            .document("instance", instance)
            .text("eventSuffix", event_suffix)
            .optional("host", options.host)
            .optional_document("networkInfo", options.network_info)
            .optional_document("systemMetadata", options.system_metadata)
            .optional_document("extraUsageInfo", options.extra_usage_info)
            .optional_value("fault", options.fault.as_ref().map(options::failure).as_deref())
            .flag("bestEffort", options.best_effort)
            .flag("timesAreText", options.times_are_text);
        Ok(Self::done(self.method(config, "notifyAboutInstanceUsage", &options)?))
    }

    fn notify_usage_exists(
        &mut self,
        config: &Config,
        context: &Context,
        instance: &str,
        host: &str,
        options: &ExistsOptions<'_>,
    ) -> Result<Answer<()>> {
        let options = Options::new()
            .value("context", &context_json(context))
            .document("instance", instance)
            .text("host", host)
            .flag("currentPeriod", options.current_period)
            .flag("ignoreMissingNetworkData", options.ignore_missing_network_data)
            .optional_document("systemMetadata", options.system_metadata)
            .optional_document("extraUsageInfo", options.extra_usage_info)
            .flag("timesAreText", options.times_are_text);
        Ok(Self::done(self.method(config, "notifyUsageExists", &options)?))
    }

    fn has_audit_been_run(&mut self, config: &Config, host: &str, timestamp: Option<&str>) -> Result<Answer<bool>> {
        let options = Options::new().text("host", host).optional("timestamp", timestamp);
        Ok(flag(self.method(config, "hasAuditBeenRun", &options)?))
    }

    fn start_instance_usage_audit(&mut self, bounds: &Bounds, host: &str, num_instances: i64) -> Result<Answer<()>> {
        let options = Options::new()
            .value("window", &window(bounds))
            .text("host", host)
            .value("numInstances", &num_instances.to_string());
        Ok(Self::done(self.method(&Config::new(Release::Grizzly, ""), "startInstanceUsageAudit", &options)?))
    }

    fn finish_instance_usage_audit(
        &mut self,
        bounds: &Bounds,
        host: &str,
        errors: i64,
        message: Option<&str>,
    ) -> Result<Answer<()>> {
        let options = Options::new()
            .value("window", &window(bounds))
            .text("host", host)
            .value("errors", &errors.to_string())
            .optional("message", message);
        Ok(Self::done(self.method(&Config::new(Release::Grizzly, ""), "finishInstanceUsageAudit", &options)?))
    }

    fn instance_usage_audit(&mut self, config: &Config, context: &Context) -> Result<Answer<bool>> {
        let options = Options::new().value("context", &context_json(context));
        let report = self.method(config, "runInstanceUsageAudit", &options)?;
        Ok(report.map(|report| report != "null"))
    }
}

/// The conductor of the package's host, in memory or on IndexedDB.
impl Tables for JsFace {
    fn empty(&mut self, release: Release) -> Result<()> {
        let emptied = self.ask(&json!({ "tables": "empty", "args": [release.as_str()] }).to_string())?;
        ensure!(emptied.is_ok(), "the tables are not emptied: {emptied:?}");
        Ok(())
    }

    fn operate(&mut self, operation: &Operation) -> Result<Answer<Value>> {
        let Operation { name, now, arguments, context } = operation;
        let context: Value = serde_json::from_str(&context.to_json())?;
        let operation = json!({ "name": name, "now": now, "arguments": arguments, "context": context });
        let answer = self.ask(&json!({ "tables": "operate", "args": [operation] }).to_string())?;
        value(answer)
    }

    fn active_by_window(&mut self, instances: &[String], query: WindowQuery<'_>) -> Result<Answer<Vec<String>>> {
        let query = json!({
            "begin": time::isoformat(query.begin),
            "end": query.end.map(time::isoformat),
            "project_id": query.project_id,
            "host": query.host,
        });
        let request = format!(r#"{{"tables":"activeByWindow","args":[[{}],{query}]}}"#, instances.join(","));
        let answer = self.ask(&request)?;
        value(answer)
    }

    fn rows(&mut self, table: &str, columns: &[&str]) -> Result<Vec<Value>> {
        match self.ask(&json!({ "tables": "rows", "args": [table, columns] }).to_string())? {
            Ok(rows) => Ok(serde_json::from_str(&rows)?),
            Err(failure) => bail!("no rows of {table}: {failure:?}"),
        }
    }
}
