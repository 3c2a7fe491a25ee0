//! The usage of volumes: reads and writes, in requests and bytes.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;

use crate::context::{Config, Context};
use crate::document::{Json, Object, ObjectWriter};
use crate::error::Error;
use crate::host::{Clock, Notification, Notifier, Priority, Random, message_id, notify};
use crate::instance::timestamp;
use crate::release::Release;
use crate::time;
use crate::usage::envelope;

/// A row of the table `volume_usage_cache`: a document whose fields have the names of Nova's columns.
///
/// Each counter has two parts: `tot_reads`, `tot_read_bytes`, `tot_writes` and `tot_write_bytes` count the finished
/// attachments, `curr_reads` and so on the current one. `tot_last_refreshed` and `curr_last_refreshed` are the
/// timestamps at which they were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VolumeUsage<'a> {
    columns: Object<'a>,
    times_are_text: bool,
}

impl<'a> VolumeUsage<'a> {
    /// Parses a row. Fails with `ValueError` when the text is not JSON, and with `TypeError` when it is not an object.
    pub fn parse(json: &'a str) -> Result<Self, Error> {
        Ok(Self { columns: Object::parse(json)?, times_are_text: false })
    }

    /// Sets whether the timestamps are strings from the conductor of `grizzly`; the payload copies the greater one
    /// unchanged. `grizzly` only.
    #[must_use]
    pub fn with_times_as_text(self, times_are_text: bool) -> Self {
        Self { times_are_text, ..self }
    }
}

/// Returns the payload of the unversioned notification `volume.usage` as JSON. Nova: `usage_volume_info` in `grizzly`,
/// `VolumeUsage.to_dict` in `hibiscus`.
///
/// An absent column fails with `KeyError` in `grizzly` and `NotImplementedError` in `hibiscus`, a null counter with
/// `TypeError` in `grizzly` and `ValueError` in `hibiscus`. A null volume id fails with `ValueError` in `hibiscus`. A sum
/// can exceed 64 bits.
///
/// ```
/// use nova_compute_utils::Release;
/// use nova_compute_utils::volume::{VolumeUsage, usage_volume_info};
///
/// let row = VolumeUsage::parse(r#"{"volume_id": "v", "instance_uuid": "i", "project_id": "p", "user_id": "u",
///     "availability_zone": null, "tot_last_refreshed": null, "curr_last_refreshed": "2026-11-01T00:17:03",
///     "tot_reads": 9223372036854775807, "tot_read_bytes": 0, "tot_writes": 0, "tot_write_bytes": 0,
///     "curr_reads": 9223372036854775807, "curr_read_bytes": 4096, "curr_writes": 0, "curr_write_bytes": 0}"#)?;
/// assert_eq!(usage_volume_info(Release::Grizzly, &row)?, concat!(
///     r#"{"volume_id":"v","tenant_id":"p","user_id":"u","availability_zone":null,"instance_id":"i","#,
///     r#""last_refreshed":"2026-11-01 00:17:03","reads":18446744073709551614,"read_bytes":4096,"#,
///     r#""writes":0,"write_bytes":0}"#,
/// ));
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn usage_volume_info(release: Release, vol_usage: &VolumeUsage<'_>) -> Result<String, Error> {
    let row = Row { release, vol_usage };
    row.check_nulls()?;
    let mut info = ObjectWriter::new();
    for (key, column) in [
        ("volume_id", "volume_id"),
        ("tenant_id", "project_id"),
        ("user_id", "user_id"),
        ("availability_zone", "availability_zone"),
        ("instance_id", "instance_uuid"),
    ] {
        info.value(key, row.column(column)?.as_str());
    }
    info.text("last_refreshed", &row.last_refreshed_text()?);
    for counter in COUNTERS {
        info.value(counter, &row.sum(counter)?);
    }
    Ok(info.finish())
}

/// Emits the notification `volume.usage`. Nova: `notify_about_volume_usage` in `hibiscus`.
///
/// `hibiscus` sends a versioned notification, and none when the configured format excludes those. It fails with
/// `ValueError` when a counter is null or the volume id is missing. In `grizzly`, whose conductor sends the
/// notification itself, this function sends what that conductor sends: the payload of [`usage_volume_info`].
pub async fn notify_about_volume_usage<H: Notifier + Clock + Random>(
    services: &H,
    config: &Config,
    context: &Context,
    vol_usage: &VolumeUsage<'_>,
    host: &str,
) -> Result<(), Error> {
    let Some(message) = volume_usage_message(config.release)(config, vol_usage, host)? else {
        return Ok(());
    };
    let notification = Notification {
        message_id: message_id(services),
        publisher_id: message.publisher_id,
        event_type: "volume.usage".to_owned(),
        priority: Priority::Info,
        payload: message.payload,
        timestamp: time::str_datetime(services.utcnow()),
        versioned: message.versioned,
    };
    notify(services, context, vec![notification]).await?.into_iter().collect()
}

/// The parts of a notification that differ between the releases.
struct Message {
    publisher_id: String,
    payload: String,
    versioned: bool,
}

type VolumeUsageMessage = fn(&Config, &VolumeUsage<'_>, host: &str) -> Result<Option<Message>, Error>;

fn volume_usage_message(release: Release) -> VolumeUsageMessage {
    release.choose(grizzly_message as VolumeUsageMessage, hibiscus_message)
}

fn grizzly_message(config: &Config, vol_usage: &VolumeUsage<'_>, host: &str) -> Result<Option<Message>, Error> {
    let payload = usage_volume_info(config.release, vol_usage)?;
    Ok(Some(Message { publisher_id: format!("conductor.{host}"), payload, versioned: false }))
}

fn hibiscus_message(config: &Config, vol_usage: &VolumeUsage<'_>, host: &str) -> Result<Option<Message>, Error> {
    let row = Row { release: config.release, vol_usage };
    row.check_nulls()?;
    if !config.notification_format.versioned() {
        return Ok(None);
    }
    Ok(Some(Message { publisher_id: format!("nova-compute:{host}"), payload: row.payload()?, versioned: true }))
}

const COUNTERS: [&str; 4] = ["reads", "read_bytes", "writes", "write_bytes"];

/// A row and the release that reads it.
struct Row<'a> {
    release: Release,
    vol_usage: &'a VolumeUsage<'a>,
}

impl<'a> Row<'a> {
    /// Fails when a counter is null and, in `hibiscus`, when the volume id or the number of the row is. `hibiscus`
    /// detects this while it reads the row, before Nova reports a missing column.
    fn check_nulls(&self) -> Result<(), Error> {
        let rules = self.release.rules();
        let is_counter = |name: &str| {
            let counter = name.strip_prefix("tot_").or_else(|| name.strip_prefix("curr_"));
            counter.is_some_and(|counter| COUNTERS.contains(&counter))
        };
        let is_id = |name: &str| rules.requires_volume_id && matches!(name, "volume_id" | "id");
        let mut nulls = self.vol_usage.columns.iter().filter(|(_, value)| value.is_null());
        let null = nulls.find(|(name, _)| is_counter(name) || is_id(name));
        null.map_or(Ok(()), |(name, _)| Err((rules.null_counter)(name)))
    }

    fn column(&self, name: &str) -> Result<Json<'a>, Error> {
        self.vol_usage.columns.get(name).ok_or_else(|| (self.release.rules().missing_column)(name))
    }

    fn sum(&self, counter: &str) -> Result<String, Error> {
        let part = |name: &str| {
            let value = self.column(name)?;
            let not_a_number = || Error::type_error(format!("`{name}` is {}: give a whole number", value.as_str()));
            value.integer().ok_or_else(not_a_number)
        };
        let (total, current) = (part(&format!("tot_{counter}"))?, part(&format!("curr_{counter}"))?);
        let sum = total.checked_add(current);
        sum.map(|sum| sum.to_string()).ok_or_else(|| Error::overflow(format!("the sum of `{counter}` is too large")))
    }

    fn last_refreshed_text(&self) -> Result<String, Error> {
        let (total, current) = (self.column("tot_last_refreshed")?, self.column("curr_last_refreshed")?);
        if self.vol_usage.times_are_text && self.release.rules().has_times_as_text {
            return Ok(total.text()?.max(current.text()?).unwrap_or_default().into_owned());
        }
        let total = timestamp("tot_last_refreshed", non_empty(total))?;
        let last = total.max(timestamp("curr_last_refreshed", non_empty(current))?);
        Ok(last.map_or_else(String::new, self.release.rules().str_datetime))
    }

    /// Returns Nova's `VolumeUsagePayload` 1.0. An absent column counts as null.
    fn payload(&self) -> Result<String, Error> {
        let column = |name: &str| self.vol_usage.columns.get(name).unwrap_or(Json::NULL);
        let time = |name: &str| timestamp(name, non_empty(column(name)));
        let mut data = ObjectWriter::new();
        if column("volume_id").is_null() {
            return Err((self.release.rules().null_counter)("volume_id"));
        }
        for name in ["volume_id", "project_id", "user_id", "availability_zone", "instance_uuid"] {
            data.value(name, column(name).as_str());
        }
        // When one of the two columns is absent, Nova reports none of them.
        let last = time("tot_last_refreshed")?.max(time("curr_last_refreshed")?);
        let has = |name: &str| self.vol_usage.columns.get(name).is_some();
        let last = last.filter(|_| has("tot_last_refreshed") && has("curr_last_refreshed"));
        data.text_or_null("last_refreshed", last.map(time::zulu).as_deref());
        for counter in COUNTERS {
            if column(&format!("tot_{counter}")).is_null() || column(&format!("curr_{counter}")).is_null() {
                return Err((self.release.rules().null_counter)(counter));
            }
            data.value(counter, &self.sum(counter)?);
        }
        Ok(envelope("VolumeUsagePayload", "1.0", &data.finish()))
    }
}

/// Treats an empty string as null.
fn non_empty(field: Json<'_>) -> Option<Json<'_>> {
    Some(field).filter(|field| field.is_truthy())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::NotificationFormat;

    const ROW: &str = r#"{"volume_id": "v", "instance_uuid": null, "project_id": null, "user_id": null,
        "availability_zone": null, "tot_last_refreshed": null, "curr_last_refreshed": null, "tot_reads": 1,
        "tot_read_bytes": 1, "tot_writes": 1, "tot_write_bytes": 1, "curr_reads": 1, "curr_read_bytes": 1,
        "curr_writes": 1, "curr_write_bytes": 1}"#;

    #[test]
    fn each_release_has_its_own_errors() {
        for (row, grizzly, hibiscus) in [
            (ROW.replace("\"tot_reads\": 1", "\"tot_reads\": null"), "TypeError", "ValueError"),
            (ROW.replace("\"tot_reads\": 1", "\"reads\": 1"), "KeyError", "NotImplementedError"),
            (ROW.replace("\"volume_id\"", "\"id\""), "KeyError", "NotImplementedError"),
            (ROW.replace("\"tot_reads\": 1", "\"tot_reads\": \"many\""), "TypeError", "TypeError"),
            (
                ROW.replace("\"curr_last_refreshed\": null", "\"curr_last_refreshed\": \"x\""),
                "ValueError",
                "ValueError",
            ),
            (
                ROW.replace("\"tot_reads\": 1", &format!("\"tot_reads\": {}", i128::MAX)),
                "OverflowError",
                "OverflowError",
            ),
        ] {
            for (release, code) in [(Release::Grizzly, grizzly), (Release::Hibiscus, hibiscus)] {
                let result = usage_volume_info(release, &VolumeUsage::parse(&row).expect("a row"));
                assert_eq!(result.expect_err(&row).code(), code, "{release} {row}");
            }
        }
    }

    #[test]
    fn hibiscus_requires_the_ids_of_a_row() {
        for (row, name) in [
            (ROW.replace("\"v\"", "null"), "volume_id"),
            (ROW.replacen('{', r#"{"id": null, "#, 1), "id"),
            // The first null in the order of the row counts.
            (ROW.replace("\"v\"", "null").replace("\"tot_reads\": 1", "\"tot_reads\": null"), "volume_id"),
        ] {
            let row = VolumeUsage::parse(&row).expect("a row");
            for format in [NotificationFormat::Unversioned, NotificationFormat::Versioned] {
                let config = Config { notification_format: format, ..Config::new(Release::Hibiscus, "cmp-01") };
                let error = hibiscus_message(&config, &row, "cmp-01").err().expect("an error");
                assert_eq!((error.code(), error.message()), ("ValueError", &*format!("Field `{name}' cannot be None")));
            }
            assert!(usage_volume_info(Release::Hibiscus, &row).is_err());
        }
        let row = ROW.replace("\"v\"", "null");
        let info = usage_volume_info(Release::Grizzly, &VolumeUsage::parse(&row).expect("a row")).expect("a payload");
        assert!(info.starts_with(r#"{"volume_id":null,"#), "{info}");
    }

    #[test]
    fn grizzly_sends_the_notification_of_its_conductor() {
        let config = Config::new(Release::Grizzly, "cmp-01");
        let row = VolumeUsage::parse(ROW).expect("a row");
        let message = volume_usage_message(config.release)(&config, &row, "cond-01").expect("a result");
        let Message { publisher_id, payload, versioned } = message.expect("a message");
        assert_eq!((publisher_id.as_str(), versioned), ("conductor.cond-01", false));
        assert!(payload.contains(r#""last_refreshed":"","reads":2"#), "{payload}");
    }

    proptest! {
        #[test]
        fn sums_are_exact(total in any::<i64>(), current in any::<i64>()) {
            let row = ROW.replace("\"tot_reads\": 1", &format!("\"tot_reads\": {total}"));
            let row = row.replace("\"curr_reads\": 1", &format!("\"curr_reads\": {current}"));
            let info = usage_volume_info(Release::Hibiscus, &VolumeUsage::parse(&row).expect("a row")).expect("sums");
            let reads = Object::parse(&info).expect("an object").get("reads").map(Json::as_str).map(str::to_owned);
            prop_assert_eq!(reads, Some((i128::from(total) + i128::from(current)).to_string()));
        }

        #[test]
        fn any_text_gives_a_payload_or_an_error(
            text in any::<String>(),
            column in "[a-z_]{0,12}",
            times_are_text in any::<bool>(),
        ) {
            let row = ROW.replace("\"volume_id\"", &crate::document::text_json(&column));
            for json in [text.as_str(), row.as_str()] {
                if let Ok(row) = VolumeUsage::parse(json).map(|row| row.with_times_as_text(times_are_text)) {
                    for release in [Release::Grizzly, Release::Hibiscus] {
                        let info = usage_volume_info(release, &row);
                        prop_assert!(info.is_err() || Object::parse(&info.unwrap()).is_ok());
                    }
                }
            }
        }
    }
}
