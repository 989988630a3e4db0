//! From a definition to a record: hostile archives, what a tree does with a configuration, faults,
//! and the same bytes again. The kernels of `real` are real ones, compiled once and then cached.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

#[path = "kernels/archives.rs"]
mod archives;
#[path = "kernels/packed.rs"]
mod packed;
#[path = "kernels/real.rs"]
mod real;
mod support;
#[path = "kernels/tiny.rs"]
mod tiny;
#[path = "kernels/world.rs"]
mod world;
