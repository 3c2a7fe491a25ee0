//! Device names.

use anyhow::{Result, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Trial, Verdict};
use crate::arguments::Arguments;
use crate::faces::{Answer, Failure};

/// The fields of a block device mapping that the device functions read.
const FIELDS: [&str; 8] = [
    "device_name",
    "source_type",
    "destination_type",
    "guest_format",
    "virtual_name",
    "volume_id",
    "snapshot_id",
    "no_device",
];

pub(super) fn match_device(trial: &mut Trial<'_>) -> Result<Verdict> {
    let answer = trial.face.call("match_device", &trial.arguments(&["device"])?)?;
    trial.judge_as(answer, |answer| {
        let parts: Value = serde_json::from_str(&answer)?;
        Ok(if parts.is_null() { answer } else { json!([parts["prefix"], parts["suffix"]]).to_string() })
    })
}

pub(super) fn instance_block_mapping(trial: &mut Trial<'_>) -> Result<Verdict> {
    let arguments = trial.arguments(&["release", "compute_driver", "instance"])?.with("bdms", bdms(trial)?);
    let answer = trial.face.call("instance_block_mapping", &arguments)?;
    Ok(trial.judge(answer))
}

pub(super) fn get_device_name_for_instance(trial: &mut Trial<'_>) -> Result<Verdict> {
    let names = ["release", "max_disk_devices_to_attach", "compute_driver", "instance", "device"];
    let arguments = trial.arguments(&names)?.with("bdms", bdms(trial)?);
    explained(trial, "explain_device_name_for_instance", &arguments)
}

pub(super) fn get_next_device_name(trial: &mut Trial<'_>) -> Result<Verdict> {
    let names = ["release", "max_disk_devices_to_attach", "device_name_list", "root_device_name", "device"];
    let arguments = trial.arguments(&names)?;
    explained(trial, "explain_next_device_name", &arguments)
}

fn bdms(trial: &Trial<'_>) -> Result<Vec<Arguments>> {
    let bdms: Vec<Arguments> = trial.case.args.read("bdms")?;
    Ok(bdms.iter().map(|bdm| Arguments::default().copying(&FIELDS, bdm)).collect())
}

/// Compares the name or the error with Nova's, and with the one in the explanation.
fn explained(trial: &mut Trial<'_>, explanation: &str, arguments: &Arguments) -> Result<Verdict> {
    #[derive(Deserialize)]
    struct Explanation {
        device_name: Option<Value>,
        error: Option<Failure>,
    }
    let name = trial.face.call(trial.function, arguments)?;
    let outcome =
        trial.face.call(explanation, arguments)?.and_then(|explanation| match serde_json::from_str(&explanation) {
            Ok(Explanation { error: Some(failure), .. }) => Err(failure),
            Ok(Explanation { device_name, .. }) => Ok(device_name.unwrap_or_default().to_string()),
            Err(error) => Ok(error.to_string()),
        });
    ensure!(outcome == name, "the name is {name:?}, the explanation says {outcome:?}");
    Ok(trial.judge(name))
}

/// Compares the names and the calls of `bdm.save`, with which Nova saves each device that it names.
pub(super) fn default_device_names_for_instance(trial: &mut Trial<'_>) -> Result<Verdict> {
    #[derive(Deserialize)]
    struct Device {
        device_name: Value,
    }
    #[derive(Deserialize)]
    struct Names {
        named: Vec<Named>,
        stopped: Option<Failure>,
    }
    #[derive(Deserialize)]
    struct Named {
        list_index: usize,
        index: usize,
        device_name: Value,
    }
    let lists: Vec<Vec<Device>> = trial.case.args.read("block_device_lists")?;
    let mut lists: Vec<Vec<Value>> =
        lists.into_iter().map(|list| list.into_iter().map(|device| device.device_name).collect()).collect();
    let names = ["release", "max_disk_devices_to_attach", "root_device_name"];
    let arguments = trial.arguments(&names)?.with("block_device_lists", &lists);
    let answer = trial.face.call("default_device_names_for_instance", &arguments)?;
    let mut calls = Vec::new();
    let answer: Answer = match answer {
        Ok(answer) => {
            let names: Names = serde_json::from_str(&answer)?;
            for Named { list_index: list, index, device_name } in names.named {
                let save = json!({ "call": "bdm.save", "device_name": device_name, "index": index, "list": list });
                calls.push(save.to_string());
                lists[list][index] = device_name;
            }
            names.stopped.map_or_else(|| Ok(json!(lists).to_string()), Err)
        }
        Err(failure) => Err(failure),
    };
    Ok(trial.with_calls(trial.judge(answer), &calls))
}
