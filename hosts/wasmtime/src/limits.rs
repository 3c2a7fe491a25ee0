use std::time::Duration;

use wasmtime::ResourceLimiter;

/// What a component may use up before it is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How much memory an instance may hold, in bytes. 256 MiB unless said otherwise.
    pub memory: usize,
    /// How long an instance may compute from one host callback to the next; the callbacks themselves do not count. 10
    /// seconds unless said otherwise.
    pub compute: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 256 << 20, compute: Duration::from_secs(10) }
    }
}

impl Limits {
    /// The unit in which computing is measured: fine enough for the limit, coarse enough to cost nothing.
    pub(crate) fn tick(self) -> Duration {
        (self.compute / 100).clamp(Duration::from_millis(1), Duration::from_millis(100))
    }
}

/// Counts the ticks that a guest computed since it last came back from a callback. Wall-clock time would not do: it
/// goes on while other tasks have the thread.
#[derive(Debug)]
pub(crate) struct Deadline {
    limit: Duration,
    tick: Duration,
    computed: Duration,
}

impl Deadline {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limit: limits.compute, tick: limits.tick(), computed: Duration::ZERO }
    }

    /// The guest hands over to the host: its time starts anew.
    pub(crate) fn restart(&mut self) {
        self.computed = Duration::ZERO;
    }

    /// One more tick; an error when that was one too many.
    pub(crate) fn count(&mut self) -> Result<(), wasmtime::Error> {
        self.computed = self.computed.saturating_add(self.tick);
        if self.computed > self.limit {
            wasmtime::bail!("it computed for more than {:?} without calling its host", self.limit);
        }
        Ok(())
    }
}

/// Keeps all memories and tables of an instance together under one limit.
#[derive(Debug)]
pub(crate) struct Memory {
    limit: usize,
    used: usize,
}

impl Memory {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limit: limits.memory, used: 0 }
    }

    fn grow(&mut self, bytes: usize) -> wasmtime::Result<bool> {
        let wanted = self.used.saturating_add(bytes);
        if wanted > self.limit {
            wasmtime::bail!("it asked for {wanted} bytes of memory, more than the limit of {}", self.limit);
        }
        self.used = wanted;
        Ok(true)
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.grow(desired.saturating_sub(current))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        self.grow(desired.saturating_sub(current).saturating_mul(size_of::<usize>()))
    }
}
