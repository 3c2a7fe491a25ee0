//! Runs all golden vectors through the native face and the component, and cases that the types of an interface exclude.

use std::path::{Path, PathBuf};

use conformance::faces::{ComponentFace, Face, NativeFace};
use conformance::run::{Tally, WRONG_TYPE, run};
use conformance::wild::Wild;
use serde_json::{Value, json};

fn component() -> Box<dyn Face> {
    let built = || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("component").join("nova-compute-utils.wasm");
    let path = std::env::var_os("NOVA_COMPUTE_UTILS_COMPONENT").map_or_else(built, PathBuf::from);
    Box::new(ComponentFace::load(&path).expect("run `cargo xtask build` first"))
}

/// Asserts that a face passes all cases that are not set aside, and that at least one case ran.
fn all_pass(face: Box<dyn Face>) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors");
    let name = face.name();
    let mut sum = Tally::default();
    for run in run(&dir, &mut [face]).expect("the vectors run") {
        sum.add(&run.tally);
    }
    println!(
        "{name}: {} cases ran, {} set aside, {} missing",
        sum.ran(),
        sum.set_aside.values().sum::<usize>(),
        sum.missing
    );
    assert!(sum.failures.is_empty(), "{:#?}", sum.failures);
    assert!(sum.ran() > 0, "no case ran");
}

#[test]
fn native_passes_all_vectors() {
    all_pass(Box::new(NativeFace::default()));
}

#[test]
fn component_passes_all_vectors() {
    all_pass(component());
}

/// Asserts that a face reads the notifications of other projects, or refuses them for a known reason.
fn reads_the_wild(mut face: Box<dyn Face>) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wild");
    let wild = Wild::run(&dir, face.as_mut()).expect("the notifications are read");
    println!("{}: {wild}", face.name());
    assert!(wild.failures.is_empty(), "{:#?}", wild.failures);
    let count = |counts: &mut dyn Iterator<Item = &usize>| counts.sum::<usize>();
    assert_eq!((count(&mut wild.read.values()), count(&mut wild.refused.values())), (185, 22));
}

#[test]
fn native_reads_the_notifications_of_other_projects() {
    reads_the_wild(Box::new(NativeFace::default()));
}

#[test]
fn component_reads_the_notifications_of_other_projects() {
    reads_the_wild(component());
}

/// Returns per file the arguments of a valid case and, for each argument, values that a typed interface excludes.
fn odd_values() -> Value {
    let fault = json!({ "resolved": { "class": "E", "str": "" } });
    json!({
        "hibiscus/pack_action_start": [
            { "context": {}, "instance_uuid": "i", "action_name": "reboot" },
            {
                "context": ["none", { "user_id": 1 }, { "timestamp": "yesterday" }, { "timestamp": 17 }],
                "instance_uuid": [7, null],
                "action_name": [5],
            },
        ],
        "hibiscus/pack_action_event_start": [
            { "context": {}, "instance_uuid": "i", "event_name": "e", "host": null },
            { "event_name": [["e"]], "host": [5] },
        ],
        "hibiscus/pack_action_event_finish": [
            { "context": {}, "instance_uuid": "i", "event_name": "e", "exc_val": null, "exc_tb": null },
            {
                "exc_val": [5, { "resolved": { "class": 5, "str": "" } }, { "resolved": "E" }],
                "exc_tb": [5, { "traceback_lines": "none" }],
            },
        ],
        "hibiscus/EventReporter": [
            { "context": {}, "event_name": "e", "host": null, "instance_uuids": ["i"], "body": null },
            { "instance_uuids": ["i", [null]], "graceful_exit": ["yes"], "body": [1] },
        ],
        "hibiscus/add_instance_fault_from_exc": [
            { "context": {}, "instance": { "uuid": "i" }, "fault": fault, "exc_info": null, "fault_message": null },
            { "instance": [{ "uuid": 5 }], "fault": [1], "exc_info": [{ "traceback_lines": 5 }], "fault_message": [5] },
        ],
        "hibiscus/get_next_device_name": [
            { "device_name_list": [], "root_device_name": "/dev/vda", "device": null },
            { "device_name_list": ["/dev/vda", [1]], "root_device_name": [{}], "device": [true] },
        ],
        "hibiscus/get_device_name_for_instance": [
            { "instance": {}, "bdms": [], "device": null },
            { "bdms": [{}, ["vda"], [{ "device_name": 1 }], [{ "no_device": "yes" }]] },
        ],
        "hibiscus/default_device_names_for_instance": [
            { "root_device_name": null, "block_device_lists": [] },
            { "root_device_name": [1], "block_device_lists": [1, [[1]], [[{ "device_name": 1 }]]] },
        ],
        "hibiscus/get_unused_letter": [{}, { "used_letters": ["a", [1]] }],
        "hibiscus/generate_device_letter": [{}, { "index": ["5", 1.5, 9_223_372_036_854_775_808_u64, null] }],
        "hibiscus/safe_truncate": [{ "value": "a", "length": 1 }, { "value": [null], "length": ["1"] }],
        "hibiscus/last_completed_audit_period": [
            { "unit": "day", "before": "2026-11-01T00:00:00" },
            { "unit": [5], "before": [5, "soon"] },
        ],
        "hibiscus/audit_period_bounds": [{}, { "current_period": ["no", 0, null] }],
        "hibiscus/get_audit_task_logs": [
            { "before": "2026-11-01T00:00:00", "hosts": ["h"], "task_logs": [] },
            {
                "before": ["soon"],
                "hosts": ["h", [null], [1]],
                "task_logs": [
                    [1],
                    [{ "host": null, "state": "DONE", "message": "", "task_items": 1, "errors": 0 }],
                    [{ "host": "h", "state": "DONE", "message": "", "task_items": 1, "errors": 0.5 }],
                ],
            },
        ],
        "hibiscus/info_from_instance": [
            { "context": {}, "instance": {}, "network_info": null, "populate_image_ref_url": false, "kw": {} },
            { "populate_image_ref_url": [2, "true"] },
        ],
        "grizzly/has_audit_been_run": [{ "host": "h", "timestamp": null }, { "host": [1, null], "timestamp": [0] }],
        "grizzly/start_instance_usage_audit": [
            { "begin": "2026-10-01T00:00:00", "end": "2026-11-01T00:00:00", "host": "h", "num_instances": 1 },
            { "begin": [null], "host": [["h"]], "num_instances": ["1"] },
        ],
        "grizzly/instance_get_active_by_window_joined": [
            { "instances": [], "begin": "2026-10-01T00:00:00", "end": null, "host": null, "project_id": null },
            { "instances": [{}], "begin": [1], "host": [1] },
        ],
        "hibiscus/db_task_log": [{}, { "ops": [5] }],
    })
}

/// Returns the cases of [`odd_values`], one per value.
fn odd_files() -> Vec<(String, Vec<Value>)> {
    let file = |(name, file): (&String, &Value)| {
        let with = |argument: &str, value: &Value| {
            let mut arguments = file[0].clone();
            arguments[argument] = value.clone();
            arguments
        };
        let odd = file[1].as_object().into_iter().flatten();
        let cases = odd.flat_map(|(argument, values)| {
            values.as_array().into_iter().flatten().map(|value| with(argument, value)).collect::<Vec<_>>()
        });
        (name.clone(), cases.collect())
    };
    odd_values().as_object().into_iter().flatten().map(file).collect()
}

/// Returns cases that lack a required argument.
fn incomplete_files() -> Vec<(String, Vec<Value>)> {
    let files = json!({
        "hibiscus/pack_action_finish": [{ "context": {} }, {}],
        "hibiscus/strip_dev": [{}],
        "hibiscus/exception_to_dict": [{ "message": null }],
        "hibiscus/pack_action_event_finish": [{ "exc_val": {}, "event_name": "e", "instance_uuid": "i" }],
        "grizzly/instance_get_active_by_window_joined": [{ "instances": [] }],
        "hibiscus/db_task_log": [{ "ops": [{ "op": "begin_task", "now": "2026-11-01T00:00:00" }] }],
    });
    let file = |(name, cases): (&String, &Value)| (name.clone(), cases.as_array().cloned().unwrap_or_default());
    files.as_object().into_iter().flatten().map(file).collect()
}

/// Asserts that each case is counted on its own, and that a valid case after the last one passes.
fn reports_each(mut face: Box<dyn Face>, files: &[(String, Vec<Value>)], is_set_aside: bool) {
    let dir = tempfile::tempdir().expect("a directory");
    for (index, (name, args)) in files.iter().enumerate() {
        let (release, function) = name.split_once('/').expect("a release and a function");
        let case = |(number, args)| {
            let expect = if function.starts_with("db_") { json!({ "results": [{}] }) } else { json!([]) };
            json!({ "id": format!("{name}/{number}"), "args": args, "now": "2026-11-01T00:17:03", "expect": expect })
        };
        let cases: Vec<Value> = args.iter().enumerate().map(case).collect();
        let file = json!({ "function": function, "release": release, "cases": cases });
        std::fs::write(dir.path().join(format!("{index:02}.json")), file.to_string()).expect("a file");
    }
    let sound = json!({ "id": "sound", "args": { "device_name": "/dev/vda" }, "expect": "vda" });
    let sound = json!({ "function": "strip_dev", "release": "hibiscus", "cases": [sound] });
    std::fs::write(dir.path().join("sound.json"), sound.to_string()).expect("a file");

    let runs = run(dir.path(), std::slice::from_mut(&mut face)).expect("the run completes");
    assert_eq!(runs.len(), files.len() + 1);
    for ((name, args), run) in files.iter().zip(&runs) {
        let set_aside = run.tally.set_aside.get(WRONG_TYPE).copied().unwrap_or_default();
        let expected = if is_set_aside { (args.len(), 0) } else { (0, args.len()) };
        assert_eq!((set_aside, run.tally.failed), expected, "{name}: {:?}", run.tally);
    }
    assert_eq!(runs.last().map(|run| run.tally.passed), Some(1));
}

#[test]
fn native_sets_aside_values_of_another_type() {
    reports_each(Box::new(NativeFace::default()), &odd_files(), true);
}

#[test]
fn component_sets_aside_values_of_another_type() {
    reports_each(component(), &odd_files(), true);
}

#[test]
fn native_fails_incomplete_cases() {
    reports_each(Box::new(NativeFace::default()), &incomplete_files(), false);
}

#[test]
fn component_fails_incomplete_cases() {
    reports_each(component(), &incomplete_files(), false);
}
