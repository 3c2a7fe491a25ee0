mod reporter;

use std::path::Path;
use std::thread;

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Cache, CacheConfig, Config, Engine, Store, UpdateDeadline};

use crate::bindings::nova::compute_utils::{conductor, notifier};
use crate::bindings::wasi::{clocks::wall_clock, random::random};
use crate::bindings::{ComputeUtils, ComputeUtilsPre, exports::nova::compute_utils as exports};
use crate::clock::{Clock, Randomness};
use crate::error::{Error, one_line};
use crate::limits::{Deadline, Limits, Memory};

pub use reporter::EventReporter;

/// An engine that compiles and runs components, within limits.
#[derive(Clone, Debug)]
pub struct Runtime {
    engine: Engine,
    limits: Limits,
}

impl Runtime {
    /// Set up an engine. Compiled components are kept in wasmtime's cache directory, so that they are compiled once
    /// per machine; where there can be no such directory, they are compiled each time.
    pub fn new(limits: Limits) -> Result<Self, Error> {
        let mut config = Config::new();
        config.epoch_interruption(true).cache(Cache::new(CacheConfig::new()).ok());
        let engine = Engine::new(&config).map_err(|error| Error::Engine(one_line(&error)))?;
        start_ticking(&engine, limits).map_err(|error| Error::Engine(error.to_string()))?;
        Ok(Self { engine, limits })
    }

    /// Compile a component file and connect it to the callbacks of `H`.
    pub fn load<H: Host>(&self, path: impl AsRef<Path>) -> Result<Plugin<H>, Error> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.into(), source })?;
        Component::from_binary(&self.engine, &bytes)
            .and_then(|component| Plugin::link(self, &component))
            .map_err(|error| Error::Load { path: path.into(), reason: one_line(&error) })
    }

    fn store<H: Host>(&self, host: H, clock: Clock) -> Store<State<H>> {
        let state = State {
            host,
            clock,
            randomness: Randomness,
            memory: Memory::new(self.limits),
            deadline: Deadline::new(self.limits),
        };
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.memory);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| {
            store.data_mut().deadline.count()?;
            // Whatever else runs on this thread gets its turn.
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }
}

/// The epoch of an engine is the clock that its deadlines go by. It stops when the engine is gone.
fn start_ticking(engine: &Engine, limits: Limits) -> std::io::Result<()> {
    let engine = engine.weak();
    let tick = limits.tick();
    thread::Builder::new().name("epoch".into()).spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(tick);
        }
    })?;
    Ok(())
}

/// The callbacks that a component needs. Whatever implements `conductor::Host` and `notifier::Host` is one.
pub trait Host: conductor::Host + notifier::Host + 'static {}

impl<H: conductor::Host + notifier::Host + 'static> Host for H {}

/// What a store holds.
#[derive(Debug)]
struct State<H> {
    host: H,
    clock: Clock,
    randomness: Randomness,
    memory: Memory,
    deadline: Deadline,
}

impl<H> State<H> {
    fn callbacks(&mut self) -> &mut H {
        self.deadline.restart();
        &mut self.host
    }
}

/// A compiled component, connected to the callbacks of `H` and ready to be instantiated as often as one likes.
pub struct Plugin<H: Host> {
    runtime: Runtime,
    pre: ComputeUtilsPre<State<H>>,
}

impl<H: Host> Plugin<H> {
    fn link(runtime: &Runtime, component: &Component) -> wasmtime::Result<Self> {
        let mut linker = Linker::new(&runtime.engine);
        conductor::add_to_linker::<_, HasSelf<H>>(&mut linker, State::callbacks)?;
        notifier::add_to_linker::<_, HasSelf<H>>(&mut linker, State::callbacks)?;
        wall_clock::add_to_linker::<_, HasSelf<Clock>>(&mut linker, |state: &mut State<H>| &mut state.clock)?;
        random::add_to_linker::<_, HasSelf<Randomness>>(&mut linker, |state: &mut State<H>| &mut state.randomness)?;
        let pre = ComputeUtilsPre::new(linker.instantiate_pre(component)?)?;
        Ok(Self { runtime: runtime.clone(), pre })
    }

    /// The same component for other callbacks, without compiling it again.
    pub fn connect<G: Host>(&self) -> Result<Plugin<G>, Error> {
        Plugin::link(&self.runtime, self.pre.instance_pre().component())
            .map_err(|error| Error::Instantiate(one_line(&error)))
    }

    /// Make an instance of its own memory around a host. Takes microseconds.
    pub async fn instantiate(&self, host: H, clock: Clock) -> Result<Instance<H>, Error> {
        let mut store = self.runtime.store(host, clock);
        let exports =
            self.pre.instantiate_async(&mut store).await.map_err(|error| Error::Instantiate(one_line(&error)))?;
        Ok(Instance { store, exports, alive: true })
    }
}

/// A component with a host: the exported functions of the world `compute-utils`.
///
/// [`Error::Nova`] holds what a function answered when it failed; the instance stays usable. After
/// [`Error::Stopped`], or when the future of a call was dropped before its end, every further call gives
/// [`Error::Dead`].
pub struct Instance<H: Host> {
    store: Store<State<H>>,
    exports: ComputeUtils,
    alive: bool,
}

impl<H: Host> Instance<H> {
    /// The host.
    #[must_use]
    pub fn host(&self) -> &H {
        &self.store.data().host
    }

    /// The host, to be changed between calls.
    pub fn host_mut(&mut self) -> &mut H {
        &mut self.store.data_mut().host
    }
}

/// One method per exported function, named and documented like it.
macro_rules! exported {
    (
        |$answered:ident| $result:expr;
        $($(#[$doc:meta])* $interface:ident $call:ident $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*
    ) => {
        impl<H: Host> Instance<H> {
            $(
                $(#[$doc])*
                #[allow(clippy::too_many_arguments, reason = "as many as the contract has")]
                pub async fn $name(&mut self, $($argument: $type),*) -> Result<$answer, Error> {
                    // Stays false when the call traps and when its future is dropped.
                    if !std::mem::take(&mut self.alive) {
                        return Err(Error::Dead);
                    }
                    self.store.data_mut().deadline.restart();
                    let answer = self.exports.$interface().$call(&mut self.store, $($argument),*).await;
                    let $answered = answer.map_err(|error| Error::Stopped(one_line(&error)))?;
                    self.alive = true;
                    $result
                }
            )*
        }
    };
}

mod device;
mod fault;
mod volume;

use exports::action::{ActionEventFinishValues, ActionEventStartValues, ActionFinishValues, ActionStartValues, ExcVal};
use exports::action_record::{InstanceAction, InstanceActionEvent};
use exports::audit::AuditReport;
use exports::period::{PeriodOptions, Window};
use exports::types::{Config as NovaConfig, Context, Datetime, Json, Release};
use exports::usage::Info;
use exports::usage_notify::{ExistsOptions, UsageOptions};

exported! {
    |answer| answer.map_err(Error::Nova);

    /// The window most recently completed before a moment.
    nova_compute_utils_period call_last_completed_audit_period
    last_completed_audit_period(config: &NovaConfig, unit: Option<&str>, before: &Datetime) -> Window;

    /// The bounds of the configured period: the last completed window or, for the current period, from its end to now.
    nova_compute_utils_period call_audit_period_bounds
    audit_period_bounds(config: &NovaConfig, current_period: bool, now: &Datetime) -> Window;

    /// The window of a period most recently completed before a moment.
    nova_compute_utils_period call_last_completed
    last_completed(period: &PeriodOptions, before: &Datetime) -> Window;

    /// Beyond Nova: all windows of a period that lie between two moments, oldest first.
    nova_compute_utils_period call_windows_between
    windows_between(period: &PeriodOptions, begin: &Datetime, end: &Datetime) -> Vec<Window>;

    /// A list of vifs with everything filled in that a cache leaves out.
    nova_compute_utils_network call_hydrate
    hydrate(release: Release, network_info: &Json) -> Json;

    /// The hydrated network info of an instance's cache, in grizzly.
    nova_compute_utils_network call_get_nw_info_for_instance
    get_nw_info_for_instance(instance: &Json) -> Json;

    /// The hydrated network info of an instance's cache, in hibiscus; absent where the cache has a null in its place.
    nova_compute_utils_network call_get_network_info
    get_network_info(instance: &Json) -> Option<Json>;

    /// The payload that all unversioned instance notifications share.
    nova_compute_utils_usage call_info_from_instance
    info_from_instance(config: &NovaConfig, instance: &Json, info: &Info) -> Json;

    /// Image metadata out of system metadata: what begins with `image_`, without it.
    nova_compute_utils_usage call_image_meta
    image_meta(system_metadata: &Json) -> Json;

    /// The payload of `compute.instance.exists`.
    nova_compute_utils_usage call_exists_payload
    exists_payload(
        config: &NovaConfig,
        instance: &Json,
        window: &Window,
        system_metadata: Option<&Json>,
        times_are_text: bool,
        extra: Option<&Json>
    ) -> Json;

    /// The payload of `instance.exists`, the versioned notification of hibiscus.
    nova_compute_utils_usage call_instance_exists_payload
    instance_exists_payload(context: &Context, instance: &Json, window: &Window) -> Json;

    /// Tell that something happened to an instance.
    nova_compute_utils_usage_notify call_notify_about_instance_usage
    notify_about_instance_usage(
        config: &NovaConfig,
        context: &Context,
        instance: &Json,
        event_suffix: &str,
        options: &UsageOptions
    ) -> ();

    /// What an instance sent and received since a moment, by the label of the network. Grizzly.
    nova_compute_utils_usage_notify call_bandwidth_usage
    bandwidth_usage(instance: &Json, audit_start: &Datetime, ignore_missing_network_data: bool) -> Option<Json>;

    /// Tell that an instance exists, in the configured formats.
    nova_compute_utils_usage_notify call_notify_usage_exists
    notify_usage_exists(config: &NovaConfig, context: &Context, instance: &Json, host: &str, options: &ExistsOptions) -> ();

    /// Has the audit of the last completed window been run for this host, or is it running?
    nova_compute_utils_audit call_has_audit_been_run
    has_audit_been_run(config: &NovaConfig, host: &str, timestamp: Option<&Datetime>) -> bool;

    /// Open the task log row of an audit.
    nova_compute_utils_audit call_start_instance_usage_audit
    start_instance_usage_audit(begin: &Datetime, end: &Datetime, host: &str, num_instances: i64) -> ();

    /// Close the task log row of an audit.
    nova_compute_utils_audit call_finish_instance_usage_audit
    finish_instance_usage_audit(begin: &Datetime, end: &Datetime, host: &str, errors: i64, message: Option<&str>) -> ();

    /// Audit the last completed window of the configured host. Nothing where the task log has a row for it.
    nova_compute_utils_audit call_instance_usage_audit
    instance_usage_audit(config: &NovaConfig, context: &Context) -> Option<AuditReport>;

    /// The values of an action that begins.
    nova_compute_utils_action call_pack_action_start
    pack_action_start(
        release: Release,
        context: &Context,
        instance_uuid: &str,
        action_name: Option<&str>
    ) -> ActionStartValues;

    /// The values that close an action.
    nova_compute_utils_action call_pack_action_finish
    pack_action_finish(
        release: Release,
        context: &Context,
        instance_uuid: &str,
        now: &Datetime
    ) -> ActionFinishValues;

    /// The values of an event that begins.
    nova_compute_utils_action call_pack_action_event_start
    pack_action_event_start(
        release: Release,
        context: &Context,
        instance_uuid: &str,
        event_name: &str,
        host: Option<&str>,
        now: &Datetime
    ) -> ActionEventStartValues;

    /// The values that close an event.
    nova_compute_utils_action call_pack_action_event_finish
    pack_action_event_finish(
        release: Release,
        context: &Context,
        instance_uuid: &str,
        event_name: &str,
        exc_val: Option<&ExcVal>,
        exc_tb: Option<&str>,
        now: &Datetime
    ) -> ActionEventFinishValues;

    /// Record that an action begins.
    nova_compute_utils_action_record call_action_start
    action_start(
        release: Release,
        context: &Context,
        instance_uuid: &str,
        action_name: Option<&str>
    ) -> InstanceAction;

    /// Record that an action has ended.
    nova_compute_utils_action_record call_action_finish
    action_finish(release: Release, context: &Context, instance_uuid: &str) -> InstanceAction;

    /// Record that an event begins.
    nova_compute_utils_action_record call_event_start
    event_start(
        release: Release,
        context: &Context,
        instance_uuid: &str,
        event_name: &str,
        host: Option<&str>
    ) -> InstanceActionEvent;

    /// Record that an event went well.
    nova_compute_utils_action_record call_event_finish
    event_finish(
        release: Release,
        context: &Context,
        instance_uuid: &str,
        event_name: &str
    ) -> InstanceActionEvent;

    /// Record how an event went.
    nova_compute_utils_action_record call_event_finish_with_failure
    event_finish_with_failure(
        release: Release,
        context: &Context,
        instance_uuid: &str,
        event_name: &str,
        exc_val: Option<&ExcVal>,
        exc_tb: Option<&str>
    ) -> InstanceActionEvent;
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::Callbacks;

    /// A guest of its own, for what the real one does not do.
    async fn call(core: &str, limits: Limits) -> wasmtime::Result<()> {
        let runtime = Runtime::new(limits).expect("an engine");
        let text = format!(
            r#"(component (core module $m {core}) (core instance $i (instantiate $m))
            (func (export "f") (canon lift (core func $i "f"))))"#
        );
        let component = Component::from_binary(&runtime.engine, &wat::parse_str(text).expect("WAT"))?;
        let mut store = runtime.store(Callbacks { conductor: (), notifier: () }, Clock::System);
        let instance = Linker::new(&runtime.engine).instantiate_async(&mut store, &component).await?;
        let function = instance.get_typed_func::<(), ()>(&mut store, "f")?;
        function.call_async(&mut store, ()).await
    }

    #[tokio::test]
    async fn a_guest_that_never_comes_back_is_stopped() {
        let limits = Limits { compute: Duration::from_millis(200), ..Limits::default() };
        let begun = Instant::now();
        let error = call(r#"(func (export "f") (loop (br 0)))"#, limits).await.expect_err("no end");
        assert_eq!(one_line(&error), "it computed for more than 200ms without calling its host");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[tokio::test]
    async fn other_tasks_go_on_while_a_guest_computes() {
        let limits = Limits { compute: Duration::from_secs(1), ..Limits::default() };
        let endless = call(r#"(func (export "f") (loop (br 0)))"#, limits);
        let nap = tokio::time::timeout(Duration::from_millis(900), tokio::task::yield_now());
        let (stopped, napped) = tokio::join!(endless, nap);
        assert!(stopped.is_err() && napped.is_ok());
    }

    #[tokio::test]
    async fn a_guest_that_eats_memory_is_stopped() {
        let limits = Limits { memory: 1 << 20, ..Limits::default() };
        let grow = |pages: u32| {
            format!(
                r#"(memory 8) (memory $other 1)
                (func (export "f") (drop (memory.grow $other (i32.const {pages}))))"#
            )
        };
        call(&grow(7), limits).await.expect("memory enough");
        let error = call(&grow(8), limits).await.expect_err("too much, the memories taken together");
        assert_eq!(one_line(&error), "it asked for 1114112 bytes of memory, more than the limit of 1048576");
        let tables = r#"(table 1 funcref) (func (export "f") (drop (table.grow (ref.null func) (i32.const 1000000))))"#;
        let error = call(tables, limits).await.expect_err("too much");
        assert_eq!(one_line(&error), "it asked for 8000008 bytes of memory, more than the limit of 1048576");
    }

    #[tokio::test]
    async fn a_trap_is_told_on_one_line() {
        let error = call(r#"(func (export "f") unreachable)"#, Limits::default()).await.expect_err("a trap");
        assert_eq!(one_line(&error), "wasm trap: wasm `unreachable` instruction executed");
    }
}
