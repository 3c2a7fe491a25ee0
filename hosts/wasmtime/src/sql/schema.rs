//! The tables and columns that a database has, and the releases that have added them.

use std::collections::{BTreeMap, BTreeSet};

use super::OpenError;
use super::table::Column;

/// The Nova release that the tables of a database belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// The tables contain no flavor of an instance, except in its system metadata: Nova 2013.1 to 2014.2.
    Grizzly,
    /// The table `instance_extra` contains the flavors of instances: Nova 2015.1 and later.
    Hibiscus,
}

/// The release of the columns that are not in [`ADDED`].
const OLDEST: &str = "2013.1 (Grizzly)";

const KILO: &str = "2015.1 (Kilo)";

/// The columns that Nova has added later, oldest release first. `share_mapping` is not here, because a conductor without
/// it only leaves out the shares.
const ADDED: [(&str, &str, &[&str]); 9] = [
    ("2013.2 (Havana)", "block_device_mapping", &["boot_index"]),
    ("2013.2 (Havana)", "instances", &["locked_by"]),
    ("2013.2 (Havana)", "volume_usage_cache", &["instance_uuid", "project_id", "user_id", "availability_zone"]),
    (KILO, "instance_extra", &["flavor"]),
    ("14.0.0 (Newton)", "block_device_mapping", &["tag"]),
    ("18.0.0 (Rocky)", "instance_actions_events", &["host"]),
    ("20.0.0 (Train)", "instances", &["hidden"]),
    ("21.0.0 (Ussuri)", "instance_actions_events", &["details"]),
    ("28.0.0 (2023.2 Bobcat)", "instances", &["compute_id"]),
];

/// The tables that an audit needs. The other tables may be missing from a database.
const NEEDED: [&str; 7] = [
    "instances",
    "instance_extra",
    "instance_info_caches",
    "instance_metadata",
    "instance_system_metadata",
    "services",
    "task_log",
];

/// The tables that the conductor uses, each with its columns.
pub(super) type Used = [(&'static str, Vec<&'static [Column]>)];

/// The tables of a database, each with its columns.
#[derive(Debug, Default)]
pub(super) struct Tables(BTreeMap<String, BTreeSet<String>>);

impl Tables {
    pub(super) fn new(columns: Vec<(String, String)>) -> Self {
        let mut tables = Self::default();
        for (table, column) in columns {
            tables.0.entry(table).or_default().insert(column);
        }
        tables
    }

    pub(super) fn has_table(&self, table: &str) -> bool {
        self.0.contains_key(table)
    }

    pub(super) fn has(&self, table: &str, column: &str) -> bool {
        self.0.get(table).is_some_and(|columns| columns.contains(column))
    }

    pub(super) fn schema(&self) -> Schema {
        if self.has("instance_extra", "flavor") { Schema::Hibiscus } else { Schema::Grizzly }
    }

    /// Checks that only columns are missing that Nova has added after the release of this database. The newest column
    /// of [`ADDED`] that the database has shows its release.
    pub(super) fn check(&self, database: &str, used: &Used) -> Result<(), OpenError> {
        let is_here = |(_, table, columns): &(_, &str, &[&str])| columns.iter().any(|name| self.has(table, name));
        let position = |since: &str| ADDED.iter().position(|(release, ..)| *release == since);
        // `None`, which is less than any position, for the columns of 2013.1.
        let newest = ADDED.iter().rev().find(|added| is_here(added)).and_then(|(since, ..)| position(since));
        let may_lack = |since: &str| position(since).is_some_and(|added| Some(added) >= newest);
        for table in NEEDED.into_iter().filter(|table| !self.has_table(table)) {
            if table != "instance_extra" || !may_lack(KILO) {
                return Err(OpenError::MissingTable { database: database.to_owned(), table });
            }
        }
        for (table, columns) in used.iter().filter(|(table, _)| self.has_table(table)) {
            for Column { name, .. } in columns.iter().copied().flatten().filter(|column| !self.has(table, column.name))
            {
                let added = ADDED.iter().find(|(_, added, columns)| added == table && columns.contains(name));
                let releases = added.map_or(OLDEST, |(since, ..)| since);
                if !may_lack(releases) {
                    let database = database.to_owned();
                    return Err(OpenError::MissingColumn { database, table, column: name, releases });
                }
            }
        }
        Ok(())
    }
}
