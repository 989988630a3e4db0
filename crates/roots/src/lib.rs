//! Root file systems of releases, as trees that can be exported over NFS.
//!
//! [`Layered`] shows the images of a release or a variant laid over each other, read-only, out of the images
//! themselves. [`WritableRoot`] is a machine's private copy of such a tree: it keeps what the machine changes
//! and reads all else from the images. Both decide by owner, group and mode who may do what.

mod layered;
mod permission;
mod writable;

pub use layered::Layered;
pub use writable::{Clock, Quota, RootError, WritableRoot};
