//! The crash test: audits that are killed at seeded moments and resumed until they are done lose no notification and
//! write none twice.
//!
//! `NOVA_COMPUTE_UTILS_CRASH_RUNS` is the number of kills and `NOVA_COMPUTE_UTILS_CRASH_SEED` the seed of the moments;
//! `cargo xtask crash` sets both.
#![cfg(target_os = "linux")]

mod common;

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Output};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use common::Cell;
use common::audits::{Expected, large_cell, message_ids, outcome, program, run, sent, signal, task_log};
use fastrand::Rng;

/// The signals and their numbers.
const SIGNALS: [(&str, i32); 4] = [("KILL", 9), ("INT", 2), ("TERM", 15), ("HUP", 1)];

/// The audits that run at the same time.
const WORKERS: usize = 2;

/// The part of an uninterrupted audit's time in which a run is killed: it takes several kills until the audit is done.
const LONGEST_RUN: f64 = 0.3;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

/// The cell that each audit gets a copy of, and what it must send.
struct Test {
    cell: Cell,
    expected: Expected,
    seed: u64,
    /// How many kills of each signal met a living process.
    kills: Mutex<BTreeMap<&'static str, u64>>,
}

impl Test {
    fn kills(&self) -> u64 {
        self.kills.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    fn count(&self, signal: &'static str) {
        *self.kills.lock().unwrap_or_else(PoisonError::into_inner).entry(signal).or_default() += 1;
    }

    /// Kills and resumes one audit until it is done.
    fn audit(&self, number: u64) {
        let mut rng = Rng::with_seed(self.seed.wrapping_add(number));
        let has_random_ids = number % 2 == 1;
        let message_ids_option = if has_random_ids { "--message-ids random" } else { "" };
        let cell = self.cell.copy();
        let name = format!("audit {number} of the seed {}", self.seed);
        let mut resume = "";
        while !self.run_and_kill(&cell, &format!("{message_ids_option} {resume}"), &mut rng, &name) {
            resume = if rng.bool() { "--resume" } else { "--resume=auto" };
        }

        let sent = sent(&cell);
        println!("{name}: {} notifications, {} kills so far", sent.len(), self.kills());
        if !has_random_ids {
            assert_eq!(message_ids(&sent).symmetric_difference(&self.expected.message_ids).next(), None, "{name}");
        }
        self.expected.assert_contents(&sent);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        assert_eq!(runtime.block_on(task_log(&cell)), self.expected.task_log, "{name}");
        outcome(&mut program(&cell, "status")).expect(0, &[]);
    }

    /// Starts a run and sends it a signal at a random moment. Returns whether the run ended first, with a finished audit.
    fn run_and_kill(&self, cell: &Cell, options: &str, rng: &mut Rng, name: &str) -> bool {
        let (signal_name, signal_number) = *rng.choice(&SIGNALS).expect("a signal");
        let child = run(cell, options).spawn().expect("the program");
        thread::sleep(self.expected.time.mul_f64(LONGEST_RUN * rng.f64()));
        signal(&child, signal_name);
        if signal_number != 9 && rng.u8(..4) == 0 {
            // A second signal ends the process at once.
            thread::sleep(self.expected.time.mul_f64(rng.f64() / 100.0));
            signal(&child, signal_name);
        }
        let Output { status, stderr, .. } = child.wait_with_output().expect("the program");
        if is_ended_by(status, signal_number) {
            self.count(signal_name);
            return false;
        }
        let stderr = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(0), "{name}, after {signal_name}: {stderr}");
        true
    }
}

/// Returns whether a signal ended the process: directly, or by the process's own exit status for it.
fn is_ended_by(status: ExitStatus, signal: i32) -> bool {
    status.signal() == Some(signal) || status.code() == Some(128 + signal)
}

#[test]
fn killed_audits_lose_nothing_and_write_nothing_twice() {
    let (runs, seed) = (setting("NOVA_COMPUTE_UTILS_CRASH_RUNS", 40), setting("NOVA_COMPUTE_UTILS_CRASH_SEED", 9));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let cell = runtime.block_on(large_cell());
    let expected = runtime.block_on(Expected::of(&cell));
    assert_eq!((expected.contents.len(), expected.task_log.len()), (4_000, 40), "2,000 instances on 40 hosts");
    let test = Test { cell, expected, seed, kills: Mutex::default() };

    let (start, audits) = (Instant::now(), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while test.kills() < runs {
                    test.audit(audits.fetch_add(1, Ordering::Relaxed));
                }
            });
        }
    });
    let kills = test.kills.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let audits = audits.into_inner();
    println!(
        "seed {seed}: {} kills {kills:?} of {audits} audits, {} notifications, none lost, none twice, {:.1} minutes",
        kills.values().sum::<u64>(),
        audits * 4_000,
        start.elapsed().as_secs_f64() / 60.0
    );
}
