//! Helpers that the tests share: unpacked real Nova cells, and the built component.
#![allow(dead_code, reason = "each test uses some of it")]

pub mod audits;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use nova_compute_utils_wasmtime::{Clock, SqlConductor};
use serde_json::Value;
use sqlx::SqlitePool;
use tempfile::TempDir;

pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub fn component_path() -> PathBuf {
    let built = || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("component").join("nova-compute-utils.wasm");
    let path = std::env::var_os("NOVA_COMPUTE_UTILS_COMPONENT").map_or_else(built, PathBuf::from);
    assert!(path.is_file(), "no component at {}: build it with `cargo xtask build`", path.display());
    path
}

pub fn read_json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Reads the vectors of a function in one release.
pub fn vectors(release: &str, function: &str) -> Vec<Value> {
    let file = read_json(&workspace().join(format!("tests/vectors/{release}/{function}.json")));
    let Value::Array(cases) = file["cases"].clone() else { panic!("no cases") };
    cases
}

/// A copy of a cell database in a new directory.
pub struct Cell {
    pub name: &'static str,
    pub directory: TempDir,
}

impl Cell {
    pub fn unpack(name: &'static str) -> Self {
        let cell = Self { name, directory: TempDir::new().expect("a temporary directory") };
        let packed = File::open(cell.golden("nova-cell.sqlite.xz")).expect("the packed database");
        let mut database = File::create(cell.path()).expect("a database file");
        io::copy(&mut liblzma::read::XzDecoder::new(packed), &mut database).expect("unpacking");
        cell
    }

    /// Copies the database into a new directory.
    pub fn copy(&self) -> Self {
        let cell = Self { name: self.name, directory: TempDir::new().expect("a temporary directory") };
        fs::copy(self.path(), cell.path()).expect("a copied database");
        cell
    }

    /// Returns the path of a file in the directory of the database.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Unpacks a cell and empties its tables.
    pub async fn empty() -> Self {
        let cell = Self::unpack("hour15");
        for table in [
            "instances",
            "instance_extra",
            "instance_info_caches",
            "instance_metadata",
            "instance_system_metadata",
            "task_log",
            "bw_usage_cache",
        ] {
            cell.execute(&format!("DELETE FROM {table}")).await;
        }
        cell
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().join("nova.sqlite")
    }

    pub fn url(&self) -> String {
        format!("sqlite:{}", self.path().display())
    }

    /// Returns the path of a file in the cell's folder.
    pub fn golden(&self, file: &str) -> PathBuf {
        workspace().join("tests/cells").join(self.name).join(file)
    }

    pub async fn conductor(&self, clock: Clock) -> SqlConductor {
        SqlConductor::open(&self.url(), clock).await.expect("Nova's tables")
    }

    /// Opens connections to the database beside those of the conductor.
    pub async fn pool(&self) -> SqlitePool {
        SqlitePool::connect(&self.url()).await.expect("a database")
    }

    pub async fn execute(&self, sql: &str) {
        let pool = self.pool().await;
        // Rows that refer to others can be inserted and deleted in any order.
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!("PRAGMA foreign_keys = OFF; {sql}")))
            .execute(&pool)
            .await
            .expect(sql);
        pool.close().await;
    }
}

/// Returns SQL that gives an instance a volume, a deleted volume and a share.
pub fn volumes_and_a_share(uuid: &str) -> String {
    let device = |volume: &str, deleted: u8| {
        format!(
            "INSERT INTO block_device_mapping (instance_uuid, uuid, volume_id, device_name, boot_index, source_type, \
             destination_type, delete_on_termination, no_device, deleted) VALUES ('{uuid}', '{volume}', '{volume}', \
             '/dev/vda', 0, 'volume', 'volume', 1, 0, {deleted});"
        )
    };
    let share = format!(
        "INSERT INTO share_mapping (instance_uuid, uuid, share_id, status, tag, export_location, share_proto) \
         VALUES ('{uuid}', 'mapping-1', 'share-1', 'active', 'tag-1', '10.0.0.1:/share', 'NFS')"
    );
    device("volume-0", 1) + &device("volume-1", 0) + &share
}
