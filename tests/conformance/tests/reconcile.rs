//! Reconciles the cells with what the real Nova emitted on them, and with injured copies of it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use conformance::faces::{ComponentFace, Face, NativeFace};
use nova_compute_utils::Release;
use nova_compute_utils::period::last_completed_audit_period;
use nova_compute_utils::time;
use serde_json::{Value, json};

const CELLS: [&str; 3] = ["day6", "hour15", "month"];
const INJURIES: usize = 200;

/// How often each verdict occurs.
type Verdicts = BTreeMap<String, usize>;

/// The rows and the notifications of a cell by instance, and the settings of the audit.
#[derive(Clone)]
struct Cell {
    rows: BTreeMap<String, Value>,
    notifications: BTreeMap<String, Vec<Value>>,
    settings: Value,
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a readable file")
}

fn uuid_of(message: &Value) -> String {
    let payload = &message["payload"];
    let uuid = payload["instance_id"].as_str().or_else(|| payload["nova_object.data"]["uuid"].as_str());
    uuid.expect("a UUID").to_owned()
}

impl Cell {
    fn load(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cells").join(name);
        let packed = File::open(folder.join("documents.ndjson.xz")).expect("documents");
        let documents = std::io::read_to_string(liblzma::read::XzDecoder::new(packed)).expect("documents");
        let row = |line: &str| {
            let row: Value = serde_json::from_str(line).expect("a document");
            (row["uuid"].as_str().expect("a UUID").to_owned(), row)
        };
        let mut notifications: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for line in read(&folder.join("nova-emitted.ndjson")).lines() {
            let line: Value = serde_json::from_str(line).expect("a notification");
            let message = line["message"].clone();
            notifications.entry(uuid_of(&message)).or_default().push(message);
        }
        let cell: Value = serde_json::from_str(&read(&folder.join("cell.json"))).expect("the settings");
        let text = |name: &str| cell[name].as_str().expect("a setting");
        let now = time::parse(text("now")).expect("a timestamp");
        let period = text("instance_usage_audit_period");
        let window = last_completed_audit_period(Release::Hibiscus, period, None, now).expect("a window");
        let settings = json!({
            "release": "hibiscus",
            "window": { "begin": time::isoformat(window.begin), "end": time::isoformat(window.end) },
            "notification_format": "both",
            "bdms_in_notifications": false,
            "include_share_mapping": false,
            "host": null,
            "context": {
                "user_id": null,
                "project_id": null,
                "request_id": null,
                "timestamp": null,
                "glance_endpoint": cell["glance_endpoint"],
            },
            "fields": null,
            "first_line": 1,
        });
        Self { rows: documents.lines().map(row).collect(), notifications, settings }
    }

    /// Reconciles all instances that a row or a notification has.
    fn reconcile(&self, face: &mut dyn Face) -> Vec<Value> {
        let mut text = String::new();
        let mut uuids: Vec<&String> = self.rows.keys().chain(self.notifications.keys()).collect();
        uuids.sort();
        uuids.dedup();
        for uuid in uuids {
            let line = json!({ "instance": self.rows.get(uuid), "notifications": self.notifications.get(uuid) });
            let line = line.to_string().replace(r#""notifications":null"#, r#""notifications":[]"#);
            text += &(line + "\n");
        }
        let mut settings = self.settings.clone();
        settings["text"] = text.into();
        let settings = serde_json::from_value(settings).expect("arguments");
        let lines = face.call("reconcile_ndjson", &settings).expect("the face runs").expect("the lines are reconciled");
        let lines: String = serde_json::from_str(&lines).expect("a string");
        lines.lines().map(|line| serde_json::from_str(line).expect("a reconciliation")).collect()
    }
}

fn findings(reconciliations: &[Value]) -> impl Iterator<Item = (&Value, &Value)> {
    reconciliations.iter().flat_map(|one| {
        let findings = one["findings"].as_array().unwrap_or_else(|| panic!("no findings in {one}"));
        findings.iter().map(move |finding| (&one["instance_uuid"], finding))
    })
}

fn verdicts(reconciliations: &[Value]) -> Verdicts {
    findings(reconciliations).fold(BTreeMap::new(), |mut verdicts, (_, finding)| {
        *verdicts.entry(finding["verdict"].as_str().expect("a verdict").to_owned()).or_default() += 1;
        verdicts
    })
}

/// A sequence of numbers that a seed repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }
}

/// A change to one notification, and the findings that it must cause: the instance, the verdict, the event type, and
/// the field that differs.
struct Injury {
    cell: Cell,
    expected: Vec<(String, &'static str, String, Option<String>)>,
}

/// Changes a number, a string, a flag or a null of a payload, and returns its path.
fn change_a_field(payload: &mut Value, random: &mut Random) -> String {
    let is_versioned = payload.get("nova_object.data").is_some();
    let mut fields = if is_versioned { &mut payload["nova_object.data"] } else { payload };
    let mut path = String::new();
    if is_versioned && random.below(3) == 0 {
        fields = &mut fields["flavor"]["nova_object.data"];
        "flavor.".clone_into(&mut path);
    }
    let members = fields.as_object_mut().expect("an object");
    let is_content = |name: &str| !name.starts_with("audit_period") && !["uuid", "instance_id"].contains(&name);
    let names: Vec<String> = members.keys().filter(|name| is_content(name)).cloned().collect();
    let name = &names[random.below(names.len())];
    let changed = match &members[name] {
        Value::Number(number) => json!(number.as_f64().expect("a float") + 1.0),
        Value::String(text) => json!(format!("{text}x")),
        Value::Bool(flag) => json!(!flag),
        Value::Null => json!("x"),
        _ => Value::Null,
    };
    members[name] = changed;
    path + name
}

/// Moves the window of a payload back by ten days.
fn move_the_window(payload: &mut Value) {
    let period = if payload.get("nova_object.data").is_some() {
        &mut payload["nova_object.data"]["audit_period"]["nova_object.data"]
    } else {
        payload
    };
    for bound in ["audit_period_beginning", "audit_period_ending"] {
        let moved = time::parse(period[bound].as_str().expect("a bound")).expect("a timestamp");
        let moved = moved - chrono::TimeDelta::days(10);
        period[bound] = time::isoformat(moved).into();
    }
}

fn injure(cell: &Cell, random: &mut Random, number: usize) -> Injury {
    let mut cell = cell.clone();
    let uuids: Vec<String> = cell.notifications.keys().cloned().collect();
    let uuid = uuids[random.below(uuids.len())].clone();
    let messages = cell.notifications.get_mut(&uuid).expect("an instance with notifications");
    let index = random.below(messages.len());
    let event_type = messages[index]["event_type"].as_str().expect("an event type").to_owned();
    let id = format!("00000000-0000-4000-8000-{number:012x}");
    let expected = match random.below(5) {
        0 => {
            messages.remove(index);
            vec![(uuid, "missing", event_type, None)]
        }
        1 => {
            let mut copy = messages[index].clone();
            copy["message_id"] = id.into();
            messages.insert(0, copy);
            vec![(uuid, "doubled", event_type, None)]
        }
        2 => {
            let field = change_a_field(&mut messages[index]["payload"], random);
            vec![(uuid, "different", event_type, Some(field))]
        }
        3 => {
            move_the_window(&mut messages[index]["payload"]);
            vec![(uuid.clone(), "missing", event_type.clone(), None), (uuid, "other_window", event_type, None)]
        }
        _ => {
            let unknown = messages[index].to_string().replace(&uuid, &id);
            let unknown: Value = serde_json::from_str(&unknown).expect("a notification");
            cell.notifications.insert(id.clone(), vec![unknown]);
            vec![(id, "unexpected", event_type, None)]
        }
    };
    Injury { cell, expected }
}

fn finds_every_injury(mut face: Box<dyn Face>) {
    let mut random = Random(11);
    let cells = CELLS.map(Cell::load);
    for (name, cell) in CELLS.iter().zip(&cells) {
        let found = verdicts(&cell.reconcile(face.as_mut()));
        let emitted: usize = cell.notifications.values().map(Vec::len).sum();
        println!("{} {name}: {found:?}", face.name());
        assert_eq!(found, BTreeMap::from([("equal".to_owned(), emitted)]), "{name}");
        assert!(emitted > 30);
    }
    let mut kinds = Verdicts::new();
    for number in 0..INJURIES {
        let cell = &cells[random.below(cells.len())];
        let injury = injure(cell, &mut random, number);
        let reconciliations = injury.cell.reconcile(face.as_mut());
        let mut found = Vec::new();
        for (uuid, finding) in findings(&reconciliations).filter(|(_, finding)| finding["verdict"] != "equal") {
            let text = |value: &Value| value.as_str().expect("a string").to_owned();
            let fields: Vec<String> =
                finding["fields"].as_array().expect("fields").iter().map(|field| text(&field["field"])).collect();
            found.push((text(uuid), text(&finding["verdict"]), text(&finding["event_type"]), fields));
        }
        let expected = injury.expected.into_iter().map(|(uuid, verdict, event_type, field)| {
            *kinds.entry(verdict.to_owned()).or_default() += 1;
            (uuid, verdict.to_owned(), event_type, field.into_iter().collect::<Vec<_>>())
        });
        let expected: Vec<_> = expected.collect();
        assert_eq!(found, expected, "injury {number}");
    }
    println!("{}: {INJURIES} injuries, found {kinds:?}", face.name());
    assert_eq!(kinds.len(), 5);
}

#[test]
fn native_finds_every_injury() {
    finds_every_injury(Box::new(NativeFace::default()));
}

#[test]
fn component_finds_every_injury() {
    let built = || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("component").join("nova-compute-utils.wasm");
    let path = std::env::var_os("NOVA_COMPUTE_UTILS_COMPONENT").map_or_else(built, PathBuf::from);
    finds_every_injury(Box::new(ComponentFace::load(&path).expect("run `cargo xtask build` first")));
}
