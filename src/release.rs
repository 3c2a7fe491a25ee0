//! Whose contract is spoken.

use crate::error::Error;
use crate::time;

/// The release of Nova whose contract is spoken.
///
/// Payloads, messages and errors differ between the two, so the release is a required part of
/// [`Config`](crate::Config) and nobody gets one by accident. This is the one place where they part: a module asks a
/// method of `Release` and does not compare.
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

impl Release {
    /// The name of the release, lower-case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grizzly => "grizzly",
            Self::Hibiscus => "hibiscus",
        }
    }

    /// Of two ways, that of this release. For what is more than a fact: each way stands in the module that it belongs
    /// to.
    pub(crate) fn pick<T>(self, grizzly: T, hibiscus: T) -> T {
        match self {
            Self::Grizzly => grizzly,
            Self::Hibiscus => hibiscus,
        }
    }

    /// Python 3 lets underscores group the digits of a number.
    pub(crate) const fn groups_digits(self) -> bool {
        matches!(self, Self::Hibiscus)
    }

    /// Grizzly refuses an unknown unit of an audit period; today's Nova takes anything else for an hour.
    pub(crate) const fn refuses_unknown_unit(self) -> bool {
        matches!(self, Self::Grizzly)
    }

    /// Grizzly tells the bandwidth in an `exists` notification.
    pub(crate) const fn tells_bandwidth(self) -> bool {
        matches!(self, Self::Grizzly)
    }

    /// Only today's Nova puts the fault into a notification.
    pub(crate) const fn tells_faults(self) -> bool {
        matches!(self, Self::Hibiscus)
    }

    /// The versioned notification beside the classic one is younger than grizzly, which always sends the latter.
    pub(crate) const fn has_versioned_notifications(self) -> bool {
        matches!(self, Self::Hibiscus)
    }

    /// In grizzly the periodic audit looks at the clock again once it knows that the audit was not run.
    pub(crate) const fn computes_audit_period_twice(self) -> bool {
        matches!(self, Self::Grizzly)
    }

    /// Grizzly's periodic audit has its instances from the conductor, which hands their times over as text.
    pub(crate) const fn audits_times_as_text(self) -> bool {
        matches!(self, Self::Grizzly)
    }

    /// How the runtime of the release prints a floating-point number.
    pub(crate) fn float(self, value: f64) -> String {
        match self {
            Self::Grizzly => crate::python::float_12_digits(value),
            Self::Hibiscus => crate::python::float_shortest(value),
        }
    }

    /// What the runtime raises when a structure of the network model is made from something that is no mapping.
    pub(crate) const fn not_a_mapping(self) -> &'static str {
        match self {
            Self::Grizzly => "AttributeError",
            Self::Hibiscus => "TypeError",
        }
    }

    /// What the runtime raises on text that is no JSON.
    pub(crate) const fn not_json(self) -> &'static str {
        match self {
            Self::Grizzly => "ValueError",
            Self::Hibiscus => "JSONDecodeError",
        }
    }

    /// The message of `InvalidIpAddressError`.
    pub(crate) fn invalid_ip_address(self, address: &str) -> String {
        match self {
            Self::Grizzly => address.to_owned(),
            Self::Hibiscus => format!("Invalid IP format {address}"),
        }
    }

    /// The netaddr of grizzly's time takes the short forms of `inet_aton` for an IPv4 address.
    pub(crate) const fn short_addresses(self) -> bool {
        matches!(self, Self::Grizzly)
    }

    /// Does the conductor hand moments over as text?
    pub(crate) const fn has_times_as_text(self) -> bool {
        matches!(self, Self::Grizzly)
    }

    /// Python's `str` of a moment from the database: today's objects carry UTC as their zone.
    pub(crate) fn str_datetime(self, moment: chrono::NaiveDateTime) -> String {
        match self {
            Self::Grizzly => time::str_datetime(moment),
            Self::Hibiscus => time::str_datetime_utc(moment),
        }
    }

    /// What the runtime raises on a column that a row lacks.
    pub(crate) fn missing_column(self, name: &str) -> Error {
        match self {
            Self::Grizzly => Error::key(format!("the row has no `{name}`")),
            Self::Hibiscus => Error::new("NotImplementedError", format!("the row has no `{name}`")),
        }
    }

    /// What the runtime raises on a null where a number is wanted.
    pub(crate) fn null_counter(self, name: &str) -> Error {
        match self {
            Self::Grizzly => Error::type_error(format!("`{name}` is null: give a whole number")),
            Self::Hibiscus => Error::value(format!("Field `{name}' cannot be None")),
        }
    }

    /// The names of disks that stand before a device letter.
    pub(crate) const fn disk_prefixes(self) -> &'static [&'static str] {
        match self {
            Self::Grizzly => &["xvd", "vd", "sd"],
            Self::Hibiscus => &["xvd", "vd", "sd", "hd"],
        }
    }

    /// In a Unicode text Python 3 counts the decimal digits of all scripts as digits.
    pub(crate) const fn digits_of_all_scripts(self) -> bool {
        matches!(self, Self::Hibiscus)
    }

    /// How many device letters there are, where they come to an end.
    pub(crate) const fn device_letters(self) -> Option<usize> {
        match self {
            Self::Grizzly => Some(702),
            Self::Hibiscus => None,
        }
    }

    /// Today's Nova takes a root device name without `/dev/`, and `/dev/sda1` for a missing one.
    pub(crate) const fn takes_bare_root_device(self) -> bool {
        matches!(self, Self::Hibiscus)
    }

    /// Grizzly fails on a device without a name among those of an instance.
    pub(crate) const fn takes_nameless_devices(self) -> bool {
        matches!(self, Self::Hibiscus)
    }

    /// Is there a limit to the disk devices of an instance?
    pub(crate) const fn limits_disk_devices(self) -> bool {
        matches!(self, Self::Hibiscus)
    }

    /// Grizzly's block devices say by `virtual_name`, `volume_id` and `snapshot_id` what they are.
    pub(crate) const fn has_legacy_block_devices(self) -> bool {
        matches!(self, Self::Grizzly)
    }

    /// Grizzly names the devices of Xen in a way of their own.
    pub(crate) const fn has_xen_device_names(self) -> bool {
        matches!(self, Self::Grizzly)
    }

    /// Grizzly reads an instance as a mapping of all its columns and fails where one is not there.
    pub(crate) const fn wants_all_columns(self) -> bool {
        matches!(self, Self::Grizzly)
    }

    /// Today's vifs carry `details`, `active`, `vnic_type` and more of their own; in grizzly such keys land in `meta`.
    pub(crate) const fn has_modern_vifs(self) -> bool {
        matches!(self, Self::Hibiscus)
    }

    /// Today's Nova says itself when an action changed: with its own times, and when its events begin and end.
    pub(crate) const fn says_when_actions_change(self) -> bool {
        matches!(self, Self::Hibiscus)
    }

    /// Today's events say on which host they happen.
    pub(crate) const fn has_event_hosts(self) -> bool {
        matches!(self, Self::Hibiscus)
    }

    /// Today's events keep what may be shown of a failure; grizzly's are given the failure's whole text, and lose it.
    pub(crate) const fn has_event_details(self) -> bool {
        matches!(self, Self::Hibiscus)
    }

    /// Of several actions of one request grizzly takes the first; today's Nova takes the newest, and for a service
    /// without a project the instance's newest where the request has none.
    pub(crate) const fn takes_newest_action(self) -> bool {
        matches!(self, Self::Hibiscus)
    }

    /// Grizzly finishes the first action of a request; today's Nova refuses where there are several.
    pub(crate) const fn wants_one_action(self) -> bool {
        matches!(self, Self::Hibiscus)
    }
}

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Release {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "grizzly" => Ok(Self::Grizzly),
            "hibiscus" => Ok(Self::Hibiscus),
            _ => Err(Error::value(format!("unknown release `{name}`: give `grizzly` or `hibiscus`"))),
        }
    }
}
