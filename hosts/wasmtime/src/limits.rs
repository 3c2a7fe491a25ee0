use std::time::Duration;

use wasmtime::ResourceLimiter;

/// The limits of an instance. The host stops an instance that exceeds one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The size of all memories and tables of an instance, in bytes. Default: 256 MiB.
    pub memory: usize,
    /// The computing time between two host callbacks; time inside a callback does not count. Default: 10 seconds.
    pub compute: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 256 << 20, compute: Duration::from_secs(10) }
    }
}

impl Limits {
    /// Returns the unit in which computing time is measured: fine enough for the limit, coarse enough to cost little.
    pub(crate) fn tick(self) -> Duration {
        (self.compute / 100).clamp(Duration::from_millis(1), Duration::from_millis(100))
    }
}

/// The computing time of a guest since its last callback, counted in ticks. Wall-clock time would also count the time
/// that other tasks spend on the thread.
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

    /// Starts counting from zero.
    pub(crate) fn restart(&mut self) {
        self.computed = Duration::ZERO;
    }

    /// Counts one tick. Fails when the limit is exceeded.
    pub(crate) fn count(&mut self) -> Result<(), wasmtime::Error> {
        self.computed = self.computed.saturating_add(self.tick);
        if self.computed > self.limit {
            wasmtime::bail!("it computed for more than {:?} without calling its host", self.limit);
        }
        Ok(())
    }
}

/// The size of all memories and tables of an instance, under one limit.
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
        let total = self.used.saturating_add(bytes);
        if total > self.limit {
            wasmtime::bail!("it asked for {total} bytes of memory, more than the limit of {}", self.limit);
        }
        self.used = total;
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
