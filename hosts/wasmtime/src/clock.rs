use std::fmt;
use std::sync::Arc;

use chrono::{NaiveDateTime, Utc};
use wasmtime::format_err;

use crate::bindings::wasi::{clocks::wall_clock, random::random};

/// The current time for a component and its conductor, in UTC.
#[derive(Clone, Default)]
pub enum Clock {
    /// The clock of the operating system.
    #[default]
    System,
    /// A clock that always returns the same time, for reproducible runs.
    Fixed(NaiveDateTime),
    /// A clock that calls a function of the embedding program.
    Called(Arc<dyn Fn() -> NaiveDateTime + Send + Sync>),
}

impl Clock {
    /// Makes a clock that calls a function.
    pub fn called(read: impl Fn() -> NaiveDateTime + Send + Sync + 'static) -> Self {
        Self::Called(Arc::new(read))
    }

    /// Returns the current time.
    #[must_use]
    pub fn now(&self) -> NaiveDateTime {
        match self {
            Self::System => Utc::now().naive_utc(),
            Self::Fixed(time) => *time,
            Self::Called(read) => read(),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("System"),
            Self::Fixed(time) => f.debug_tuple("Fixed").field(time).finish(),
            Self::Called(_) => f.write_str("Called"),
        }
    }
}

impl wall_clock::Host for Clock {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let time = Clock::now(self).and_utc();
        Ok(wall_clock::Datetime {
            seconds: u64::try_from(time.timestamp()).map_err(|_| format_err!("the clock reads {time}, before 1970"))?,
            // chrono represents a leap second as a billion nanoseconds or more.
            nanoseconds: time.timestamp_subsec_nanos().min(999_999_999),
        })
    }
}

/// The random bytes of the operating system.
#[derive(Debug)]
pub(crate) struct Randomness;

impl random::Host for Randomness {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        // The message ids of a page take some kilobytes. A larger request would fill the memory of the host.
        const LIMIT: usize = 1 << 20;
        let len = usize::try_from(len)
            .ok()
            .filter(|len| *len <= LIMIT)
            .ok_or_else(|| format_err!("{len} random bytes are too many"))?;
        let mut bytes = vec![0; len];
        getrandom::fill(&mut bytes).map_err(|error| format_err!("no random bytes: {error}"))?;
        Ok(bytes)
    }
}
