//! Root file systems of releases, as trees that can be exported over NFS.

mod layered;
mod permission;

pub use layered::Layered;
