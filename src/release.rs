//! Which Nova release to reproduce.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

use chrono::NaiveDateTime;

use crate::error::Error;
use crate::{python, time};

/// Which Nova release to reproduce.
///
/// Payloads, messages and errors differ between releases, so the caller always names one; there is no default.
///
/// ```
/// use nova_compute_utils::Release;
///
/// assert_eq!("hibiscus".parse::<Release>()?, Release::Hibiscus);
/// assert_eq!("victoria".parse::<Release>().unwrap_err().code(), "ValueError");
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Release {
    /// Nova 2013.1.
    Grizzly,
    /// Nova 34.0.0 (2026.2).
    Hibiscus,
}

/// How a release behaves where the releases differ.
///
/// A module reads a rule and never compares releases. A new release does not compile until it has a value for each
/// rule.
#[allow(clippy::struct_excessive_bools, reason = "each rule is an independent fact")]
pub(crate) struct Rules {
    // Numbers, timestamps and errors of the Python runtime.
    /// `int()` accepts underscores between digits.
    pub(crate) groups_digits: bool,
    /// Decimal digits of all scripts count as digits when a device letter is taken from a name.
    pub(crate) strips_digits_of_all_scripts: bool,
    /// Python's `str()` of a float.
    pub(crate) float: fn(f64) -> String,
    /// Python's `str()` of a timestamp from the database. Timestamps of `hibiscus` have the zone UTC.
    pub(crate) str_datetime: fn(NaiveDateTime) -> String,
    /// The error code for a value that is not a mapping where the network model needs one.
    pub(crate) not_a_mapping: &'static str,
    /// The error code for network info that is not JSON.
    pub(crate) not_json: &'static str,
    /// The error for a column that a row lacks.
    pub(crate) missing_column: fn(&str) -> Error,
    /// The error for a null counter.
    pub(crate) null_counter: fn(&str) -> Error,
    /// The volume id and the number of a row of volume usage must not be null.
    pub(crate) requires_volume_id: bool,
    /// The error code for a disk size that is null or no number.
    pub(crate) missing_disk_size: &'static str,

    // Audit periods and the usage audit.
    /// An unknown unit of an audit period is an error. Otherwise it counts as `hour`.
    pub(crate) refuses_unknown_unit: bool,
    /// The periodic audit computes its window a second time, after it has read the task log.
    pub(crate) computes_audit_period_twice: bool,
    /// The conductor returns the timestamps of rows as strings; comparisons and payloads use those strings.
    pub(crate) has_times_as_text: bool,

    // Notifications.
    /// The `exists` notification contains `bandwidth`.
    pub(crate) notifies_bandwidth: bool,
    /// An instance notification contains the fault that caused it.
    pub(crate) notifies_fault: bool,
    /// Versioned notifications exist. Where they do not, the unversioned one is always sent.
    pub(crate) has_versioned_notifications: bool,
    /// An address in `fixed_ips` contains `vif_mac`.
    pub(crate) notifies_vif_mac: bool,
    /// `fixed_ips` skips a vif without a network. Otherwise such a vif is an error.
    pub(crate) skips_vifs_without_network: bool,
    /// The instance is a mapping of all its columns, and a missing column is an error.
    pub(crate) requires_all_columns: bool,

    // Network.
    /// The message of `InvalidIpAddressError`.
    pub(crate) invalid_ip_address: fn(&str) -> String,
    /// netaddr accepts the short IPv4 forms of `inet_aton` (`10`, `127.1`).
    pub(crate) accepts_short_addresses: bool,
    /// A vif has `details`, `active`, `vnic_type` and more as members. Otherwise these keys go into `meta`.
    pub(crate) has_modern_vifs: bool,

    // Devices.
    /// The disk prefixes that are removed from a device name.
    pub(crate) disk_prefixes: &'static [&'static str],
    /// The number of device letters, or `None` when it is unlimited.
    pub(crate) device_letters: Option<usize>,
    /// A root device name may lack `/dev/`, and a missing one counts as `/dev/sda1`.
    pub(crate) accepts_bare_root_device: bool,
    /// A device without a name is accepted among the devices of an instance.
    pub(crate) accepts_nameless_devices: bool,
    /// `max_disk_devices_to_attach` applies.
    pub(crate) limits_disk_devices: bool,
    /// Block devices are described by `virtual_name`, `volume_id`, `snapshot_id` and `no_device`.
    pub(crate) has_legacy_block_devices: bool,
    /// The Xen driver has device names of its own.
    pub(crate) has_xen_device_names: bool,

    // Actions and events.
    /// The values of an action contain `updated_at`.
    pub(crate) packs_updated_at: bool,
    /// The values of an event contain `host`.
    pub(crate) packs_event_host: bool,
    /// The values of a failed event contain `details`. Otherwise they contain the whole text of the failure as
    /// `message`.
    pub(crate) packs_event_details: bool,

    database: DatabaseRules,
}

/// How Nova's database layer behaves where the releases differ, for hosts that keep Nova's tables.
///
/// ```
/// use nova_compute_utils::Release;
///
/// assert!(Release::Hibiscus.database_rules().requires_one_action_to_finish);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseRules {
    /// An event belongs to the newest action of its request, or to the newest action of the instance when the request
    /// has none and the context has no project. Otherwise it belongs to the first action of its request.
    pub uses_newest_action: bool,
    /// Finishing an action fails when several actions match. Otherwise it finishes the first one.
    pub requires_one_action_to_finish: bool,
    /// Starting or finishing an event sets `updated_at` of the action that has the same request.
    pub events_update_action: bool,
}

const GRIZZLY: Rules = Rules {
    groups_digits: false,
    strips_digits_of_all_scripts: false,
    float: python::float_12_digits,
    str_datetime: time::str_datetime,
    not_a_mapping: "AttributeError",
    not_json: "ValueError",
    missing_column: |name| Error::key(format!("the row has no `{name}`")),
    null_counter: |name| Error::type_error(format!("`{name}` is null: give a whole number")),
    requires_volume_id: false,
    missing_disk_size: "TypeError",

    refuses_unknown_unit: true,
    computes_audit_period_twice: true,
    has_times_as_text: true,

    notifies_bandwidth: true,
    notifies_fault: false,
    has_versioned_notifications: false,
    notifies_vif_mac: false,
    skips_vifs_without_network: false,
    requires_all_columns: true,

    invalid_ip_address: ToOwned::to_owned,
    accepts_short_addresses: true,
    has_modern_vifs: false,

    disk_prefixes: &["xvd", "vd", "sd"],
    device_letters: Some(702),
    accepts_bare_root_device: false,
    accepts_nameless_devices: false,
    limits_disk_devices: false,
    has_legacy_block_devices: true,
    has_xen_device_names: true,

    packs_updated_at: false,
    packs_event_host: false,
    packs_event_details: false,

    database: DatabaseRules {
        uses_newest_action: false,
        requires_one_action_to_finish: false,
        events_update_action: false,
    },
};

const HIBISCUS: Rules = Rules {
    groups_digits: true,
    strips_digits_of_all_scripts: true,
    float: python::float_shortest,
    str_datetime: time::str_datetime_utc,
    not_a_mapping: "TypeError",
    not_json: "JSONDecodeError",
    missing_column: |name| Error::new("NotImplementedError", format!("the row has no `{name}`")),
    null_counter: |name| Error::value(format!("Field `{name}' cannot be None")),
    requires_volume_id: true,
    missing_disk_size: "ValueError",

    refuses_unknown_unit: false,
    computes_audit_period_twice: false,
    has_times_as_text: false,

    notifies_bandwidth: false,
    notifies_fault: true,
    has_versioned_notifications: true,
    notifies_vif_mac: true,
    skips_vifs_without_network: true,
    requires_all_columns: false,

    invalid_ip_address: |address| format!("Invalid IP format {address}"),
    accepts_short_addresses: false,
    has_modern_vifs: true,

    disk_prefixes: &["xvd", "vd", "sd", "hd"],
    device_letters: None,
    accepts_bare_root_device: true,
    accepts_nameless_devices: true,
    limits_disk_devices: true,
    has_legacy_block_devices: false,
    has_xen_device_names: false,

    packs_updated_at: true,
    packs_event_host: true,
    packs_event_details: true,

    database: DatabaseRules {
        uses_newest_action: true,
        requires_one_action_to_finish: true,
        events_update_action: true,
    },
};

impl Release {
    /// Returns the name of the release in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.choose("grizzly", "hibiscus")
    }

    /// Returns the rules of Nova's database layer in this release.
    #[must_use]
    pub const fn database_rules(self) -> &'static DatabaseRules {
        &self.rules().database
    }

    pub(crate) const fn rules(self) -> &'static Rules {
        self.choose(&GRIZZLY, &HIBISCUS)
    }

    /// Chooses the value for this release. Use it for whole functions, which stay in the module of their concept;
    /// a single fact belongs in [`Rules`].
    pub(crate) const fn choose<T: Copy>(self, grizzly: T, hibiscus: T) -> T {
        match self {
            Self::Grizzly => grizzly,
            Self::Hibiscus => hibiscus,
        }
    }
}

impl core::fmt::Display for Release {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::str::FromStr for Release {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "grizzly" => Ok(Self::Grizzly),
            "hibiscus" => Ok(Self::Hibiscus),
            _ => Err(Error::value(format!("unknown release `{name}`: give `grizzly` or `hibiscus`"))),
        }
    }
}
