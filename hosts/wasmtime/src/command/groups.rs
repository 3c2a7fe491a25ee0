//! The notifications and the document of each instance together, by an external sort: the memory does not depend on the
//! number of notifications, but on those of one instance.

use std::borrow::Cow;
use std::convert::Infallible;
use std::env;
use std::fs::File;

use chrono::NaiveDateTime;
use grenad::{CompressionType, MergeFunction, MergerIter, Sorter};

use super::Failure;

/// The size of the sorted runs, in bytes.
const RUN: usize = 128 << 20;

/// The number of runs that are merged at once. Each is an open file.
const RUNS: usize = 200;

/// What belongs to one instance.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Group {
    pub instance_uuid: String,
    /// The document of the database.
    pub instance: Option<String>,
    /// The notifications, as received, ordered by their timestamps.
    pub notifications: Vec<String>,
}

impl Group {
    /// Returns the number of entries.
    pub fn len(&self) -> u64 {
        let entries = self.notifications.len() + usize::from(self.instance.is_some());
        u64::try_from(entries).unwrap_or(u64::MAX)
    }
}

/// Collects instances and notifications in any order.
pub struct Grouping {
    sorter: Sorter<Unique>,
    /// The number of entries.
    len: u64,
}

impl Default for Grouping {
    fn default() -> Self {
        Self::with_run_size(RUN)
    }
}

impl Grouping {
    fn with_run_size(bytes: usize) -> Self {
        let mut builder = Sorter::builder(Unique);
        builder.dump_threshold(bytes).allow_realloc(false).max_nb_chunks(RUNS).index_levels(2);
        builder.chunk_compression_type(CompressionType::Snappy);
        Self { sorter: builder.build(), len: 0 }
    }

    pub fn add_instance(&mut self, instance_uuid: &str, document: &str) -> Result<(), Failure> {
        self.add(instance_uuid, INSTANCE, 0, document)
    }

    pub fn add_notification(
        &mut self,
        instance_uuid: &str,
        timestamp: Option<NaiveDateTime>,
        text: &str,
    ) -> Result<(), Failure> {
        let timestamp = timestamp.map_or(i64::MIN, |timestamp| timestamp.and_utc().timestamp_micros());
        self.add(instance_uuid, NOTIFICATION, timestamp, text)
    }

    fn add(&mut self, instance_uuid: &str, kind: u8, timestamp: i64, text: &str) -> Result<(), Failure> {
        let length = u32::try_from(instance_uuid.len()).unwrap_or(u32::MAX);
        // Unsigned numbers have the order of their bytes.
        let timestamp = timestamp.cast_unsigned() ^ 1 << 63;
        let position = [&[kind][..], &timestamp.to_be_bytes(), &self.len.to_be_bytes()].concat();
        let key = [&length.to_be_bytes(), instance_uuid.as_bytes(), &position].concat();
        self.len += 1;
        self.sorter.insert(key, text).map_err(failed)
    }

    /// Returns the number of instances and notifications.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Returns the groups, ordered by the UUID.
    pub fn finish(self) -> Result<Groups, Failure> {
        Ok(Groups { entries: self.sorter.into_stream_merger_iter().map_err(failed)?, begun: None })
    }
}

/// The kinds of entries, in the order in which a group has them.
const INSTANCE: u8 = 0;
const NOTIFICATION: u8 = 1;

/// The lengths of the parts of a key before and after the UUID: its length; the kind, the timestamp and the number of
/// the entry.
const BEFORE_UUID: usize = 4;
const AFTER_UUID: usize = 17;

/// The groups of a [`Grouping`].
pub struct Groups {
    entries: MergerIter<File, Unique>,
    /// The group of the last entry that was read.
    begun: Option<Group>,
}

impl Groups {
    pub fn next(&mut self) -> Result<Option<Group>, Failure> {
        while let Some((key, text)) = self.entries.next().map_err(failed)? {
            let text = String::from_utf8_lossy(text).into_owned();
            let (before, after) = key.split_at(key.len().saturating_sub(AFTER_UUID));
            let instance_uuid = String::from_utf8_lossy(before.get(BEFORE_UUID..).unwrap_or_default());
            let finished = match &mut self.begun {
                Some(group) if group.instance_uuid == instance_uuid => None,
                begun => begun.replace(Group { instance_uuid: instance_uuid.into_owned(), ..Group::default() }),
            };
            if let Some(group) = &mut self.begun {
                match after.first() {
                    Some(&INSTANCE) => group.instance = Some(text),
                    _ => group.notifications.push(text),
                }
            }
            if finished.is_some() {
                return Ok(finished);
            }
        }
        Ok(self.begun.take())
    }
}

/// The merge of the sort. Keys are unique, so it never gets more than one value.
struct Unique;

impl MergeFunction for Unique {
    type Error = Infallible;

    fn merge<'a>(&self, _: &[u8], values: &[Cow<'a, [u8]>]) -> Result<Cow<'a, [u8]>, Infallible> {
        Ok(values.first().cloned().unwrap_or_default())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn failed(error: grenad::Error) -> Failure {
    let directory = env::temp_dir();
    let directory = directory.display();
    Failure::HostFailed(format!("cannot sort the notifications in `{directory}`, which `TMPDIR` replaces: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(grouping: Grouping) -> Vec<Group> {
        let mut groups = grouping.finish().expect("groups");
        let mut found = Vec::new();
        while let Some(group) = groups.next().expect("a group") {
            found.push(group);
        }
        found
    }

    fn at(seconds: i64) -> Option<NaiveDateTime> {
        chrono::DateTime::from_timestamp(seconds, 0).map(|time| time.naive_utc())
    }

    #[test]
    fn groups_by_instance_and_orders_by_timestamp() {
        let mut grouping = Grouping::default();
        for (uuid, timestamp, text) in
            [("b", at(2), "b2"), ("a", at(-1), "a0"), ("b", at(1), "b1"), ("b", None, "b0"), ("b", at(2), "b3")]
        {
            grouping.add_notification(uuid, timestamp, text).expect("an entry");
        }
        grouping.add_instance("b", "{}").expect("an entry");
        grouping.add_instance("c", "{}").expect("an entry");
        // Names in which one begins with another and the bytes of a key.
        grouping.add_notification("a\0\u{1}", at(1), "other").expect("an entry");
        assert_eq!(grouping.len(), 8);
        let group = |uuid: &str, instance: Option<&str>, notifications: &[&str]| Group {
            instance_uuid: uuid.into(),
            instance: instance.map(Into::into),
            notifications: notifications.iter().map(ToString::to_string).collect(),
        };
        let expected = [
            group("a", None, &["a0"]),
            group("b", Some("{}"), &["b0", "b1", "b2", "b3"]),
            group("c", Some("{}"), &[]),
            group("a\0\u{1}", None, &["other"]),
        ];
        assert_eq!(groups(grouping), expected);
        assert!(groups(Grouping::default()).is_empty());
    }

    #[test]
    fn spills_to_files_and_merges_them() {
        // The smallest run of the library has 10 MiB; these entries need four.
        let mut grouping = Grouping::with_run_size(0);
        let filling = "x".repeat(4_000);
        for number in 0..10_000 {
            let uuid = format!("{:04}", number * 7 % 1_000);
            grouping.add_notification(&uuid, at(number), &format!("{number} {filling}")).expect("an entry");
        }
        let groups = groups(grouping);
        assert_eq!(groups.len(), 1_000);
        for (group, uuid) in groups.iter().zip(0..) {
            assert_eq!(group.instance_uuid, format!("{uuid:04}"));
            let numbers = group.notifications.iter().map(|text| text.split_once(' ').expect("a number").0);
            let numbers: Vec<i64> = numbers.map(|number| number.parse().expect("a number")).collect();
            assert_eq!(numbers.len(), 10);
            assert!(numbers.is_sorted() && numbers.iter().all(|number| number * 7 % 1_000 == uuid), "{numbers:?}");
        }
    }
}
