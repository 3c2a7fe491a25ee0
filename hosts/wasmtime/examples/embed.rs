//! A host of one's own: two traits to implement, one of them here, the other one ready-made.

use std::error::Error;

use nova_compute_utils_wasmtime::notifier::{self, HostError, Json, Notification};
use nova_compute_utils_wasmtime::types::{Config, Context, NotificationFormat, Release};
use nova_compute_utils_wasmtime::{Callbacks, Clock, Limits, Runtime, SqlConductor};

/// Prints who used what.
struct Printer;

impl notifier::Host for Printer {
    async fn notify(&mut self, _: Json, batch: Vec<Notification>) -> Result<Vec<Option<HostError>>, HostError> {
        Ok(batch
            .iter()
            .map(|notification| println!("{} {}", notification.event_type, notification.payload))
            .map(|()| None)
            .collect())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let (component, database) =
        (std::env::args().nth(1).ok_or("which component?")?, std::env::args().nth(2).ok_or("which database?")?);
    let plugin = Runtime::new(Limits::default())?.load(component)?;
    let conductor = SqlConductor::open(&format!("sqlite:{database}"), Clock::System).await?;
    let mut nova = plugin.instantiate(Callbacks { conductor, notifier: Printer }, Clock::System).await?;

    let config = Config {
        release: Release::Hibiscus,
        host: "cmp-01".into(),
        instance_usage_audit_period: "month".into(),
        notification_format: NotificationFormat::Unversioned,
        glance_endpoint: Some("http://glance.example:9292".into()),
        max_disk_devices_to_attach: -1,
        compute_driver: None,
    };
    let context = Context { user_id: None, project_id: None, request_id: None, timestamp: None };
    match nova.instance_usage_audit(&config, &context).await? {
        Some(report) => println!("{}", report.message),
        None => println!("This window has been audited before."),
    }
    Ok(())
}
