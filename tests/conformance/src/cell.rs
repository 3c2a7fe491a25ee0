//! Nova's tables in a SQLite file, and the reference host's conductor on them.

use std::fs::File;
use std::io;
use std::path::Path;

use anyhow::{Context as _, Result};
use nova_compute_utils::host::WindowQuery;
use nova_compute_utils::time;
use nova_compute_utils_wasmtime::conductor::{self, Host as _};
use nova_compute_utils_wasmtime::{Clock, SqlConductor};
use sqlx::{AssertSqlSafe, SqlitePool};
use tempfile::TempDir;

use crate::faces::{Answer, Failure};
use crate::json;

/// A cell database of its own, without a single instance.
pub(crate) struct Cell {
    conductor: SqlConductor,
    pool: SqlitePool,
    _directory: TempDir,
}

impl Cell {
    /// Unpack a real one and empty it.
    pub(crate) async fn open() -> Result<Self> {
        let directory = TempDir::new()?;
        let path = directory.path().join("nova.sqlite");
        let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cells/hour15/nova-cell.sqlite.xz");
        let packed = File::open(&packed).with_context(|| packed.display().to_string())?;
        io::copy(&mut liblzma::read::XzDecoder::new(packed), &mut File::create(&path)?)?;
        let url = format!("sqlite:{}", path.display());
        let conductor = SqlConductor::open(&url, Clock::System).await?;
        Ok(Self { conductor, pool: SqlitePool::connect(&url).await?, _directory: directory })
    }

    /// The UUIDs of those of the instances that are in a window, asked for page by page.
    pub(crate) async fn active_by_window(
        &mut self,
        instances: &[String],
        query: WindowQuery<'_>,
    ) -> Result<Answer<Vec<String>>> {
        let inserts: Vec<String> = instances.iter().map(|instance| insert(instance)).collect::<Result<_>>()?;
        let sql = format!("PRAGMA foreign_keys = OFF; DELETE FROM instances; {}", inserts.concat());
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&self.pool).await?;
        let query = conductor::WindowQuery {
            begin: time::isoformat(query.begin),
            end: query.end.map(time::isoformat),
            project_id: query.project_id.map(str::to_owned),
            host: query.host.map(str::to_owned),
        };
        let (mut uuids, mut marker) = (Vec::new(), None);
        loop {
            let page = match self.conductor.instance_get_active_by_window(query.clone(), marker, 2).await {
                Ok(page) => page,
                Err(error) => return Ok(Err(Failure { code: error.code, message: error.message })),
            };
            for instance in &page.instances {
                let instance = json::object(instance).context("an instance is no object")?;
                let uuid = instance.get("uuid").and_then(|uuid| json::text(uuid.get()));
                uuids.push(uuid.context("an instance has no UUID")?);
            }
            marker = page.next_marker;
            if marker.is_none() {
                return Ok(Ok(uuids));
            }
        }
    }
}

fn insert(instance: &str) -> Result<String> {
    let columns = json::object(instance).context("an instance is no object")?;
    let names: Vec<&str> = columns.keys().map(AsRef::as_ref).collect();
    let values: Vec<String> = columns.values().map(|value| literal(value.get())).collect();
    Ok(format!("INSERT INTO instances ({}) VALUES ({});", names.join(", "), values.join(", ")))
}

/// A value as SQL. Nova writes a moment with a blank in the middle, and no other text of the vectors has that form.
fn literal(value: &str) -> String {
    match json::text(value) {
        Some(text) => {
            let text = time::parse(&text).map_or(text, |moment| time::isoformat(moment).replace('T', " "));
            format!("'{}'", text.replace('\'', "''"))
        }
        None => value.to_owned(),
    }
}
