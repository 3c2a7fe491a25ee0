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
mod volume;

use exports::nova::compute_utils::{period, types, usage};

use crate::document::Object;
use crate::fault::Failure;
use crate::instance::Instance;
use crate::network::NetworkInfo;
use crate::period::Window;
use crate::{Config, Context, Error, NotificationFormat, Release};

struct Component;

export!(Component);

impl period::Guest for Component {
    fn last_completed_audit_period(
        config: types::Config,
        unit: Option<String>,
        before: String,
    ) -> Result<period::Window, types::Error> {
        let before = crate::time::parse(&before)?;
        Ok(crate::period::last_completed_audit_period(&config.into(), unit.as_deref(), before)?.into())
    }

    fn audit_period_bounds(
        config: types::Config,
        current_period: bool,
        now: String,
    ) -> Result<period::Window, types::Error> {
        let now = crate::time::parse(&now)?;
        Ok(crate::period::audit_period_bounds(&config.into(), current_period, now)?.into())
    }
}

impl usage::Guest for Component {
    fn info_from_instance(
        config: types::Config,
        instance: String,
        network_info: Option<String>,
        populate_image_ref_url: bool,
        extra: Option<String>,
    ) -> Result<String, types::Error> {
        let config = Config::from(config);
        let network_info =
            network_info.as_deref().map(|json| NetworkInfo::hydrate(config.release, json)).transpose()?;
        let instance = Instance::parse(&instance)?;
        let extra = object(extra.as_deref())?.unwrap_or_default();
        Ok(crate::usage::info_from_instance(&config, &instance, network_info.as_ref(), populate_image_ref_url, &extra)?)
    }

    fn exists_payload(
        config: types::Config,
        instance: String,
        window: period::Window,
        system_metadata: Option<String>,
        extra: Option<String>,
    ) -> Result<String, types::Error> {
        let instance = Instance::parse(&instance)?;
        let system_metadata = object(system_metadata.as_deref())?;
        let extra = object(extra.as_deref())?.unwrap_or_default();
        let window = Window::try_from(window)?;
        Ok(crate::usage::exists_payload(&config.into(), &instance, window, system_metadata.as_ref(), &extra)?)
    }

    fn instance_exists_payload(
        _config: types::Config,
        context: types::Context,
        instance: String,
        window: period::Window,
    ) -> Result<String, types::Error> {
        let instance = Instance::parse(&instance)?;
        Ok(crate::usage::instance_exists_payload(&Context::try_from(context)?, &instance, Window::try_from(window)?)?)
    }
}

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

impl From<Window> for period::Window {
    fn from(window: Window) -> Self {
        Self { begin: crate::time::isoformat(window.begin), end: crate::time::isoformat(window.end) }
    }
}

impl TryFrom<period::Window> for Window {
    type Error = Error;

    fn try_from(window: period::Window) -> Result<Self, Error> {
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

    use super::exports::nova::compute_utils::{audit, types, usage_notify};
    use super::nova::compute_utils::{conductor, notifier};
    use super::wasi::{clocks::wall_clock, random::random};
    use super::{Component, object};
    use crate::action::{ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues};
    use crate::host::{
        Clock, Conductor, HostError, InstanceAction, InstanceActionEvent, InstanceFaultValues, InstancePage,
        Notification, Notifier, Priority, Random, TaskLog,
    };
    use crate::instance::Instance;
    use crate::period::Window;
    use crate::time::isoformat;
    use crate::{Config, Context, Error};

    impl usage_notify::Guest for Component {
        fn notify_usage_exists(
            config: types::Config,
            context: types::Context,
            instance: String,
            host: String,
            options: usage_notify::ExistsOptions,
        ) -> Result<(), types::Error> {
            let instance = Instance::parse(&instance)?;
            let options = crate::usage::ExistsOptions {
                current_period: options.current_period,
                system_metadata: object(options.system_metadata.as_deref())?,
                extra_usage_info: object(options.extra_usage_info.as_deref())?.unwrap_or_default(),
            };
            let (config, context) = (Config::from(config), Context::try_from(context)?);
            finished(crate::usage::notify_usage_exists(&Imports, &config, &context, &instance, &host, &options))
        }
    }

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
            begin: NaiveDateTime,
            end: NaiveDateTime,
            host: &str,
            marker: Option<&str>,
            limit: u32,
        ) -> Result<InstancePage, HostError> {
            let page =
                conductor::instance_get_active_by_window(&isoformat(begin), &isoformat(end), host, marker, limit)?;
            Ok(InstancePage { instances: page.instances, next_marker: page.next_marker })
        }

        async fn instance_count_active_by_window(
            &self,
            begin: NaiveDateTime,
            end: NaiveDateTime,
            host: &str,
        ) -> Result<u64, HostError> {
            Ok(conductor::instance_count_active_by_window(&isoformat(begin), &isoformat(end), host)?)
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

    impl From<conductor::HostError> for HostError {
        fn from(error: conductor::HostError) -> Self {
            Self { code: error.code, message: error.message }
        }
    }

    impl From<notifier::HostError> for HostError {
        fn from(error: notifier::HostError) -> Self {
            Self { code: error.code, message: error.message }
        }
    }
}
