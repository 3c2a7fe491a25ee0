//! What volumes were used for: reads and writes, in requests and bytes.

use crate::context::{Config, Context};
use crate::document::{Json, Object, ObjectWriter};
use crate::error::Error;
use crate::host::{Clock, Notification, Notifier, Priority, Random, message_id, notify};
use crate::instance::moment;
use crate::release::Release;
use crate::time;
use crate::usage::envelope;

/// A row of the table `volume_usage_cache`, as a document whose fields bear the names of Nova's columns.
///
/// The counters come in two parts: `tot_reads`, `tot_read_bytes`, `tot_writes` and `tot_write_bytes` of finished
/// attachments, and `curr_…` of the present one. `tot_last_refreshed` and `curr_last_refreshed` say when they were
/// read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VolumeUsage<'a> {
    columns: Object<'a>,
    times_are_text: bool,
}

impl<'a> VolumeUsage<'a> {
    /// A row from JSON text; `ValueError` where the text is no JSON, `TypeError` where it is no object.
    pub fn parse(json: &'a str) -> Result<Self, Error> {
        Ok(Self { columns: Object::parse(json)?, times_are_text: false })
    }

    /// The same row with its times as text, the way they come through grizzly's conductor: the later text counts, and
    /// is shown as it is. Read in grizzly.
    #[must_use]
    pub fn with_times_as_text(self, times_are_text: bool) -> Self {
        Self { times_are_text, ..self }
    }
}

/// The payload of `volume.usage`, the unversioned notification, as JSON. Nova: `usage_volume_info` in grizzly,
/// `VolumeUsage.to_dict` in hibiscus.
///
/// A column that is not there: `KeyError` in grizzly, `NotImplementedError` in hibiscus. A counter that is null:
/// `TypeError` in grizzly, `ValueError` in hibiscus. Sums may be larger than 64 bits.
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
///     r#""last_refreshed":"2026-11-01 00:17:03","reads":18446744073709551614,"read_bytes":4096,"writes":0,"write_bytes":0}"#,
/// ));
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn usage_volume_info(release: Release, vol_usage: &VolumeUsage<'_>) -> Result<String, Error> {
    let row = Row { release, vol_usage };
    row.check_counters()?;
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

/// Tell what a volume was used for. Nova: `notify_about_volume_usage`, hibiscus.
///
/// In hibiscus only as a versioned notification, where the configured format has those: nothing is sent otherwise.
/// `ValueError` where a counter or the volume's id is missing. Grizzly's conductor tells it in its own way, with the
/// payload of [`usage_volume_info`]; in grizzly, so does this function.
pub async fn notify_about_volume_usage<H: Notifier + Clock + Random>(
    services: &H,
    config: &Config,
    context: &Context,
    vol_usage: &VolumeUsage<'_>,
    host: &str,
) -> Result<(), Error> {
    let Some((publisher_id, payload)) = volume_usage_message(config.release)(config, vol_usage, host)? else {
        return Ok(());
    };
    let notification = Notification {
        message_id: message_id(services),
        publisher_id,
        event_type: "volume.usage".to_owned(),
        priority: Priority::Info,
        payload,
        timestamp: time::str_datetime(services.utcnow()),
    };
    notify(services, context, vec![notification]).await?.into_iter().collect()
}

/// What a release says of a volume's use, and in whose name; nothing where it keeps silent.
type VolumeUsageMessage = fn(&Config, &VolumeUsage<'_>, host: &str) -> Result<Option<(String, String)>, Error>;

fn volume_usage_message(release: Release) -> VolumeUsageMessage {
    release.pick(grizzly_message, hibiscus_message)
}

fn grizzly_message(
    config: &Config,
    vol_usage: &VolumeUsage<'_>,
    host: &str,
) -> Result<Option<(String, String)>, Error> {
    Ok(Some((format!("conductor.{host}"), usage_volume_info(config.release, vol_usage)?)))
}

fn hibiscus_message(
    config: &Config,
    vol_usage: &VolumeUsage<'_>,
    host: &str,
) -> Result<Option<(String, String)>, Error> {
    let row = Row { release: config.release, vol_usage };
    row.check_counters()?;
    if !config.notification_format.versioned() {
        return Ok(None);
    }
    Ok(Some((format!("nova-compute:{host}"), row.payload()?)))
}

const COUNTERS: [&str; 4] = ["reads", "read_bytes", "writes", "write_bytes"];

/// A row as a release reads it.
struct Row<'a> {
    release: Release,
    vol_usage: &'a VolumeUsage<'a>,
}

impl<'a> Row<'a> {
    /// Hibiscus refuses a null as soon as the row is read, before it misses anything.
    fn check_counters(&self) -> Result<(), Error> {
        let names = COUNTERS.iter().flat_map(|counter| [format!("tot_{counter}"), format!("curr_{counter}")]);
        for name in names {
            if self.vol_usage.columns.get(&name).is_some_and(Json::is_null) {
                return Err(self.release.null_counter(&name));
            }
        }
        Ok(())
    }

    fn column(&self, name: &str) -> Result<Json<'a>, Error> {
        self.vol_usage.columns.get(name).ok_or_else(|| self.release.missing_column(name))
    }

    fn sum(&self, counter: &str) -> Result<String, Error> {
        let part = |name: &str| {
            let value = self.column(name)?;
            let refused = || Error::type_error(format!("`{name}` is {}: give a whole number", value.as_str()));
            value.integer().ok_or_else(refused)
        };
        let (total, current) = (part(&format!("tot_{counter}"))?, part(&format!("curr_{counter}"))?);
        let sum = total.checked_add(current);
        sum.map(|sum| sum.to_string()).ok_or_else(|| Error::overflow(format!("the sum of `{counter}` is too large")))
    }

    fn last_refreshed_text(&self) -> Result<String, Error> {
        let (total, current) = (self.column("tot_last_refreshed")?, self.column("curr_last_refreshed")?);
        if self.vol_usage.times_are_text && self.release.has_times_as_text() {
            return Ok(total.text()?.max(current.text()?).unwrap_or_default().into_owned());
        }
        let last = moment("tot_last_refreshed", set(total))?.max(moment("curr_last_refreshed", set(current))?);
        Ok(last.map_or_else(String::new, |last| self.release.str_datetime(last)))
    }

    /// Nova: `VolumeUsagePayload` 1.0. A column that is not there counts as null.
    fn payload(&self) -> Result<String, Error> {
        let column = |name: &str| self.vol_usage.columns.get(name).unwrap_or(Json::NULL);
        let time = |name: &str| moment(name, set(column(name)));
        let mut data = ObjectWriter::new();
        if column("volume_id").is_null() {
            return Err(self.release.null_counter("volume_id"));
        }
        for name in ["volume_id", "project_id", "user_id", "availability_zone", "instance_uuid"] {
            data.value(name, column(name).as_str());
        }
        // Nova reads the two in turn, and knows neither where the first is not there.
        let total = time("tot_last_refreshed")?;
        let is_known = self.vol_usage.columns.get("tot_last_refreshed").is_some();
        let last = if is_known { total.max(time("curr_last_refreshed")?) } else { None };
        data.text_or_null("last_refreshed", last.map(time::zulu).as_deref());
        for counter in COUNTERS {
            if column(&format!("tot_{counter}")).is_null() || column(&format!("curr_{counter}")).is_null() {
                return Err(self.release.null_counter(counter));
            }
            data.value(counter, &self.sum(counter)?);
        }
        Ok(envelope("VolumeUsagePayload", "1.0", &data.finish()))
    }
}

/// An empty text is no moment.
fn set(field: Json<'_>) -> Option<Json<'_>> {
    Some(field).filter(|field| field.is_truthy())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROW: &str = r#"{"volume_id": "v", "instance_uuid": null, "project_id": null, "user_id": null,
        "availability_zone": null, "tot_last_refreshed": null, "curr_last_refreshed": null, "tot_reads": 1,
        "tot_read_bytes": 1, "tot_writes": 1, "tot_write_bytes": 1, "curr_reads": 1, "curr_read_bytes": 1,
        "curr_writes": 1, "curr_write_bytes": 1}"#;

    #[test]
    fn each_release_refuses_in_its_own_way() {
        for (row, grizzly, hibiscus) in [
            (ROW.replace("\"tot_reads\": 1", "\"tot_reads\": null"), "TypeError", "ValueError"),
            (ROW.replace("\"tot_reads\": 1", "\"reads\": 1"), "KeyError", "NotImplementedError"),
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
                let refused = usage_volume_info(release, &VolumeUsage::parse(&row).expect("a row"));
                assert_eq!(refused.expect_err(&row).code(), code, "{release} {row}");
            }
        }
    }

    #[test]
    fn grizzly_tells_it_as_its_conductor_did() {
        let config = Config::new(Release::Grizzly, "cmp-01");
        let row = VolumeUsage::parse(ROW).expect("a row");
        let message = volume_usage_message(config.release)(&config, &row, "cond-01").expect("a message");
        let (publisher_id, payload) = message.expect("not silent");
        assert_eq!(publisher_id, "conductor.cond-01");
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
        fn any_text_is_a_payload_or_an_error(text in any::<String>(), column in "[a-z_]{0,12}", times_are_text in any::<bool>()) {
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
