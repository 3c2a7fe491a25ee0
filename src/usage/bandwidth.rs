//! The traffic of an instance, by network.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use chrono::NaiveDateTime;

use super::grizzly::missing;
use super::payload::Payload;
use crate::context::Context;
use crate::document::{Json, ObjectWriter};
use crate::error::Error;
use crate::host::{BwUsage, Conductor};
use crate::instance::Instance;
use crate::network::{NetworkInfo, Vif, cached_network_info};
use crate::release::Release;

/// Returns the traffic of an instance since `audit_start` as a JSON object: `bw_in` and `bw_out` by network label.
/// Nova: `bandwidth_usage` in `grizzly`.
///
/// The network info comes from the instance's cache, or from
/// [`instance_get_nw_info`](Conductor::instance_get_nw_info) when the cache has none. When that callback fails and
/// `ignore_missing_network_data` is true, the result is `None`. The errors of [`NetworkInfo::hydrate`] are never
/// ignored. A vif with traffic and without a network is a `TypeError`, and an instance without `uuid` a `KeyError`. An
/// instance whose `uuid` is null has no traffic.
pub async fn bandwidth_usage<H: Conductor>(
    services: &H,
    context: &Context,
    instance: &Instance<'_>,
    audit_start: NaiveDateTime,
    ignore_missing_network_data: bool,
) -> Result<Option<String>, Error> {
    let text = match cached_network_info(instance)?.filter(|cache| !cache.is_null()) {
        Some(cache) => cache.text()?.unwrap_or(Cow::Borrowed(cache.as_str())),
        None => match services.instance_get_nw_info(context, instance.document()).await {
            Ok(network_info) => Cow::Owned(network_info),
            Err(_) if ignore_missing_network_data => return Ok(None),
            Err(error) => return Err(Error::host("instance-get-nw-info", error)),
        },
    };
    let network_info = NetworkInfo::hydrate(Release::Grizzly, &text)?;
    let uuid = instance.columns()?.get("uuid").ok_or_else(|| missing("uuid"))?;
    let rows = if uuid.is_null() {
        Vec::new()
    } else {
        let uuid = instance.uuid()?.into_owned();
        let rows = services.bw_usage_get_by_uuids(context, &[uuid], audit_start).await;
        rows.map_err(|error| Error::host("bw-usage-get-by-uuids", error))?
    };
    by_label(&network_info, &rows).map(Some)
}

/// Sums up the rows whose vif still exists. The last of several rows with one label counts, as in Nova.
fn by_label(network_info: &NetworkInfo<'_>, rows: &[BwUsage]) -> Result<String, Error> {
    let vifs: Vec<_> =
        network_info.vifs.iter().map(|vif| Ok((vif.address().text()?, vif))).collect::<Result<_, Error>>()?;
    let mut bandwidth = Payload::default();
    for row in rows {
        if let Some((_, vif)) = vifs.iter().find(|(address, _)| address.as_deref() == row.mac.as_deref()) {
            bandwidth.put(label(vif)?, Cow::Owned(counters(row)));
        }
    }
    Ok(bandwidth.into_json())
}

/// Nova uses a null label as a key, which is printed as `None`.
fn label<'a>(vif: &Vif<'a>) -> Result<Cow<'a, str>, Error> {
    let network = vif
        .network
        .as_ref()
        .ok_or_else(|| Error::type_error("a vif with traffic has no network, whose label is needed"))?;
    let printed = if network.label.is_null() { "None" } else { network.label.as_str() };
    Ok(network.label.text()?.unwrap_or(Cow::Borrowed(printed)))
}

fn counters(row: &BwUsage) -> String {
    let counter = |value: Option<i64>| value.map_or_else(|| Json::NULL.as_str().to_owned(), |value| value.to_string());
    let mut object = ObjectWriter::new();
    object.value("bw_in", &counter(row.bw_in));
    object.value("bw_out", &counter(row.bw_out));
    object.finish()
}
