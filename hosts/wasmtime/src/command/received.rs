//! The notifications of files, grouped by instance.

use nova_compute_utils::Error;
use nova_compute_utils::notification::ReceivedNotification;

use super::groups::{Group, Grouping};
use super::input::{Files, Line};
use super::output::{Listing, Reason, Unreadable};
use super::{Failure, progress};

/// Adds the notifications of instances that `selects` accepts, and lists the lines that cannot be read. Returns the
/// number of other notifications.
pub fn collect(
    files: &Files,
    selects: impl Fn(&ReceivedNotification) -> bool,
    grouping: &mut Grouping,
    listing: &mut Listing,
) -> Result<u64, Failure> {
    listing.show(progress::bytes(files.size()));
    let mut ignored = 0;
    files.read(&listing.bar(), |Line { file, number, text }| {
        let unreadable = |error| Unreadable { file: Some(file), line: Some(number), error, ..Unreadable::default() };
        let text = match text {
            Ok(text) => text,
            Err(message) => {
                return listing.add_unreadable(&unreadable(Reason { code: "ValueError", message: &message }));
            }
        };
        match read(text, &selects) {
            Ok(Some((instance_uuid, notification))) => {
                grouping.add_notification(&instance_uuid, notification.timestamp, text)
            }
            Ok(None) => {
                ignored += 1;
                Ok(())
            }
            Err(error) => listing.add_unreadable(&unreadable((&error).into())),
        }
    })?;
    Ok(ignored)
}

fn read(
    text: &str,
    selects: impl Fn(&ReceivedNotification) -> bool,
) -> Result<Option<(String, ReceivedNotification)>, Error> {
    let notification = ReceivedNotification::parse(text)?;
    if !selects(&notification) {
        return Ok(None);
    }
    Ok(notification.instance_uuid()?.map(|instance_uuid| (instance_uuid, notification)))
}

/// Calls `handle` with each group, ordered by the UUID of the instance.
pub fn for_each_group(
    grouping: Grouping,
    listing: &mut Listing,
    mut handle: impl FnMut(&Group, &mut Listing) -> Result<(), Failure>,
) -> Result<(), Failure> {
    listing.show(progress::entries(grouping.len()));
    let mut groups = grouping.finish()?;
    while let Some(group) = groups.next()? {
        handle(&group, listing)?;
        listing.bar().inc(group.len());
    }
    Ok(())
}

/// Parses the notifications of a group.
pub fn parse(notifications: &[String]) -> Result<Vec<ReceivedNotification>, Error> {
    notifications.iter().map(|text| ReceivedNotification::parse(text)).collect()
}
