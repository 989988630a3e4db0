//! Finding and fetching sources of kernels, as the system user: against servers on loopback, against
//! repositories that the tests make, and against the Debian mirror of this host.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod archives;
mod bench;
mod debian;
mod folders;
mod https;
mod repository;
mod ssh;
#[path = "../support/mod.rs"]
mod support;
mod uploads;
