//! What tests with guests share: a clock, and the program that QEMU and suites start.
#![allow(dead_code, reason = "each test uses its part of this")]

use std::{path::PathBuf, time::Instant};

use domain::time::{Clock, Timestamp};

/// Time since a test began: nobody asks for the time of day.
pub(crate) struct SinceStart(pub(crate) Instant);

impl Clock for SinceStart {
    fn now(&self) -> Timestamp {
        Timestamp(i64::try_from(self.0.elapsed().as_micros()).unwrap())
    }
}

/// Beside a test's own program: `target/debug/deps/<this>` and `target/debug/examples/relay`.
pub(crate) fn relay_program() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    own.ancestors().nth(2).unwrap().join("examples/relay")
}
