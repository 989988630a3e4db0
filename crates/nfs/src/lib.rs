//! NFS version 3 over TCP, in user space, above any file system that a program has.
//!
//! What is exported stands behind two traits: [`Exports`] knows what can be mounted and by whom, and each
//! export is a [`FileSystem`]. This crate knows the protocol and nothing of what is exported.

mod file_system;

pub use file_system::{
    Attributes, Caller, Change, Creation, Entry, ExportId, Exports, FileId, FileKind, FileSystem,
    Listing, MountRefused, NAME_MAX, Node, Part, SetTime, Space, Status, Time,
};
