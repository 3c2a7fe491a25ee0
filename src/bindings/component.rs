//! The component face: `wit/` in terms of the library.
//!
//! With the feature `component-pure` the world is `pure`, which has no import, and what calls out is left away.
#![allow(unsafe_code, missing_docs, clippy::pedantic, reason = "generated glue")]

#[cfg(feature = "component-pure")]
wit_bindgen::generate!({ path: "wit", world: "pure", generate_all });
#[cfg(not(feature = "component-pure"))]
wit_bindgen::generate!({ path: "wit", world: "compute-utils", generate_all });

mod action;
mod device;
mod fault;
mod network;
mod period;
mod usage;
mod volume;

use exports::nova::compute_utils::{period as wit_period, types};

use crate::document::Object;
use crate::fault::Failure;
use crate::period::Window;
use crate::{Config, Context, Error, NotificationFormat, Release};

struct Component;

export!(Component);

fn object(json: Option<&str>) -> Result<Option<Object<'_>>, Error> {
    json.map(Object::parse).transpose()
}

impl From<Error> for types::Error {
    fn from(error: Error) -> Self {
        Self {
            code: error.code().to_owned(),
            message: error.message().to_owned(),
            callback: error.callback().map(str::to_owned),
        }
    }
}

impl From<types::Release> for Release {
    fn from(release: types::Release) -> Self {
        match release {
            types::Release::Grizzly => Self::Grizzly,
            types::Release::Hibiscus => Self::Hibiscus,
        }
    }
}

impl From<types::Config> for Config {
    fn from(config: types::Config) -> Self {
        Self {
            release: config.release.into(),
            host: config.host,
            instance_usage_audit_period: config.instance_usage_audit_period,
            notification_format: match config.notification_format {
                types::NotificationFormat::Unversioned => NotificationFormat::Unversioned,
                types::NotificationFormat::Versioned => NotificationFormat::Versioned,
                types::NotificationFormat::Both => NotificationFormat::Both,
            },
            glance_endpoint: config.glance_endpoint,
            max_disk_devices_to_attach: config.max_disk_devices_to_attach,
            compute_driver: config.compute_driver,
        }
    }
}

impl TryFrom<types::Context> for Context {
    type Error = Error;

    fn try_from(context: types::Context) -> Result<Self, Error> {
        Ok(Self {
            user_id: context.user_id,
            project_id: context.project_id,
            request_id: context.request_id,
            timestamp: context.timestamp.as_deref().map(crate::time::parse).transpose()?,
        })
    }
}

impl From<types::Failure> for Failure {
    fn from(failure: types::Failure) -> Self {
        Self {
            class_name: failure.class_name,
            text: failure.text,
            code: failure.code,
            value: failure.value,
            formatted_message: failure.formatted_message,
            representation: failure.representation,
            traceback: failure.traceback,
            formatted_exception: failure.formatted_exception,
        }
    }
}

impl From<Window> for wit_period::Window {
    fn from(window: Window) -> Self {
        Self { begin: crate::time::isoformat(window.begin), end: crate::time::isoformat(window.end) }
    }
}

impl TryFrom<wit_period::Window> for Window {
    type Error = Error;

    fn try_from(window: wit_period::Window) -> Result<Self, Error> {
        Ok(Self { begin: crate::time::parse(&window.begin)?, end: crate::time::parse(&window.end)? })
    }
}

#[cfg(not(feature = "component-pure"))]
mod callbacks {
    //! What calls out: the imports as a host of the library, and the exports that need one.

    use std::future::Future;
    use std::pin::pin;
    use std::task::{Poll, Waker};

    use chrono::{DateTime, NaiveDateTime};

    use super::Component;
    use super::exports::nova::compute_utils::{audit, types};
    use super::nova::compute_utils::{conductor, notifier};
    use super::wasi::{clocks::wall_clock, random::random};
    use crate::action::{ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues};
    use crate::host::{
        BwUsage, Clock, Conductor, HostError, InstanceAction, InstanceActionEvent, InstanceFaultValues, InstancePage,
        Notification, Notifier, Priority, Random, TaskLog, WindowQuery,
    };
    use crate::period::Window;
    use crate::time::isoformat;
    use crate::{Config, Context, Error};

    impl audit::Guest for Component {
        fn has_audit_been_run(
            config: types::Config,
            host: String,
            timestamp: Option<String>,
        ) -> Result<bool, types::Error> {
            let timestamp = timestamp.as_deref().map(crate::time::parse).transpose()?;
            finished(crate::audit::has_audit_been_run(&Imports, &config.into(), &host, timestamp))
        }

        fn start_instance_usage_audit(
            begin: String,
            end: String,
            host: String,
            num_instances: i64,
        ) -> Result<(), types::Error> {
            let window = Window { begin: crate::time::parse(&begin)?, end: crate::time::parse(&end)? };
            finished(crate::audit::start_instance_usage_audit(&Imports, window, &host, num_instances))
        }

        fn finish_instance_usage_audit(
            begin: String,
            end: String,
            host: String,
            errors: i64,
            message: Option<String>,
        ) -> Result<(), types::Error> {
            let window = Window { begin: crate::time::parse(&begin)?, end: crate::time::parse(&end)? };
            finished(crate::audit::finish_instance_usage_audit(&Imports, window, &host, errors, message.as_deref()))
        }

        fn instance_usage_audit(
            config: types::Config,
            context: types::Context,
        ) -> Result<Option<audit::AuditReport>, types::Error> {
            let (config, context) = (Config::from(config), Context::try_from(context)?);
            let report = finished(crate::audit::instance_usage_audit(&Imports, &config, &context))?;
            Ok(report.map(Into::into))
        }
    }

    impl From<crate::audit::AuditReport> for audit::AuditReport {
        fn from(report: crate::audit::AuditReport) -> Self {
            Self {
                host: report.host,
                window: report.window.into(),
                instances: report.instances,
                notifications: report.notifications,
                failures: report.failures.into_iter().map(Into::into).collect(),
                message: report.message,
            }
        }
    }

    impl From<crate::audit::AuditFailure> for audit::AuditFailure {
        fn from(failure: crate::audit::AuditFailure) -> Self {
            Self { instance_uuid: failure.instance_uuid, error: failure.error.into() }
        }
    }

    /// The imports are plain calls, so whatever awaits them is done at the first poll.
    pub(super) fn finished<T>(future: impl Future<Output = Result<T, Error>>) -> Result<T, types::Error> {
        match pin!(future).poll(&mut std::task::Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result.map_err(Into::into),
            Poll::Pending => Err(Error::new("RuntimeError", "a callback of the host did not finish").into()),
        }
    }

    /// The imported interfaces.
    pub(super) struct Imports;

    impl Conductor for Imports {
        async fn task_log_get(
            &self,
            task_name: &str,
            period_beginning: NaiveDateTime,
            period_ending: NaiveDateTime,
            host: &str,
        ) -> Result<Option<TaskLog>, HostError> {
            let row =
                conductor::task_log_get(task_name, &isoformat(period_beginning), &isoformat(period_ending), host)?;
            row.map(TaskLog::try_from).transpose()
        }

        async fn task_log_begin_task(
            &self,
            task_name: &str,
            period_beginning: NaiveDateTime,
            period_ending: NaiveDateTime,
            host: &str,
            task_items: i64,
            message: &str,
        ) -> Result<(), HostError> {
            let (begin, end) = (isoformat(period_beginning), isoformat(period_ending));
            Ok(conductor::task_log_begin_task(task_name, &begin, &end, host, task_items, message)?)
        }

        async fn task_log_end_task(
            &self,
            task_name: &str,
            period_beginning: NaiveDateTime,
            period_ending: NaiveDateTime,
            host: &str,
            errors: i64,
            message: Option<&str>,
        ) -> Result<(), HostError> {
            let (begin, end) = (isoformat(period_beginning), isoformat(period_ending));
            Ok(conductor::task_log_end_task(task_name, &begin, &end, host, errors, message)?)
        }

        async fn instance_get_active_by_window(
            &self,
            query: WindowQuery<'_>,
            marker: Option<&str>,
            limit: u32,
        ) -> Result<InstancePage, HostError> {
            let page = conductor::instance_get_active_by_window(&query.into(), marker, limit)?;
            Ok(InstancePage { instances: page.instances, next_marker: page.next_marker })
        }

        async fn instance_count_active_by_window(&self, query: WindowQuery<'_>) -> Result<u64, HostError> {
            Ok(conductor::instance_count_active_by_window(&query.into())?)
        }

        async fn bw_usage_get_by_uuids(
            &self,
            uuids: &[String],
            start_period: NaiveDateTime,
        ) -> Result<Vec<BwUsage>, HostError> {
            let rows = conductor::bw_usage_get_by_uuids(uuids, &isoformat(start_period))?;
            rows.into_iter().map(BwUsage::try_from).collect()
        }

        async fn instance_get_nw_info(&self, instance: &str) -> Result<String, HostError> {
            Ok(conductor::instance_get_nw_info(instance)?)
        }

        async fn action_start(
            &self,
            context: &Context,
            values: &ActionStartValues,
        ) -> Result<InstanceAction, HostError> {
            conductor::action_start(&context.into(), &values.clone().into())?.try_into()
        }

        async fn action_finish(
            &self,
            context: &Context,
            values: &ActionFinishValues,
        ) -> Result<InstanceAction, HostError> {
            conductor::action_finish(&context.into(), &values.clone().into())?.try_into()
        }

        async fn action_event_start(
            &self,
            context: &Context,
            values: &ActionEventStartValues,
        ) -> Result<InstanceActionEvent, HostError> {
            conductor::action_event_start(&context.into(), &values.clone().into())?.try_into()
        }

        async fn action_event_finish(
            &self,
            context: &Context,
            values: &ActionEventFinishValues,
        ) -> Result<InstanceActionEvent, HostError> {
            conductor::action_event_finish(&context.into(), &values.clone().into())?.try_into()
        }

        async fn instance_fault_create(&self, values: &InstanceFaultValues) -> Result<(), HostError> {
            Ok(conductor::instance_fault_create(&values.into())?)
        }
    }

    impl Notifier for Imports {
        async fn notify(
            &self,
            context: &str,
            notifications: Vec<Notification>,
        ) -> Result<Vec<Result<(), HostError>>, HostError> {
            let batch: Vec<_> = notifications.into_iter().map(Into::into).collect();
            let answers = notifier::notify(context, &batch)?;
            Ok(answers.into_iter().map(|answer| answer.map_or(Ok(()), |error| Err(error.into()))).collect())
        }
    }

    impl Clock for Imports {
        fn utcnow(&self) -> NaiveDateTime {
            let now = wall_clock::now();
            let seconds = i64::try_from(now.seconds).unwrap_or(i64::MAX);
            // A clock past the end of the calendar reads as its end; the arithmetic that follows refuses it.
            let moment =
                DateTime::from_timestamp(seconds, now.nanoseconds).map_or(NaiveDateTime::MAX, |now| now.naive_utc());
            let microsecond = chrono::Timelike::nanosecond(&moment) / 1_000 * 1_000;
            chrono::Timelike::with_nanosecond(&moment, microsecond).unwrap_or(moment)
        }

        fn time(&self) -> f64 {
            let now = wall_clock::now();
            now.seconds as f64 + f64::from(now.nanoseconds) / 1e9
        }
    }

    impl Random for Imports {
        fn random_bytes(&self) -> [u8; 16] {
            let mut bytes = [0; 16];
            for (byte, random) in bytes.iter_mut().zip(random::get_random_bytes(16)) {
                *byte = random;
            }
            bytes
        }
    }

    impl From<Notification> for notifier::Notification {
        fn from(notification: Notification) -> Self {
            Self {
                message_id: notification.message_id,
                publisher_id: notification.publisher_id,
                event_type: notification.event_type,
                priority: match notification.priority {
                    Priority::Info => notifier::Priority::Info,
                    Priority::Error => notifier::Priority::Error,
                },
                payload: notification.payload,
                timestamp: notification.timestamp,
            }
        }
    }

    impl TryFrom<conductor::TaskLog> for TaskLog {
        type Error = HostError;

        fn try_from(row: conductor::TaskLog) -> Result<Self, HostError> {
            let moment =
                |text: &str| crate::time::parse(text).map_err(|error| HostError::new(error.code(), error.message()));
            Ok(Self {
                period_beginning: moment(&row.period_beginning)?,
                period_ending: moment(&row.period_ending)?,
                task_name: row.task_name,
                state: row.state,
                host: row.host,
                message: row.message,
                task_items: row.task_items,
                errors: row.errors,
            })
        }
    }

    impl From<WindowQuery<'_>> for conductor::WindowQuery {
        fn from(query: WindowQuery<'_>) -> Self {
            Self {
                begin: isoformat(query.begin),
                end: query.end.map(isoformat),
                project_id: query.project_id.map(str::to_owned),
                host: query.host.map(str::to_owned),
            }
        }
    }

    impl TryFrom<conductor::BwUsage> for BwUsage {
        type Error = HostError;

        fn try_from(row: conductor::BwUsage) -> Result<Self, HostError> {
            let moment = crate::time::parse(&row.start_period);
            Ok(Self {
                start_period: moment.map_err(|error| HostError::new(error.code(), error.message()))?,
                uuid: row.uuid,
                mac: row.mac,
                bw_in: row.bw_in,
                bw_out: row.bw_out,
            })
        }
    }

    impl From<conductor::HostError> for HostError {
        fn from(error: conductor::HostError) -> Self {
            Self::new(error.code, error.message)
        }
    }

    impl From<notifier::HostError> for HostError {
        fn from(error: notifier::HostError) -> Self {
            Self::new(error.code, error.message)
        }
    }
}
