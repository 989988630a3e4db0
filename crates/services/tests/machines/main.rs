//! Machines from the use cases to the boot listener: what is changed here is what is served there.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod assigning;
mod boots;
mod known;
mod many;
mod world;
