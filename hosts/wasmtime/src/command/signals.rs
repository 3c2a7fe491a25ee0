//! Ctrl-C, INT, TERM and HUP: the first signal stops a run after the page at hand, the second one at once.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, mpsc};
use std::{io, process, thread};

use tokio::runtime;

use super::print_stderr;

/// Whether a signal asked this run to stop. A clone shares the answer.
#[derive(Clone, Debug, Default)]
pub struct Interruption {
    /// The number of the first signal; 0 before it.
    signal: Arc<AtomicU8>,
}

impl Interruption {
    /// Begins to listen. The signals no longer end the process themselves, except the second one.
    pub fn listen() -> io::Result<Self> {
        let interruption = Self::default();
        let (heard, (ready, is_ready)) = (interruption.clone(), mpsc::channel());
        // A thread of its own also hears a signal while the audit computes or waits for a write.
        thread::Builder::new().name("signals".into()).spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            let listening = runtime.and_then(|runtime| {
                let mut signals = runtime.block_on(async { Signals::new() })?;
                ready.send(Ok(())).ok();
                while let Some(signal) = runtime.block_on(signals.next()) {
                    heard.hear(signal);
                }
                Ok(())
            });
            // The run reads only the first answer.
            ready.send(listening).ok();
        })?;
        is_ready.recv().unwrap_or_else(|error| Err(io::Error::other(error)))?;
        Ok(interruption)
    }

    /// Returns the number of the first signal, if one came.
    pub fn signal(&self) -> Option<u8> {
        Some(self.signal.load(Ordering::SeqCst)).filter(|signal| *signal != 0)
    }

    fn hear(&self, signal: u8) {
        if let Err(first) = self.signal.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst) {
            process::exit(i32::from(exit_status(first)));
        }
        print_stderr("interrupted: this run stops after the page at hand; the next signal stops it at once");
    }
}

/// Returns the exit status of a run that a signal stopped, as shells report it.
pub fn exit_status(signal: u8) -> u8 {
    128_u8.saturating_add(signal)
}

#[cfg(unix)]
struct Signals(Vec<(u8, tokio::signal::unix::Signal)>);

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        let ignored = ignored();
        let kinds = [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::terminate()];
        let numbered = kinds.into_iter().filter_map(|kind| Some((u8::try_from(kind.as_raw_value()).ok()?, kind)));
        let heard = numbered.filter(|(number, _)| ignored & 1 << (number - 1) == 0);
        Ok(Self(heard.map(|(number, kind)| Ok((number, signal(kind)?))).collect::<io::Result<_>>()?))
    }

    async fn next(&mut self) -> Option<u8> {
        std::future::poll_fn(|context| {
            use std::task::Poll;

            for (number, signal) in &mut self.0 {
                if signal.poll_recv(context).is_ready() {
                    return Poll::Ready(Some(*number));
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Returns the signals that were ignored when this process began, as `nohup` ignores HUP: bit 0 is signal 1. They stay
/// ignored. A system without `/proc` does not tell.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) -> Option<u8> {
        // The number of INT.
        self.0.recv().await.map(|()| 2)
    }
}
