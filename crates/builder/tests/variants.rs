//! Variants of a real release: what they change, how their layers stack, what they refuse, and what
//! hostile programs in them reach.
//!
//! Build steps and indexes come from `/var/cache/bootwright-test` where their inputs are known.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

#[path = "variants/changes.rs"]
mod changes;
#[path = "variants/hostile.rs"]
mod hostile;
#[path = "variants/kernels.rs"]
mod kernels;
#[path = "variants/playbooks.rs"]
mod playbooks;
#[path = "variants/recipes.rs"]
mod recipes;
#[path = "variants/refusals.rs"]
mod refusals;
mod support;
#[path = "variants/world.rs"]
mod world;
