//! Files of real runners (`server/tests/fixtures/results`), files that people keep by hand, and files
//! that nobody should make, read by the importers.

mod dump;
mod reading;
