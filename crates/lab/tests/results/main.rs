//! Files of real runners (`server/tests/fixtures/results`), files that people keep by hand, and files
//! that nobody should make, read by the importers.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod fuzz;
mod hostile;
mod junit;
mod memory;
mod own;
mod reading;
mod robot;
mod table;
mod tap;
