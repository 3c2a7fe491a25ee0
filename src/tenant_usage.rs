//! The hours of servers: what Nova's API `os-simple-tenant-usage` answers, and the same per flavor, host and
//! availability zone.
//!
//! Hours count existence, not running time: a server that is shut off, suspended or shelved has the hours of an active
//! one. Windows are half-open: the begin belongs to a window and the end does not, so that the hours of windows that
//! follow each other add up. A server that still exists counts until the end of the window, also when that lies in the
//! future. Sizes are those of the current flavor, for the whole window, even when a resize lies in it.

mod ndjson;
#[cfg(test)]
mod tests;

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::str::FromStr;

use chrono::{NaiveDateTime, TimeDelta};

use crate::document::Json;
use crate::error::Error;
use crate::instance::{Flavor, Instance, Lifetime};
use crate::period::Window;

pub use ndjson::hours_ndjson;

/// The usage of a project in a period.
#[derive(Debug, Clone, PartialEq)]
pub struct TenantUsage {
    /// The project; `None` for instances without one.
    pub tenant_id: Option<String>,
    /// Its servers, in the order of the instances; `None` unless the usage is detailed.
    pub server_usages: Option<Vec<ServerUsage>>,
    /// The sum of gigabytes of local disk times hours.
    pub total_local_gb_usage: f64,
    /// The sum of vCPUs times hours.
    pub total_vcpus_usage: f64,
    /// The sum of megabytes of memory times hours.
    pub total_memory_mb_usage: f64,
    /// The sum of hours.
    pub total_hours: f64,
    /// The begin of the period.
    pub start: NaiveDateTime,
    /// The end of the period.
    pub stop: NaiveDateTime,
}

/// The usage of a server in a period.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerUsage {
    /// The hours in the period.
    pub hours: f64,
    /// The name of the flavor.
    pub flavor: Option<String>,
    /// The UUID.
    pub instance_id: String,
    /// The display name.
    pub name: Option<String>,
    /// The project.
    pub tenant_id: Option<String>,
    /// The memory in megabytes.
    pub memory_mb: i64,
    /// The root disk and the ephemeral disk, in gigabytes.
    pub local_gb: i64,
    /// The number of vCPUs.
    pub vcpus: i64,
    /// When the server was launched.
    pub started_at: NaiveDateTime,
    /// When the server was terminated.
    pub ended_at: Option<NaiveDateTime>,
    /// `terminated`, or `vm_state` while the server exists.
    pub state: Option<String>,
    /// The seconds from the launch until the termination or until now, in the period or not.
    pub uptime: i64,
}

/// What [`usages_by`] groups instances by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UsageKey {
    /// The project.
    Project,
    /// The name of the flavor.
    Flavor,
    /// The compute host.
    Host,
    /// The availability zone.
    AvailabilityZone,
}

impl UsageKey {
    /// Returns the name of the key, such as `availability_zone`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Flavor => "flavor",
            Self::Host => "host",
            Self::AvailabilityZone => "availability_zone",
        }
    }
}

impl FromStr for UsageKey {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        match name {
            "project" => Ok(Self::Project),
            "flavor" => Ok(Self::Flavor),
            "host" => Ok(Self::Host),
            "availability_zone" => Ok(Self::AvailabilityZone),
            _ => Err(Error::value(format!(
                "unknown usage key `{name}`: give `project`, `flavor`, `host` or `availability_zone`"
            ))),
        }
    }
}

/// The usage of a group of instances in a window.
#[derive(Debug, Clone, PartialEq)]
pub struct UsageGroup {
    /// The value that the instances share; `None` for instances without it.
    pub key: Option<String>,
    /// How many servers were alive in the window.
    pub servers: u64,
    /// The sum of hours.
    pub hours: f64,
    /// The sum of vCPUs times hours.
    pub vcpus_hours: f64,
    /// The sum of megabytes of memory times hours.
    pub memory_mb_hours: f64,
    /// The sum of gigabytes of local disk times hours.
    pub local_gb_hours: f64,
}

/// Returns the hours of a server in a window. Nova: `_hours_for` of the API `os-simple-tenant-usage`.
///
/// An instance that was never launched has none. As in Nova, an instance that was terminated in the window, but before
/// it was launched, has negative hours.
///
/// ```
/// use nova_compute_utils::tenant_usage::hours_for;
/// use nova_compute_utils::{period::Window, time};
///
/// let october = Window { begin: time::parse("2026-10-01")?, end: time::parse("2026-11-01")? };
/// assert_eq!(hours_for(Some(time::parse("2026-09-12T10:43:11")?), None, october), 744.0);
/// assert_eq!(hours_for(Some(time::parse("2026-10-31T22:30:00")?), None, october), 1.5);
/// assert_eq!(hours_for(None, None, october), 0.0);
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
#[must_use]
pub fn hours_for(launched_at: Option<NaiveDateTime>, terminated_at: Option<NaiveDateTime>, window: Window) -> f64 {
    time_in(Lifetime { launched_at, terminated_at }, window).map_or(0.0, hours)
}

/// Returns the usage of each project in a period, in the order in which the projects first occur. Nova:
/// `_tenant_usages_for_period` of the API `os-simple-tenant-usage`.
///
/// `instances` are those that were alive in the period ([`Instance::is_active_in`]), which Nova selects in its database.
/// Another instance adds its project with no hours. `now` is the current time, for `uptime`.
///
/// Sizes come from the flavor. An instance of `grizzly` has no `flavor`: its sizes are columns, and its system metadata
/// has the name of the flavor.
///
/// Fails with `AttributeError` when an instance was never launched, and with `ValueError` when it has no UUID or no
/// sizes, or when one of its timestamps cannot be read.
///
/// ```
/// use nova_compute_utils::instance::Instance;
/// use nova_compute_utils::tenant_usage::tenant_usages_for_period;
/// use nova_compute_utils::{period::Window, time};
///
/// let october = Window { begin: time::parse("2026-10-01")?, end: time::parse("2026-11-01")? };
/// let instance = Instance::parse(r#"{"uuid": "48b988aa-afe1-4664-8307-784d3a2daad0", "project_id": "shop",
///     "launched_at": "2026-10-31 22:30:00", "vm_state": "active",
///     "flavor": {"name": "m1.small", "memory_mb": 2048, "vcpus": 2, "root_gb": 20, "ephemeral_gb": 0}}"#)?;
/// let usages = tenant_usages_for_period(&[instance], october, time::parse("2026-11-01T00:17:03.25")?, true)?;
/// assert_eq!((usages[0].total_hours, usages[0].total_vcpus_usage), (1.5, 3.0));
/// assert_eq!(usages[0].server_usages.as_ref().map(|servers| servers[0].uptime), Some(6423));
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn tenant_usages_for_period(
    instances: &[Instance<'_>],
    window: Window,
    now: NaiveDateTime,
    detailed: bool,
) -> Result<Vec<TenantUsage>, Error> {
    let mut usages: Vec<TenantUsage> = Vec::new();
    // The indexes of the usages, ordered by project.
    let mut by_project: Vec<usize> = Vec::new();
    for instance in instances {
        let server = server_usage(instance, window, now)?;
        let project = |index: &usize| usages.get(*index).and_then(|usage: &TenantUsage| usage.tenant_id.as_deref());
        let index = match by_project.binary_search_by(|index| project(index).cmp(&server.tenant_id.as_deref())) {
            Ok(place) => by_project.get(place).copied().unwrap_or_default(),
            Err(place) => {
                by_project.insert(place, usages.len());
                usages.push(TenantUsage::new(server.tenant_id.clone(), window, detailed));
                usages.len().saturating_sub(1)
            }
        };
        if let Some(usage) = usages.get_mut(index) {
            usage.add(server);
        }
    }
    Ok(usages)
}

/// Returns the usage of each project, flavor, host or availability zone in a window, ordered by its name; `None` comes
/// first. Instances that were not alive in the window ([`Instance::is_active_in`]) do not count. Nova has no such
/// function: it sums up per project only.
///
/// The sums are exact until they become floats, so they do not depend on the order of the instances. Sizes and errors
/// are those of [`tenant_usages_for_period`].
///
/// ```
/// use nova_compute_utils::instance::Instance;
/// use nova_compute_utils::tenant_usage::{UsageKey, usages_by};
/// use nova_compute_utils::{period::Window, time};
///
/// let october = Window { begin: time::parse("2026-10-01")?, end: time::parse("2026-11-01")? };
/// let instance = Instance::parse(r#"{"launched_at": "2026-10-31 22:30:00", "host": "cmp-01",
///     "flavor": {"name": "m1.small", "memory_mb": 2048, "vcpus": 2, "root_gb": 20, "ephemeral_gb": 0}}"#)?;
/// let groups = usages_by(&[instance.clone(), instance], october, UsageKey::Host)?;
/// assert_eq!((groups[0].key.as_deref(), groups[0].servers, groups[0].hours), (Some("cmp-01"), 2, 3.0));
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn usages_by(instances: &[Instance<'_>], window: Window, key: UsageKey) -> Result<Vec<UsageGroup>, Error> {
    let mut sums = UsageSums::new(window, key);
    for instance in instances {
        sums.add(instance)?;
    }
    Ok(sums.groups())
}

/// The sums of [`usages_by`], for instances that come one after another, such as from pages of a database.
#[derive(Debug, Clone)]
pub struct UsageSums {
    window: Window,
    key: UsageKey,
    /// Ordered by the value of the key.
    groups: Vec<(Option<String>, Sums)>,
}

impl UsageSums {
    /// Returns the sums of no instances.
    #[must_use]
    pub const fn new(window: Window, key: UsageKey) -> Self {
        Self { window, key, groups: Vec::new() }
    }

    /// Adds an instance, unless it was not alive in the window. Fails as [`usages_by`] does, and adds nothing then.
    pub fn add(&mut self, instance: &Instance<'_>) -> Result<(), Error> {
        let lifetime = instance.lifetime()?;
        if !lifetime.is_active_in(self.window) {
            return Ok(());
        }
        let sizes = Sizes::of(instance)?;
        let key = match self.key {
            UsageKey::Project => string(instance.project_id)?,
            UsageKey::Flavor => sizes.flavor.as_deref().map(Cow::Borrowed),
            UsageKey::Host => string(instance.host)?,
            UsageKey::AvailabilityZone => string(instance.availability_zone)?,
        };
        let place = match self.groups.binary_search_by(|(group, _)| group.as_deref().cmp(&key.as_deref())) {
            Ok(place) => place,
            Err(place) => {
                self.groups.insert(place, (key.map(Cow::into_owned), Sums::default()));
                place
            }
        };
        if let Some((_, sums)) = self.groups.get_mut(place) {
            sums.add(&sizes, time_in(lifetime, self.window).unwrap_or_default());
        }
        Ok(())
    }

    /// Returns the usage of each group, ordered by its name; `None` comes first.
    #[must_use]
    pub fn groups(self) -> Vec<UsageGroup> {
        self.groups.into_iter().map(|(key, sums)| sums.group(key)).collect()
    }
}

impl TenantUsage {
    fn new(tenant_id: Option<String>, Window { begin, end }: Window, detailed: bool) -> Self {
        Self {
            tenant_id,
            server_usages: detailed.then(Vec::new),
            total_local_gb_usage: 0.0,
            total_vcpus_usage: 0.0,
            total_memory_mb_usage: 0.0,
            total_hours: 0.0,
            start: begin,
            stop: end,
        }
    }

    fn add(&mut self, server: ServerUsage) {
        self.total_local_gb_usage += float(server.local_gb) * server.hours;
        self.total_vcpus_usage += float(server.vcpus) * server.hours;
        self.total_memory_mb_usage += float(server.memory_mb) * server.hours;
        self.total_hours += server.hours;
        if let Some(servers) = &mut self.server_usages {
            servers.push(server);
        }
    }
}

fn server_usage(instance: &Instance<'_>, window: Window, now: NaiveDateTime) -> Result<ServerUsage, Error> {
    let lifetime = instance.lifetime()?;
    let Sizes { flavor, memory_mb, local_gb, vcpus } = Sizes::of(instance)?;
    let Some(started_at) = lifetime.launched_at else {
        return Err(Error::new(
            "AttributeError",
            "`launched_at` is null: leave out instances that were never launched",
        ));
    };
    let ended_at = lifetime.terminated_at;
    let owned = |field| string(field).map(|text| text.map(Cow::into_owned));
    let state = if ended_at.is_some() { Some("terminated".into()) } else { owned(instance.vm_state)? };
    #[allow(clippy::cast_possible_truncation, reason = "Python cuts off the fraction, too")]
    let uptime = seconds(ended_at.unwrap_or(now).signed_duration_since(started_at)) as i64;
    Ok(ServerUsage {
        hours: time_in(lifetime, window).map_or(0.0, hours),
        flavor,
        instance_id: instance.uuid()?.into_owned(),
        name: owned(instance.display_name)?,
        tenant_id: owned(instance.project_id)?,
        memory_mb,
        local_gb,
        vcpus,
        started_at,
        ended_at,
        state,
        uptime,
    })
}

/// Returns for how long a server existed in a window; `None` outside of it.
fn time_in(Lifetime { launched_at, terminated_at }: Lifetime, Window { begin, end }: Window) -> Option<TimeDelta> {
    let launched_at = launched_at.filter(|launched_at| *launched_at <= end)?;
    if terminated_at.is_some_and(|terminated_at| terminated_at < begin) {
        return None;
    }
    let stop = terminated_at.map_or(end, |terminated_at| terminated_at.min(end));
    Some(stop.signed_duration_since(launched_at.max(begin)))
}

/// Returns Python's `total_seconds()`: the exact quotient, rounded once.
fn seconds(time: TimeDelta) -> f64 {
    let microseconds = microseconds(time);
    let sign = if microseconds < 0 { "-" } else { "" };
    let magnitude = microseconds.unsigned_abs();
    format!("{sign}{}.{:06}", magnitude / 1_000_000, magnitude % 1_000_000).parse().unwrap_or_default()
}

fn hours(time: TimeDelta) -> f64 {
    seconds(time) / 3600.0
}

/// A span between two timestamps of Python's calendar fits 64 bits.
fn microseconds(time: TimeDelta) -> i64 {
    time.num_microseconds().unwrap_or_default()
}

#[allow(clippy::cast_precision_loss, reason = "Python rounds an integer that it multiplies with a float, too")]
fn float(integer: i64) -> f64 {
    integer as f64
}

/// The sizes of an instance.
struct Sizes {
    /// The name of the flavor.
    flavor: Option<String>,
    memory_mb: i64,
    local_gb: i64,
    vcpus: i64,
}

impl Sizes {
    /// Reads the flavor or, in a document of `grizzly`, the columns and the system metadata.
    fn of(instance: &Instance<'_>) -> Result<Self, Error> {
        if instance.flavor.is_none() && instance.memory_mb.is_some() {
            let name = instance.live_system_metadata().get("instance_type_name").filter(|name| !name.is_null());
            let Instance { memory_mb, root_gb, ephemeral_gb, vcpus, .. } = instance;
            return Self::new(name, *memory_mb, *root_gb, *ephemeral_gb, *vcpus);
        }
        let text = instance.flavor_text()?;
        let Flavor { name, memory_mb, root_gb, ephemeral_gb, vcpus, .. } = Flavor::parse(&text)?;
        Self::new(name, memory_mb, root_gb, ephemeral_gb, vcpus)
    }

    fn new(
        name: Option<Json<'_>>,
        memory_mb: Option<Json<'_>>,
        root_gb: Option<Json<'_>>,
        ephemeral_gb: Option<Json<'_>>,
        vcpus: Option<Json<'_>>,
    ) -> Result<Self, Error> {
        let size = |name: &str, field: Option<Json<'_>>| {
            let size = field.and_then(Json::integer).and_then(|size| i64::try_from(size).ok());
            let given = field.map_or("null", Json::as_str);
            size.ok_or_else(|| Error::value(format!("`{name}` of the flavor is {given}: give a whole number")))
        };
        Ok(Self {
            flavor: string(name)?.map(Cow::into_owned),
            memory_mb: size("memory_mb", memory_mb)?,
            local_gb: size("root_gb", root_gb)?.saturating_add(size("ephemeral_gb", ephemeral_gb)?),
            vcpus: size("vcpus", vcpus)?,
        })
    }
}

/// Returns a field as a string; a value that is not one as its JSON.
fn string(field: Option<Json<'_>>) -> Result<Option<Cow<'_, str>>, Error> {
    field.map(|field| Ok(field.text()?.unwrap_or(Cow::Borrowed(field.as_str())))).transpose()
}

/// The sums of a group, in microseconds.
#[derive(Debug, Clone, Default)]
struct Sums {
    servers: u64,
    time: i128,
    vcpus: i128,
    memory_mb: i128,
    local_gb: i128,
}

impl Sums {
    fn add(&mut self, sizes: &Sizes, time: TimeDelta) {
        let time = i128::from(microseconds(time));
        let add = |sum: &mut i128, size: i64| *sum = sum.saturating_add(time.saturating_mul(i128::from(size)));
        self.servers = self.servers.saturating_add(1);
        add(&mut self.time, 1);
        add(&mut self.vcpus, sizes.vcpus);
        add(&mut self.memory_mb, sizes.memory_mb);
        add(&mut self.local_gb, sizes.local_gb);
    }

    fn group(self, key: Option<String>) -> UsageGroup {
        #[allow(clippy::cast_precision_loss, reason = "the sum becomes a float")]
        let hours = |microseconds: i128| microseconds as f64 / 1e6 / 3600.0;
        UsageGroup {
            key,
            servers: self.servers,
            hours: hours(self.time),
            vcpus_hours: hours(self.vcpus),
            memory_mb_hours: hours(self.memory_mb),
            local_gb_hours: hours(self.local_gb),
        }
    }
}
