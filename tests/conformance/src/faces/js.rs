//! The npm package in Node or Chromium; `tests/js/faces` is the other end of the pipe.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use nova_compute_utils::host::WindowQuery;
use nova_compute_utils::{Release, time};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::function::Function;
use super::{Answer, Face, Failure};
use crate::arguments::Arguments;
use crate::json;
use crate::script::{Script, error_json};
use crate::tables::{Operation, Tables};

/// The arguments that JavaScript takes as an object or as JSON text.
const DOCUMENTS: [&str; 6] = ["instance", "networkInfo", "systemMetadata", "extra", "extraUsageInfo", "volUsage"];

/// The npm package as a JavaScript program uses it.
pub struct JsFace {
    name: &'static str,
    script: Script,
    process: Child,
    /// `None` once it is closed.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

/// A line from the other end of the pipe.
#[derive(Debug, Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    error: Option<Failure>,
    broken: Option<String>,
    callback: Option<String>,
    #[serde(borrow, default)]
    args: Vec<&'a RawValue>,
    #[serde(default)]
    ready: bool,
}

impl JsFace {
    /// Starts the package in Node.
    pub fn node() -> Result<Self> {
        Self::start("node")
    }

    /// Starts the package in Chromium.
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
        let line = face.receive()?;
        ensure!(parse(&line)?.ready, "the JS face sent {line}");
        Ok(face)
    }

    fn receive(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.output.read_line(&mut line)? > 0, "the JS face `{}` has ended", self.name);
        Ok(line)
    }

    fn send(&mut self, line: &str) -> Result<()> {
        let input = self.input.as_mut().context("node has no input")?;
        // A line break between the tokens of JSON means the same as a blank.
        writeln!(input, "{}", line.replace(['\n', '\r'], " "))?;
        Ok(input.flush()?)
    }

    /// Sends a request, answers the callbacks that it causes, and returns its answer.
    fn request(&mut self, request: &str) -> Result<Answer> {
        self.send(request)?;
        loop {
            let line = self.receive()?;
            let line = parse(&line)?;
            if let Some(name) = line.callback {
                let [context, arguments] = line.args[..] else {
                    bail!("`{name}` was called with {} arguments", line.args.len());
                };
                let answer = match self.script.answer(&snake_case(&name), context.get(), arguments.get()) {
                    Ok(answer) => format!(r#"{{"answer":{answer}}}"#),
                    Err(error) => json!({ "error": error_json(&error) }).to_string(),
                };
                self.send(&answer)?;
            } else if let Some(failure) = line.error {
                return Ok(Err(failure));
            } else if let Some(broken) = line.broken {
                bail!("the JS face broke: {broken}");
            } else {
                return Ok(Ok(line.value.map_or("null", RawValue::get).to_owned()));
            }
        }
    }
}

impl Drop for JsFace {
    /// Closes the input, at whose end the process cleans up and exits.
    fn drop(&mut self) {
        drop(self.input.take());
        if let Err(error) = self.process.wait() {
            eprintln!("the JS face `{}` did not exit: {error}", self.name);
        }
    }
}

fn parse(line: &str) -> Result<Line<'_>> {
    serde_json::from_str(line).with_context(|| format!("the JS face sent {line}"))
}

/// Returns the JavaScript name of a function or an argument.
fn camel_case(name: &str) -> String {
    match name {
        "instance_usage_audit" => return "runInstanceUsageAudit".to_owned(),
        "instance_usage_audit_period" => return "auditPeriod".to_owned(),
        _ => {}
    }
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (initial, rest) = word.split_at(1);
        name + &initial.to_uppercase() + rest
    })
}

/// Returns the Rust name of a callback.
fn snake_case(name: &str) -> String {
    let word = |letter: char| if letter.is_uppercase() { format!("_{}", letter.to_lowercase()) } else { letter.into() };
    name.chars().map(word).collect()
}

/// Returns a document as a JavaScript program passes it: an object, or JSON text when it is no object or contains a
/// float whose decimal point must stay.
fn document(document: &RawValue) -> String {
    let json = document.get();
    let is_object = json.starts_with(['{', '[']) && json::without_points(json) == json;
    if is_object || json == "null" { json.to_owned() } else { json::from_text(json) }
}

/// Returns the options object of these arguments.
fn options(function: &str, arguments: &Arguments) -> Arguments {
    arguments.iter().fold(Arguments::default(), |options, (name, value)| {
        let name = camel_case(name);
        // Nova hydrates the text of a cache, which need not be JSON.
        if DOCUMENTS.contains(&name.as_str()) && function != "hydrate" {
            let document = RawValue::from_string(document(value)).expect("a document is JSON");
            options.with(&name, document)
        } else {
            options.with(&name, value)
        }
    })
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

    /// Calls a method of a `ComputeUtils` when there is a configuration, and a free function otherwise. A free function
    /// with one argument takes it without an options object. A bulk function takes its text before the options.
    fn call(&mut self, function: &str, arguments: &Arguments) -> Result<Answer> {
        Function::decode(function, arguments)?;
        let mut all = options(function, arguments);
        let (config, body, text) = (all.remove("config"), all.remove("body"), all.remove("text"));
        let only = all.iter().next().filter(|_| config.is_none() && all.iter().len() == 1);
        let args = only.map_or_else(|| all.to_string(), |(_, value)| value.get().to_owned());
        let text = text.map(|text| format!("{text},")).unwrap_or_default();
        let args = RawValue::from_string(format!("[{text}{args}]"))?;
        let mut request = Arguments::default().with("call", camel_case(function)).with("args", args);
        if let Some(config) = config {
            let (now, readings) = self.script.clock();
            let config: Arguments = serde_json::from_str(config.get())?;
            request = request
                .with("config", options(function, &config))
                .with("clock", json!({ "now": now, "readings": readings }))
                .with("body", body);
        }
        self.request(&request.to_string())
    }
}

/// The conductor of the package's host, in memory or on IndexedDB.
impl Tables for JsFace {
    fn empty(&mut self, release: Release) -> Result<()> {
        let emptied = self.request(&json!({ "tables": "empty", "args": [release.as_str()] }).to_string())?;
        ensure!(emptied.is_ok(), "the tables are not emptied: {emptied:?}");
        Ok(())
    }

    fn operate(&mut self, operation: &Operation) -> Result<Answer<Value>> {
        let Operation { name, now, arguments, context } = operation;
        let operation =
            json!({ "name": name, "now": now, "arguments": arguments, "context": super::Context::from(context) });
        read(self.request(&json!({ "tables": "operate", "args": [operation] }).to_string())?)
    }

    fn active_by_window(&mut self, instances: &[String], query: WindowQuery<'_>) -> Result<Answer<Vec<String>>> {
        let query = json!({
            "begin": time::isoformat(query.begin),
            "end": query.end.map(time::isoformat),
            "project_id": query.project_id,
            "host": query.host,
        });
        read(self.request(&format!(r#"{{"tables":"activeByWindow","args":[[{}],{query}]}}"#, instances.join(",")))?)
    }

    fn rows(&mut self, table: &str, columns: &[&str]) -> Result<Vec<Value>> {
        match self.request(&json!({ "tables": "rows", "args": [table, columns] }).to_string())? {
            Ok(rows) => Ok(serde_json::from_str(&rows)?),
            Err(failure) => bail!("no rows of {table}: {failure:?}"),
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(answer: Answer) -> Result<Answer<T>> {
    Ok(match answer {
        Ok(answer) => Ok(serde_json::from_str(&answer)?),
        Err(failure) => Err(failure),
    })
}
