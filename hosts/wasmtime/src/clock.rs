use std::fmt;
use std::sync::Arc;

use chrono::{NaiveDateTime, Utc};
use wasmtime::format_err;

use crate::bindings::wasi::{clocks::wall_clock, random::random};

/// What a component, and the conductor beside it, take for the time of day. Always UTC.
#[derive(Clone, Default)]
pub enum Clock {
    /// The clock of the operating system.
    #[default]
    System,
    /// A clock that stands still, for runs that can be repeated.
    Fixed(NaiveDateTime),
    /// A clock of the embedding program's own.
    Called(Arc<dyn Fn() -> NaiveDateTime + Send + Sync>),
}

impl Clock {
    /// A clock that asks a function.
    pub fn called(read: impl Fn() -> NaiveDateTime + Send + Sync + 'static) -> Self {
        Self::Called(Arc::new(read))
    }

    /// What the clock reads.
    #[must_use]
    pub fn now(&self) -> NaiveDateTime {
        match self {
            Self::System => Utc::now().naive_utc(),
            Self::Fixed(moment) => *moment,
            Self::Called(read) => read(),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("System"),
            Self::Fixed(moment) => f.debug_tuple("Fixed").field(moment).finish(),
            Self::Called(_) => f.write_str("Called"),
        }
    }
}

impl wall_clock::Host for Clock {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        let moment = Clock::now(self).and_utc();
        Ok(wall_clock::Datetime {
            seconds: u64::try_from(moment.timestamp())
                .map_err(|_| format_err!("the clock reads {moment}, before 1970"))?,
            // chrono counts a leap second on from here.
            nanoseconds: moment.timestamp_subsec_nanos().min(999_999_999),
        })
    }
}

/// The operating system's random bytes.
#[derive(Debug)]
pub(crate) struct Randomness;

impl random::Host for Randomness {
    fn get_random_bytes(&mut self, len: u64) -> wasmtime::Result<Vec<u8>> {
        // A page of message ids takes some kilobytes; whoever wants gigabytes only wants the host's memory.
        const MOST: usize = 1 << 20;
        let len = usize::try_from(len)
            .ok()
            .filter(|len| *len <= MOST)
            .ok_or_else(|| format_err!("{len} random bytes are too many"))?;
        let mut bytes = vec![0; len];
        getrandom::fill(&mut bytes).map_err(|error| format_err!("no random bytes: {error}"))?;
        Ok(bytes)
    }
}
