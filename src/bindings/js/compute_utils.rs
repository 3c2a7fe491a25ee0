//! What needs a host.

use serde::Deserialize;
use tsify::{Ts, Tsify};
use wasm_bindgen::prelude::*;

use super::error::{Result, Thrown};
use super::host::{Host, Services};
use super::options::{self, Given, NotificationFormat, Release};
use super::time::Moment;
use crate::{Config, Context, Error};

/// What every call of a `ComputeUtils` goes by.
#[derive(Deserialize, Tsify)]
#[serde(rename_all = "camelCase")]
pub struct ComputeUtilsOptions {
    /// Whose contract is spoken.
    release: Release,
    /// The compute host on whose behalf is spoken.
    host: String,
    /// `hour`, `day`, `month` or `year`, optionally with `@offset`; without one, `month`. Nova:
    /// `instance_usage_audit_period`.
    #[tsify(optional, type = "string | null")]
    audit_period: Option<String>,
    /// Which notifications are sent; without one, `unversioned`.
    #[tsify(optional, type = "NotificationFormat | null")]
    notification_format: Option<NotificationFormat>,
    /// Base of the image URLs in unversioned payloads, without a slash at the end; without one, the URL is the bare
    /// image reference.
    #[tsify(optional, type = "string | null")]
    glance_endpoint: Option<String>,
    /// The host's persistence: as much of it as the calls need.
    #[serde(default)]
    #[tsify(optional, type = "Partial<Conductor> | null")]
    conductor: Given,
    /// The host's emission.
    #[serde(default)]
    #[tsify(optional, type = "Notifier | null")]
    notifier: Given,
    /// What time it is; without one, the engine's clock.
    #[serde(default)]
    #[tsify(optional, type = "(() => Moment) | null")]
    clock: Given,
    /// Random bytes for the ids of notifications; without one, the engine's.
    #[serde(default)]
    #[tsify(optional, type = "((length: number) => Uint8Array) | null")]
    random_bytes: Given,
}

/// Nova's compute utilities for one compute host: what asks a conductor, or tells a notifier.
///
/// Calls may overlap, and a callback may call back in.
#[wasm_bindgen]
pub struct ComputeUtils {
    pub(super) config: Config,
    pub(super) host: Host,
}

#[wasm_bindgen]
impl ComputeUtils {
    /// For a compute host, with whom to ask and to tell.
    #[wasm_bindgen(constructor)]
    pub fn new(options: &Ts<ComputeUtilsOptions>) -> Result<ComputeUtils> {
        let options = options::read(options)?;
        let mut config = Config::new(options.release.0, options.host);
        if let Some(period) = options.audit_period {
            config.instance_usage_audit_period = period;
        }
        if let Some(NotificationFormat(format)) = options.notification_format {
            config.notification_format = format;
        }
        config.glance_endpoint = options.glance_endpoint;
        let host = Host {
            conductor: options.conductor.object("conductor")?,
            notifier: options.notifier.object("notifier")?,
            clock: options.clock.function("clock")?,
            random_bytes: options.random_bytes.function("randomBytes")?,
        };
        Ok(Self { config, host })
    }
}

impl ComputeUtils {
    /// Do something with the host's help.
    pub(super) async fn with_services<'a, T>(
        &'a self,
        call: impl AsyncFnOnce(&Services<'a>) -> std::result::Result<T, Error>,
    ) -> Result<T> {
        let services = Services::new(&self.host, None);
        let outcome = call(&services).await;
        services.finish(outcome).map_err(Thrown::from)
    }
}

/// Who asks, and in which request; empty for periodic tasks.
#[derive(Default, Deserialize, Tsify)]
pub struct ContextInput {
    /// The user who acts.
    #[tsify(optional, type = "string | null")]
    user_id: Option<String>,
    /// The project of that user.
    #[tsify(optional, type = "string | null")]
    project_id: Option<String>,
    /// `req-` and a UUID.
    #[tsify(optional, type = "string | null")]
    request_id: Option<String>,
    /// When the request began.
    #[serde(default)]
    #[tsify(optional, type = "Moment | null")]
    timestamp: Moment,
}

impl ContextInput {
    /// The context; an empty one where there is none.
    pub fn read(context: Option<Self>) -> std::result::Result<Context, Error> {
        let Self { user_id, project_id, request_id, timestamp } = context.unwrap_or_default();
        Ok(Context { user_id, project_id, request_id, timestamp: timestamp.read("context.timestamp")? })
    }
}
