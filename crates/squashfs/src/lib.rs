//! Reads squashfs images where they lie: directories, inodes, extended attributes, and any part of any file.
//!
//! Nothing is unpacked and nothing is mounted, so a server without privileges can show what is in an image of
//! a release, whoever owns it in there. An [`Image`] holds the tables of its inodes and directories in
//! memory (some megabytes for 30,000 inodes) and a bounded cache of blocks; many threads may read at once.
//!
//! The format is that of `Documentation/filesystems/squashfs.rst` of Linux and of
//! <https://dr-emann.github.io/squashfs/>; version 4.0, little-endian, compressed by gzip, lz4 or zstd. A damaged
//! image gives errors, never a panic and never more memory than its limits.

mod data;
mod directory;
mod error;
mod fields;
mod image;
mod inode;
mod metadata;
mod superblock;
mod xattr;

pub use directory::Entry;
pub use error::SquashfsError;
pub use image::Image;
pub use inode::{Inode, InodeRef, Kind};
pub use xattr::Xattr;
