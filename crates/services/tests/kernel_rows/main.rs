//! Kernels and uploads as use cases on real rows and blobs: everything around the builder, whose
//! part is written past the services where it is not what is looked at.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod building;
mod lifecycle;
mod room;
mod uploads;
mod world;
