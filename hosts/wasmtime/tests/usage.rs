//! `nova-usage-audit usage`: the hours of a window.

mod common;

use std::process::Command;

use common::audits::{outcome, program_without_component};
use common::{Cell, read_json};
use nova_compute_utils::instance::Instance;
use nova_compute_utils::period::{Window, last_completed_audit_period};
use nova_compute_utils::tenant_usage::{UsageGroup, UsageKey, tenant_usages_for_period, usages_by};
use nova_compute_utils::{Release, time};
use serde_json::{Value, json};

const CELLS: [&str; 3] = ["month", "day6", "hour15"];

const KEYS: [(&str, UsageKey); 4] = [
    ("project", UsageKey::Project),
    ("flavor", UsageKey::Flavor),
    ("host", UsageKey::Host),
    ("zone", UsageKey::AvailabilityZone),
];

fn usage(cell: &Cell, options: &str) -> Command {
    let mut command = program_without_component(cell, "usage");
    command.args(options.split_whitespace());
    command
}

/// Returns every document of a cell, as the conductor reads it.
fn documents(cell: &Cell) -> Vec<String> {
    let packed = std::fs::File::open(cell.golden("documents.ndjson.xz")).expect("documents");
    let text = std::io::read_to_string(liblzma::read::XzDecoder::new(packed)).expect("documents");
    text.lines().map(ToOwned::to_owned).collect()
}

/// Returns the window of a cell.
fn window(cell: &Cell) -> Window {
    let settings = read_json(&cell.golden("cell.json"));
    let setting = |name: &str| settings[name].as_str().expect("a setting");
    let now = time::parse(setting("now")).expect("a timestamp");
    last_completed_audit_period(Release::Hibiscus, setting("instance_usage_audit_period"), None, now).expect("a window")
}

/// Returns a row of CSV. The names of the cells need no quotes.
fn row(group: UsageGroup) -> String {
    let UsageGroup { key, servers, hours, vcpus_hours, memory_mb_hours, local_gb_hours } = group;
    let key = key.unwrap_or_default();
    format!("{key},{servers},{hours},{vcpus_hours},{memory_mb_hours},{local_gb_hours}")
}

#[test]
fn sums_up_what_the_library_sums_up() {
    for name in CELLS {
        let cell = Cell::unpack(name);
        let (documents, window) = (documents(&cell), window(&cell));
        let instances: Vec<Instance<'_>> =
            documents.iter().map(|document| Instance::parse(document).expect("an instance")).collect();
        for (by, key) in KEYS {
            let result = outcome(&mut usage(&cell, &format!("--by {by} --format csv")));
            result.expect(0, &[]);
            let rows: Vec<&str> = result.stdout.lines().skip(1).collect();
            let groups = usages_by(&instances, window, key).expect("usage");
            assert!(!groups.is_empty());
            let keys: Vec<_> = groups.iter().map(|group| json!(group.key)).collect();
            assert_eq!(rows, groups.into_iter().map(row).collect::<Vec<_>>(), "{name}, {by}");

            let result = outcome(&mut usage(&cell, &format!("--by {by} --format json")));
            result.expect(0, &[]);
            let usage: Value = serde_json::from_str(&result.stdout).expect("JSON");
            let listed: Vec<_> =
                usage["groups"].as_array().expect("groups").iter().map(|group| group["key"].clone()).collect();
            assert_eq!(listed, keys);
            assert_eq!((&usage["by"], &usage["errors"]), (&json!(by), &json!(0)));
            assert_eq!(usage["window"]["begin"], time::isoformat(window.begin));
        }
    }
}

#[test]
fn agrees_with_the_usage_of_novas_api() {
    for name in CELLS {
        let cell = Cell::unpack(name);
        let (documents, window) = (documents(&cell), window(&cell));
        let instances: Vec<Instance<'_>> =
            documents.iter().map(|document| Instance::parse(document).expect("an instance")).collect();
        let active: Vec<_> =
            instances.into_iter().filter(|instance| instance.is_active_in(window).expect("a lifetime")).collect();
        let api = tenant_usages_for_period(&active, window, window.end, false).expect("usage");
        let result = outcome(&mut usage(&cell, "--format json"));
        let usage: Value = serde_json::from_str(&result.stdout).expect("JSON");
        let groups = usage["groups"].as_array().expect("groups");
        assert_eq!(groups.len(), api.len());
        for group in groups {
            let project = api.iter().find(|usage| group["key"] == json!(usage.tenant_id)).expect("a project");
            let pairs = [
                ("hours", project.total_hours),
                ("vcpus_hours", project.total_vcpus_usage),
                ("memory_mb_hours", project.total_memory_mb_usage),
                ("local_gb_hours", project.total_local_gb_usage),
            ];
            for (member, expected) in pairs {
                // The API adds floats, whose last digits depend on the order.
                let found = group[member].as_f64().expect("a number");
                assert!((found - expected).abs() <= expected.abs() * 1e-12, "{name}: {member} {found} {expected}");
            }
        }
    }
}

#[test]
fn prints_a_table_and_csv() {
    let cell = Cell::unpack("month");
    let result = outcome(&mut usage(&cell, "--by host"));
    result.expect(0, &[]);
    let mut lines = result.stdout.lines();
    let expected = "Usage of 2026-10-01 00:00:00 .. 2026-11-01 00:00:00; hours count existence, not running time";
    assert_eq!(lines.next(), Some(expected));
    let header = lines.next().expect("a header");
    let names: Vec<&str> = header.trim_matches('|').split('|').map(str::trim).collect();
    assert_eq!(names, ["host", "servers", "hours", "vcpus_hours", "memory_mb_hours", "local_gb_hours"]);
    let total = lines.last().expect("a row");
    assert!(total.starts_with("| total  | 50 "), "{total}");

    let result = outcome(&mut usage(&cell, "--by host --format csv"));
    result.expect(0, &[]);
    let lines: Vec<&str> = result.stdout.lines().collect();
    assert_eq!(lines[0], names.join(","));
    assert!(lines[1].starts_with("cmp-01,14,"), "{}", lines[1]);
    assert_eq!(lines.len(), 5);
}

#[test]
fn takes_the_bounds_of_a_window() {
    let cell = Cell::unpack("month");
    let of_month = outcome(&mut usage(&cell, "--format csv"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_nova-usage-audit"));
    command.args("usage --database sqlite:nova.sqlite --format csv --begin 2026-10-01 --end 2026-11-01".split(' '));
    assert_eq!(outcome(command.current_dir(cell.directory.path())).stdout, of_month.stdout);
    let mut command = Command::new(env!("CARGO_BIN_EXE_nova-usage-audit"));
    command.args("usage --database sqlite:nova.sqlite --begin 2026-10-01".split(' '));
    outcome(&mut command).expect(2, &["--end"]);
    for (options, expected) in
        [("--begin 2026-10-01 --end 2026-10-01", "`--period"), ("--by server", "`server`"), ("--format xml", "`xml`")]
    {
        let result = outcome(&mut usage(&cell, options));
        result.expect(2, &[expected]);
        assert_eq!(result.stderr.lines().count(), 1, "{}", result.stderr);
    }
}

#[tokio::test]
async fn reports_instances_that_cannot_be_read_and_sums_up_the_others() {
    let cell = Cell::unpack("hour15");
    let all: Value = serde_json::from_str(&outcome(&mut usage(&cell, "--format json")).stdout).expect("JSON");
    let servers = |usage: &Value| -> u64 {
        let groups = usage["groups"].as_array().expect("groups");
        groups.iter().map(|group| group["servers"].as_u64().expect("a count")).sum()
    };
    let uuid = "a7414f01-010c-4b51-abda-5a4f998d1525";
    for column in ["x'00ff'", "substr(flavor, 1, 40)"] {
        let cell = cell.copy();
        cell.execute(&format!("UPDATE instance_extra SET flavor = {column} WHERE instance_uuid = '{uuid}'")).await;
        let result = outcome(&mut usage(&cell, "--format json"));
        result.expect(1, &[&format!("error: instance `{uuid}`: ")]);
        let usage: Value = serde_json::from_str(&result.stdout).expect("JSON");
        assert_eq!((servers(&usage) + 1, &usage["errors"]), (servers(&all), &json!(1)));
    }
}

#[tokio::test]
async fn escapes_names_and_keeps_formulas_out_of_spreadsheets() {
    let cell = Cell::unpack("hour15");
    cell.execute("UPDATE instances SET host = char(27) || '[2J' WHERE host = 'cmp-01'").await;
    cell.execute("UPDATE instances SET host = '=HYPERLINK(1,2)' WHERE host = 'cmp-02'").await;
    let table = outcome(&mut usage(&cell, "--by host")).stdout;
    assert!(table.contains(r"| \u001b[2J ") && !table.contains('\u{1b}'), "{table}");
    let csv = outcome(&mut usage(&cell, "--by host --format csv")).stdout;
    assert!(csv.contains("\n\"'=HYPERLINK(1,2)\","), "{csv}");
}
