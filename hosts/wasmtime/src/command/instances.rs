//! The instances of a database that were alive in a window.

use nova_compute_utils::period::Window;
use nova_compute_utils_wasmtime::SqlConductor;
use nova_compute_utils_wasmtime::conductor::{Context, Host as _, UnreadableInstance, WindowQuery};

use super::{Failure, window};

/// The number of instances that are in memory at once.
const PAGE: u32 = 500;

/// Calls `handle` with each document, or why an instance has none.
pub async fn read(
    conductor: &SqlConductor,
    window: Window,
    host: Option<&str>,
    mut handle: impl FnMut(Result<&str, &UnreadableInstance>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut conductor = conductor.clone();
    let bounds = window::as_text(window);
    let query =
        WindowQuery { begin: bounds.begin, end: Some(bounds.end), project_id: None, host: host.map(ToOwned::to_owned) };
    let mut marker = None;
    loop {
        let page = conductor.instance_get_active_by_window(Context::default(), query.clone(), marker, PAGE).await?;
        page.instances.iter().try_for_each(|document| handle(Ok(document)))?;
        page.unreadable.iter().try_for_each(|unreadable| handle(Err(unreadable)))?;
        marker = page.next_marker;
        if marker.is_none() {
            return Ok(());
        }
    }
}
