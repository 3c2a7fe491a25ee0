//! The functions of `period` beyond Nova, through the component.

mod common;

use common::component_path;
use nova_compute_utils_wasmtime::period::{PeriodOptions, Window};
use nova_compute_utils_wasmtime::types::Release;
use nova_compute_utils_wasmtime::{Callbacks, Clock, Error, Limits, Runtime};

fn period(unit: &str, clamp: bool) -> PeriodOptions {
    PeriodOptions { release: Release::Hibiscus, unit: unit.into(), clamp }
}

fn days(window: &Window) -> (&str, &str) {
    (window.begin.split('T').next().unwrap_or_default(), window.end.split('T').next().unwrap_or_default())
}

#[tokio::test]
async fn clamps_an_offset_on_request() {
    let plugin = Runtime::new(Limits::default()).and_then(|runtime| runtime.load(component_path())).expect("a plugin");
    let callbacks = Callbacks { conductor: (), notifier: () };
    let mut nova = plugin.instantiate(callbacks, Clock::System).await.expect("an instance");
    let before = "2026-05-02T00:00:00".to_owned();

    let Err(Error::Nova(error)) = nova.last_completed(&period("month@31", false), &before).await else {
        panic!("April has no day 31");
    };
    assert_eq!(error.code, "ValueError");
    let window = nova.last_completed(&period("month@31", true), &before).await.expect("a window");
    assert_eq!(days(&window), ("2026-03-31", "2026-04-30"));

    let (begin, end) = ("2026-01-31".to_owned(), "2026-05-15".to_owned());
    let windows = nova.windows_between(&period("month@31", true), &begin, &end).await.expect("windows");
    let expected = [("2026-01-31", "2026-02-28"), ("2026-02-28", "2026-03-31"), ("2026-03-31", "2026-04-30")];
    assert_eq!(windows.iter().map(days).collect::<Vec<_>>(), expected);
}
