//! What an instance sent and received, network by network.

use std::borrow::Cow;

use chrono::NaiveDateTime;

use super::payload::Payload;
use crate::document::{Json, ObjectWriter};
use crate::error::Error;
use crate::host::{BwUsage, Conductor};
use crate::instance::Instance;
use crate::network::{NetworkInfo, Vif, cached_network_info};
use crate::release::Release;

/// What an instance sent and received since a moment, by the label of the network, as a JSON object. Nova:
/// `bandwidth_usage`, grizzly.
///
/// The network info comes from the instance's cache and, where it has none, from
/// [`instance_get_nw_info`](Conductor::instance_get_nw_info); when that fails and `ignore_missing_network_data`,
/// there is no answer. The errors of [`NetworkInfo::hydrate`] come out in either case. `TypeError` where a vif that
/// has sent something is in no network.
pub async fn bandwidth_usage<H: Conductor>(
    services: &H,
    instance: &Instance<'_>,
    audit_start: NaiveDateTime,
    ignore_missing_network_data: bool,
) -> Result<Option<String>, Error> {
    let text = match cached_network_info(instance)?.filter(|cache| !cache.is_null()) {
        Some(cache) => cache.text()?.unwrap_or(Cow::Borrowed(cache.as_str())),
        None => match services.instance_get_nw_info(instance.document()).await {
            Ok(network_info) => Cow::Owned(network_info),
            Err(_) if ignore_missing_network_data => return Ok(None),
            Err(error) => return Err(Error::host("instance-get-nw-info", error)),
        },
    };
    let network_info = NetworkInfo::hydrate(Release::Grizzly, &text)?;
    let uuid = instance.uuid()?.into_owned();
    let rows = services
        .bw_usage_get_by_uuids(&[uuid], audit_start)
        .await
        .map_err(|error| Error::host("bw-usage-get-by-uuids", error))?;
    by_label(&network_info, &rows).map(Some)
}

/// The rows of the vifs that are still there. Of several rows for one label the last one counts, as in Nova.
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

/// Nova keeps a null label as a key, which prints as `None`.
fn label<'a>(vif: &Vif<'a>) -> Result<Cow<'a, str>, Error> {
    let network = vif.network.as_ref().ok_or_else(|| Error::type_error("a vif has no network to take a label from"))?;
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
