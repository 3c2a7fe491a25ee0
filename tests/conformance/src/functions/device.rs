//! Naming block devices.

use anyhow::{Context as _, Result};
use nova_compute_utils::Release;

use super::{Runner, Verdict, judge, with_calls};
use crate::faces::device::MappedDevice;
use crate::faces::{Answer, Face};
use crate::json;
use crate::vectors::Case;

pub(super) fn runner(release: Release, function: &str) -> Option<Runner> {
    Some(match (release, function) {
        (_, "match_device") => match_device,
        (_, "strip_dev") => |face, _, case| text(case, "device_name", |name| face.strip_dev(name)),
        (_, "strip_prefix") => |face, release, case| text(case, "device_name", |name| face.strip_prefix(release, name)),
        (_, "get_unused_letter") => get_unused_letter,
        (_, "instance_block_mapping") => instance_block_mapping,
        (_, "get_device_name_for_instance") => get_device_name_for_instance,
        (Release::Hibiscus, "prepend_dev") => |face, _, case| text(case, "device_name", |name| face.prepend_dev(name)),
        (Release::Hibiscus, "get_device_letter") => {
            |face, release, case| text(case, "device_name", |name| face.get_device_letter(release, name))
        }
        (Release::Hibiscus, "generate_device_letter") => generate_device_letter,
        (Release::Hibiscus, "generate_device_name") => generate_device_name,
        (Release::Hibiscus, "validate_device_name") => validate_device_name,
        (Release::Hibiscus, "get_next_device_name") => get_next_device_name,
        (Release::Hibiscus, "default_device_names_for_instance") => default_device_names_for_instance,
        _ => return None,
    })
}

const NO_TEXT: Verdict = Verdict::SetAside("the name of a device is text in a typed interface");

/// A function from text to text.
fn text(case: &Case, argument: &str, call: impl FnOnce(&str) -> Result<Answer>) -> Result<Verdict> {
    let Some(name) = given_text(case, argument) else {
        return Ok(NO_TEXT);
    };
    Ok(judge(case, call(&name)?, |name| json::from_text(&name)))
}

/// An argument that is to be text; nothing when it is something else.
fn given_text(case: &Case, argument: &str) -> Option<String> {
    case.args.json(argument).and_then(json::text)
}

/// Is the device asked for something else than text, or absent?
fn asks_for_no_text(case: &Case) -> bool {
    case.args.json("device").is_some_and(|device| json::text(device).is_none())
}

fn match_device(face: &mut dyn Face, _: Release, case: &Case) -> Result<Verdict> {
    let Some(device) = given_text(case, "device") else {
        return Ok(NO_TEXT);
    };
    let pair =
        |(prefix, suffix): (String, String)| format!("[{}, {}]", json::from_text(&prefix), json::from_text(&suffix));
    Ok(judge(case, face.match_device(&device)?, |parts| parts.map_or_else(|| "null".to_owned(), pair)))
}

fn generate_device_letter(face: &mut dyn Face, _: Release, case: &Case) -> Result<Verdict> {
    Ok(judge(case, face.generate_device_letter(case.args.read("index")?)?, |letter| json::from_text(&letter)))
}

fn generate_device_name(face: &mut dyn Face, _: Release, case: &Case) -> Result<Verdict> {
    let prefix = case.args.text("prefix")?.context("no prefix")?;
    let name = face.generate_device_name(&prefix, case.args.read("index")?)?;
    Ok(judge(case, name, |name| json::from_text(&name)))
}

fn get_unused_letter(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    let used: Vec<String> = case.args.read("used_letters")?;
    Ok(judge(case, face.get_unused_letter(release, &used)?, |letter| json::from_text(&letter)))
}

fn validate_device_name(face: &mut dyn Face, _: Release, case: &Case) -> Result<Verdict> {
    let Some(value) = given_text(case, "value") else {
        return Ok(NO_TEXT);
    };
    Ok(judge(case, face.validate_device_name(&value)?, |()| "null".to_owned()))
}

fn instance_block_mapping(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    let instance = case.args.json("instance").context("no instance")?;
    let mapping = face.instance_block_mapping(&case.config(release)?, instance, &case.args.read::<Vec<_>>("bdms")?)?;
    let member = |(role, name): &MappedDevice| format!("{}: {}", json::from_text(role), name_json(name.as_deref()));
    Ok(judge(case, mapping, |mapping| format!("{{{}}}", mapping.iter().map(member).collect::<Vec<_>>().join(", "))))
}

fn get_device_name_for_instance(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    if asks_for_no_text(case) {
        return Ok(NO_TEXT);
    }
    let device = case.args.text("device")?;
    let instance = case.args.json("instance").context("no instance")?;
    let bdms: Vec<_> = case.args.read("bdms")?;
    let name = face.get_device_name_for_instance(&case.config(release)?, instance, &bdms, device.as_deref())?;
    Ok(judge(case, name, |name| json::from_text(&name)))
}

fn get_next_device_name(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    if asks_for_no_text(case) {
        return Ok(NO_TEXT);
    }
    let device = case.args.text("device")?;
    let (list, root): (Vec<_>, _) = (case.args.read("device_name_list")?, case.args.text("root_device_name")?);
    let name = face.get_next_device_name(&case.config(release)?, &list, root.as_deref(), device.as_deref())?;
    Ok(judge(case, name, |name| json::from_text(&name)))
}

/// A name that was given stands for a call of `bdm.save`.
fn default_device_names_for_instance(face: &mut dyn Face, release: Release, case: &Case) -> Result<Verdict> {
    #[derive(serde::Deserialize)]
    struct Given {
        device_name: Option<String>,
    }
    let lists: Vec<Vec<Given>> = case.args.read("block_device_lists")?;
    let mut lists: Vec<Vec<Option<String>>> =
        lists.into_iter().map(|list| list.into_iter().map(|given| given.device_name).collect()).collect();
    let root = case.args.text("root_device_name")?;
    let names = face.default_device_names_for_instance(&case.config(release)?, root.as_deref(), &lists)?;
    let mut calls = Vec::new();
    let answer = names.and_then(|names| {
        for (list, index, name) in names.named {
            calls.push(format!(
                r#"{{"call": "bdm.save", "device_name": {}, "index": {index}, "list": {list}}}"#,
                json::from_text(&name)
            ));
            lists[list][index] = Some(name);
        }
        names.stopped.map_or(Ok(()), Err)
    });
    let list = |list: &Vec<Option<String>>| {
        let names: Vec<String> = list.iter().map(|name| name_json(name.as_deref())).collect();
        format!("[{}]", names.join(", "))
    };
    let verdict = judge(case, answer, |()| format!("[{}]", lists.iter().map(list).collect::<Vec<_>>().join(", ")));
    Ok(with_calls(verdict, case, &calls))
}

fn name_json(name: Option<&str>) -> String {
    name.map_or_else(|| "null".to_owned(), json::from_text)
}
