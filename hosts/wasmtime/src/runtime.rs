mod exports;
mod reporter;

use std::path::Path;
use std::thread;

use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Cache, CacheConfig, Config, Engine, Store, UpdateDeadline};

use crate::bindings::nova::compute_utils::{conductor, notifier};
use crate::bindings::wasi::{clocks::wall_clock, random::random};
use crate::bindings::{ComputeUtils, ComputeUtilsPre};
use crate::callbacks::Callbacks;
use crate::clock::{Clock, Randomness};
use crate::error::{Error, one_line};
use crate::limits::{Deadline, Limits, Memory};
use crate::types;

pub use reporter::EventReporter;

/// An engine that compiles and runs components within limits.
#[derive(Clone, Debug)]
pub struct Runtime {
    engine: Engine,
    limits: Limits,
}

impl Runtime {
    /// Sets up an engine. It keeps compiled components in wasmtime's cache directory, so that each machine compiles a
    /// component once. If the directory is unavailable, it compiles components on every load.
    pub fn new(limits: Limits) -> Result<Self, Error> {
        let mut config = Config::new();
        config.epoch_interruption(true).cache(Cache::new(CacheConfig::new()).ok());
        let engine = Engine::new(&config).map_err(|error| Error::Engine(one_line(&error)))?;
        start_ticking(&engine, limits).map_err(|error| Error::Engine(error.to_string()))?;
        Ok(Self { engine, limits })
    }

    /// Compiles a component file and links it to the callbacks of a conductor and a notifier.
    pub fn load<C, N>(&self, path: impl AsRef<Path>) -> Result<Plugin<C, N>, Error>
    where
        C: conductor::Host + 'static,
        N: notifier::Host + 'static,
    {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::Read { path: path.into(), source })?;
        self.load_bytes(path, &bytes)
    }

    /// Compiles a component in memory and links it like [`Runtime::load`]. `name` identifies it in errors.
    pub fn load_bytes<C, N>(&self, name: impl AsRef<Path>, bytes: &[u8]) -> Result<Plugin<C, N>, Error>
    where
        C: conductor::Host + 'static,
        N: notifier::Host + 'static,
    {
        Component::from_binary(&self.engine, bytes)
            .and_then(|component| Plugin::link(self, &component))
            .map_err(|error| Error::Load { path: name.as_ref().into(), reason: one_line(&error) })
    }

    fn store<C: Send, N: Send>(&self, callbacks: Callbacks<C, N>, clock: Clock) -> Store<State<C, N>> {
        let state = State {
            callbacks,
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
            // Lets the other tasks of this thread run.
            Ok(UpdateDeadline::Yield(1))
        });
        store
    }
}

/// Starts the thread that advances the engine's epoch, the unit in which computing time is counted. The thread ends
/// with the engine.
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

/// The data of a store.
#[derive(Debug)]
struct State<C, N> {
    callbacks: Callbacks<C, N>,
    clock: Clock,
    randomness: Randomness,
    memory: Memory,
    deadline: Deadline,
}

impl<C, N> State<C, N> {
    /// Returns the callbacks for a call from the guest, and counts its computing time from zero again.
    fn callbacks(&mut self) -> &mut Callbacks<C, N> {
        self.deadline.restart();
        &mut self.callbacks
    }
}

/// A compiled component, linked to the callbacks of a conductor and a notifier. It makes any number of instances.
pub struct Plugin<C: 'static, N: 'static> {
    runtime: Runtime,
    pre: ComputeUtilsPre<State<C, N>>,
}

impl<C: conductor::Host + 'static, N: notifier::Host + 'static> Plugin<C, N> {
    fn link(runtime: &Runtime, component: &Component) -> wasmtime::Result<Self> {
        let mut linker = Linker::<State<C, N>>::new(&runtime.engine);
        conductor::add_to_linker::<_, HasSelf<C>>(&mut linker, |state| &mut state.callbacks().conductor)?;
        notifier::add_to_linker::<_, HasSelf<N>>(&mut linker, |state| &mut state.callbacks().notifier)?;
        wall_clock::add_to_linker::<_, HasSelf<Clock>>(&mut linker, |state| &mut state.clock)?;
        random::add_to_linker::<_, HasSelf<Randomness>>(&mut linker, |state| &mut state.randomness)?;
        let pre = ComputeUtilsPre::new(linker.instantiate_pre(component)?)?;
        Ok(Self { runtime: runtime.clone(), pre })
    }

    /// Links the same component to another conductor and notifier without compiling it again.
    pub fn connect<D, M>(&self) -> Result<Plugin<D, M>, Error>
    where
        D: conductor::Host + 'static,
        M: notifier::Host + 'static,
    {
        Plugin::link(&self.runtime, self.pre.instance_pre().component())
            .map_err(|error| Error::Instantiate(one_line(&error)))
    }

    /// Makes an instance with its own memory. Takes microseconds.
    pub async fn instantiate(&self, callbacks: Callbacks<C, N>, clock: Clock) -> Result<Instance<C, N>, Error> {
        let mut store = self.runtime.store(callbacks, clock);
        let exports =
            self.pre.instantiate_async(&mut store).await.map_err(|error| Error::Instantiate(one_line(&error)))?;
        Ok(Instance { store, exports, alive: true })
    }
}

/// An instance of the component: one method per exported function of the world `compute-utils`, under its name.
///
/// A function that fails returns [`Error::Nova`], and the instance stays usable. After [`Error::Stopped`], or after the
/// caller drops the future of a call, every further call fails with [`Error::Dead`].
pub struct Instance<C: 'static, N: 'static> {
    store: Store<State<C, N>>,
    exports: ComputeUtils,
    alive: bool,
}

impl<C: Send, N: Send> Instance<C, N> {
    /// Returns the conductor and the notifier.
    #[must_use]
    pub fn callbacks(&self) -> &Callbacks<C, N> {
        &self.store.data().callbacks
    }

    /// Returns the conductor and the notifier, to change them between calls.
    pub fn callbacks_mut(&mut self) -> &mut Callbacks<C, N> {
        &mut self.store.data_mut().callbacks
    }

    /// Begins a call. The instance is dead until [`Self::end`], so that a call that traps or is dropped leaves it dead.
    fn begin(&mut self) -> Result<(), Error> {
        if !std::mem::take(&mut self.alive) {
            return Err(Error::Dead);
        }
        self.store.data_mut().deadline.restart();
        Ok(())
    }

    fn end<A: Answer<T>, T>(&mut self, answer: wasmtime::Result<A>) -> Result<T, Error> {
        let answer = answer.map_err(|error| Error::Stopped(one_line(&error)))?;
        self.alive = true;
        answer.into_result()
    }
}

/// The return value of an exported function, which may be a `result` or not.
trait Answer<T> {
    fn into_result(self) -> Result<T, Error>;
}

impl<T> Answer<T> for T {
    fn into_result(self) -> Result<T, Error> {
        Ok(self)
    }
}

impl<T> Answer<T> for Result<T, types::Error> {
    fn into_result(self) -> Result<T, Error> {
        self.map_err(Error::Nova)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Calls the function `f` of a core module.
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

    const ENDLESS: &str = r#"(func (export "f") (loop (br 0)))"#;

    #[tokio::test]
    async fn stops_a_guest_that_exceeds_the_computing_time() {
        let limits = Limits { compute: Duration::from_millis(200), ..Limits::default() };
        let error = call(ENDLESS, limits).await.expect_err("the loop never ends");
        assert_eq!(one_line(&error), "it computed for more than 200ms without calling its host");
    }

    #[tokio::test]
    async fn lets_other_tasks_run_while_a_guest_computes() {
        let other_task = async {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            stopped = call(ENDLESS, Limits::default()) => panic!("the guest ended first: {stopped:?}"),
            () = other_task => {}
        }
    }

    #[tokio::test]
    async fn stops_a_guest_that_exceeds_the_memory() {
        let limits = Limits { memory: 1 << 20, ..Limits::default() };
        let grow = |pages: u32| {
            format!(
                r#"(memory 8) (memory $other 1)
                (func (export "f") (drop (memory.grow $other (i32.const {pages}))))"#
            )
        };
        call(&grow(7), limits).await.expect("within the limit");
        let error = call(&grow(8), limits).await.expect_err("the memories together exceed the limit");
        assert_eq!(one_line(&error), "it asked for 1114112 bytes of memory, more than the limit of 1048576");
        let tables = r#"(table 1 funcref) (func (export "f") (drop (table.grow (ref.null func) (i32.const 1000000))))"#;
        let error = call(tables, limits).await.expect_err("the table exceeds the limit");
        assert_eq!(one_line(&error), "it asked for 8000008 bytes of memory, more than the limit of 1048576");
    }

    #[tokio::test]
    async fn describes_a_trap_on_one_line() {
        let error = call(r#"(func (export "f") unreachable)"#, Limits::default()).await.expect_err("a trap");
        assert_eq!(one_line(&error), "wasm trap: wasm `unreachable` instruction executed");
    }
}
