//! NFS version 3 over TCP, in user space, above any file system that a program has.
//!
//! What is exported stands behind two traits: [`Exports`] knows what can be mounted and by whom, and each
//! export is a [`FileSystem`]. This crate knows the protocol and nothing of what is exported.
//!
//! A [`Server`] answers the programs portmap, MOUNT, NFS and NFSACL on one port, so a client needs to know that port
//! only: `mount -o vers=3,tcp,port=N,mountport=N,nolock`. From the bytes up: `record` tells calls apart, `rpc`
//! says which procedure of which program a call is for, `xdr` reads its values, `nfs3` does what it asks.

mod connection;
mod connections;
mod file_system;
mod handle;
mod mount;
mod nfs3;
mod observer;
mod portmap;
mod record;
mod repeats;
mod rpc;
mod server;
mod xdr;

pub use connections::Limits;
pub use file_system::{
    Attributes, Caller, Change, Creation, Entry, ExportId, Exports, FileId, FileKind, FileSystem,
    Listing, MountRefused, NAME_MAX, Node, Part, SetTime, Space, Status, Time,
};
pub use handle::HandleKey;
pub use observer::Observer;
pub use record::Reply;
pub use server::{Server, ServerOptions};
