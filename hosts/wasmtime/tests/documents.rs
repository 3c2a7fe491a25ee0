//! The documents of the real Nova cells, with block devices and shares. `hosts/sql` must return the same ones, so they
//! are recorded in `tests/cells`. `UPDATE_DOCUMENTS=1` records them.

mod common;

use std::fs::{self, File};
use std::io::{Read as _, Write as _};

use common::Cell;
use nova_compute_utils_wasmtime::Clock;
use nova_compute_utils_wasmtime::conductor::{Context, Host as _, WindowQuery};
use serde_json::Value;

/// Returns the documents of all instances of a cell, in the order of their pages.
async fn documents(cell: &Cell) -> Vec<Value> {
    let mut conductor = cell.conductor(Clock::System).await.with_block_devices(true).with_shares(true);
    // Every instance was terminated after this, if ever; the query has no end.
    let query = WindowQuery { begin: "1970-01-01T00:00:00".into(), end: None, project_id: None, host: None };
    let (mut documents, mut marker) = (Vec::new(), None);
    loop {
        let page = conductor.instance_get_active_by_window(Context::default(), query.clone(), marker, 7).await;
        let page = page.expect("a page");
        assert!(page.unreadable.is_empty());
        documents.extend(lines(&page.instances.join("\n")));
        marker = page.next_marker;
        if marker.is_none() {
            return documents;
        }
    }
}

/// Parses one JSON text per line.
fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test]
async fn the_documents_of_the_cells_are_the_recorded_ones() {
    for name in ["month", "day6", "hour15"] {
        let cell = Cell::unpack(name);
        let found = documents(&cell).await;
        let path = cell.golden("documents.ndjson.xz");
        if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
            let mut file = liblzma::write::XzEncoder::new(Vec::new(), 9);
            for document in &found {
                writeln!(file, "{document}").expect("packing");
            }
            fs::write(&path, file.finish().expect("packing")).expect("the recorded documents");
        }
        let mut recorded = String::new();
        let packed = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        liblzma::read::XzDecoder::new(packed).read_to_string(&mut recorded).expect("unpacking");
        assert_eq!(found, lines(&recorded), "{name}");
    }
}
