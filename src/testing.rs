//! A host in memory and a function that awaits it, for tests and examples. Needs the feature `testing`, which is off by
//! default.

mod memory;

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

pub use memory::{BwUsageUpdate, MemoryHost, Row, VolUsageUpdate};

/// Returns the output of a future that never waits, such as a call of the library with a [`MemoryHost`].
///
/// # Panics
///
/// Panics when the future waits.
#[allow(clippy::panic, reason = "a test that waits for a callback that never answers must fail")]
pub fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits"),
    }
}
