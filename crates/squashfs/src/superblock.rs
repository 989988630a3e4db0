//! The superblock: what kind of image it is, and where its tables lie.

use crate::{SquashfsError, fields::Fields};

/// Length of the superblock, in bytes.
pub(crate) const LENGTH: usize = 96;
const MAGIC: u32 = 0x7371_7368;
/// Where a table would lie that is not there.
pub(crate) const ABSENT: u64 = u64::MAX;

/// How blocks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    Gzip,
    Lz4,
    Zstd,
}

/// The superblock of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Superblock {
    pub(crate) inodes: u32,
    /// Seconds since 1970.
    pub(crate) modified_at: u32,
    /// Length of the blocks of files, in bytes.
    pub(crate) block: usize,
    pub(crate) fragments: u32,
    pub(crate) compression: Compression,
    pub(crate) ids: u16,
    pub(crate) root: u64,
    pub(crate) used: u64,
    pub(crate) id_table: u64,
    pub(crate) xattr_table: u64,
    pub(crate) inode_table: u64,
    pub(crate) directory_table: u64,
    pub(crate) fragment_table: u64,
    pub(crate) export_table: u64,
}

impl Superblock {
    pub(crate) fn parse(bytes: &[u8; LENGTH]) -> Result<Self, SquashfsError> {
        let mut fields = Fields(bytes);
        if fields.u32()? != MAGIC {
            return Err(SquashfsError::Unsupported(
                "it does not begin as squashfs does".to_owned(),
            ));
        }
        let (inodes, modified_at) = (fields.u32()?, fields.u32()?);
        let (block, fragments) = (fields.u32()?, fields.u32()?);
        let compression = match fields.u16()? {
            1 => Compression::Gzip,
            5 => Compression::Lz4,
            6 => Compression::Zstd,
            other => {
                let what =
                    format!("its compression is number {other}; gzip, lz4 and zstd are known");
                return Err(SquashfsError::Unsupported(what));
            }
        };
        let (block_log, _flags, ids) = (fields.u16()?, fields.u16()?, fields.u16()?);
        let version = (fields.u16()?, fields.u16()?);
        if version != (4, 0) {
            let what = format!("its version is {}.{}, not 4.0", version.0, version.1);
            return Err(SquashfsError::Unsupported(what));
        }
        if !(12..=20).contains(&block_log) || block != 1 << block_log {
            return Err(SquashfsError::Damaged("its length of blocks is none"));
        }
        Ok(Self {
            inodes,
            modified_at,
            block: 1 << block_log,
            fragments,
            compression,
            ids,
            root: fields.u64()?,
            used: fields.u64()?,
            id_table: fields.u64()?,
            xattr_table: fields.u64()?,
            inode_table: fields.u64()?,
            directory_table: fields.u64()?,
            fragment_table: fields.u64()?,
            export_table: fields.u64()?,
        })
    }
}
