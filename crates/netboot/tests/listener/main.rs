//! The boot listener as machines meet it: real sockets, real blobs, every byte looked at.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests say so by failing")]

mod artifacts;
mod boots;
mod exports;
mod injection;
mod interpreter;
mod machines;
mod routes;
mod scripts;
mod support;
