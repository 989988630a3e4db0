//! An image, opened.

use std::{fs::File, os::unix::fs::FileExt as _};

use bytes::Bytes;

use crate::{
    SquashfsError,
    data::Data,
    directory::{self, Entry},
    fields::Fields,
    inode::{Inode, InodeRef, Kind},
    metadata::{Table, listed},
    superblock::{ABSENT, LENGTH, Superblock},
    xattr::{Xattr, Xattrs},
};

/// What the shortest inode takes, in bytes.
const SHORTEST: usize = 20;

/// An image whose tables are in memory; many threads may read it at once.
#[derive(Debug)]
pub struct Image {
    superblock: Superblock,
    ids: Vec<u32>,
    inodes: Table,
    directories: Table,
    xattrs: Xattrs,
    data: Data,
}

impl Image {
    /// Opens an image; `cache` is how much is kept of what was uncompressed, in bytes.
    ///
    /// # Errors
    /// Where the file cannot be read, is no squashfs image of a kind that is known here, or is damaged.
    pub fn open(file: File, cache: u64) -> Result<Self, SquashfsError> {
        let mut bytes = [0; LENGTH];
        file.read_exact_at(&mut bytes, 0)?;
        let superblock = Superblock::parse(&bytes)?;
        let compression = superblock.compression;
        let ids =
            listed(&file, compression, superblock.id_table, (usize::from(superblock.ids), 4))?;
        let ids = ids.as_chunks().0.iter().map(|it| u32::from_le_bytes(*it)).collect();
        let inodes =
            Table::read(&file, compression, superblock.inode_table, superblock.directory_table)?;
        if superblock.inodes as usize > inodes.length() / SHORTEST {
            return Err(SquashfsError::Damaged("it has more inodes than its table holds"));
        }
        let end = Self::end_of_directories(&file, &superblock)?;
        let directories = Table::read(&file, compression, superblock.directory_table, end)?;
        let xattrs = Xattrs::read(&file, &superblock)?;
        let data = Data::read(file, &superblock, cache)?;
        Ok(Self { superblock, ids, inodes, directories, xattrs, data })
    }

    /// Directories end where the blocks of the next table begin, which its list names first.
    fn end_of_directories(file: &File, superblock: &Superblock) -> Result<u64, SquashfsError> {
        let first = |list: u64| -> Result<u64, SquashfsError> {
            let mut place = [0; 8];
            file.read_exact_at(&mut place, list)?;
            Ok(u64::from_le_bytes(place))
        };
        if superblock.fragments > 0 {
            return first(superblock.fragment_table);
        }
        if superblock.export_table != ABSENT {
            return first(superblock.export_table);
        }
        first(superblock.id_table)
    }

    /// How many inodes it has.
    #[must_use]
    pub const fn inodes(&self) -> u32 {
        self.superblock.inodes
    }

    /// How many bytes of the file it takes.
    #[must_use]
    pub const fn bytes_used(&self) -> u64 {
        self.superblock.used
    }

    /// Where its root stands.
    #[must_use]
    pub const fn root(&self) -> InodeRef {
        InodeRef(self.superblock.root)
    }

    /// Reads an inode.
    ///
    /// # Errors
    /// Where nothing readable stands there.
    pub fn inode(&self, at: InodeRef) -> Result<Inode, SquashfsError> {
        let fields = self.inodes.at(at.block(), at.offset())?;
        Inode::parse(fields, &self.ids, self.superblock.block)
    }

    /// The names in a folder, by their bytes; none where it is no folder.
    ///
    /// # Errors
    /// Where the image is damaged.
    pub fn entries(&self, folder: &Inode) -> Result<Vec<Entry>, SquashfsError> {
        let Kind::Directory(listing) = &folder.kind else { return Ok(Vec::new()) };
        let empty = Fields(&[]);
        // Where a folder is empty its place may lie behind the end.
        let fields = match listing.length {
            0..=3 => empty,
            _ => self.directories.at(listing.block, listing.offset)?,
        };
        directory::entries(fields, listing.length)
    }

    /// Puts the part of a file that begins at `offset` into `out`; gives how many bytes these are, fewer than
    /// fit only where the file ends, and none where it is no file.
    ///
    /// # Errors
    /// Where the file of the image cannot be read, or the image is damaged.
    pub fn read(&self, file: &Inode, offset: u64, out: &mut [u8]) -> Result<usize, SquashfsError> {
        match &file.kind {
            Kind::File(content) => self.data.part(content, offset, out),
            Kind::Directory(_)
            | Kind::Symlink(_)
            | Kind::BlockDevice(..)
            | Kind::CharacterDevice(..)
            | Kind::Fifo
            | Kind::Socket => Ok(0),
        }
    }

    /// The `count` bytes of a file from `offset` on, fewer only where it ends; they are not copied where they
    /// lie in one block.
    ///
    /// # Errors
    /// As [`Image::read`].
    pub fn bytes(&self, file: &Inode, offset: u64, count: usize) -> Result<Bytes, SquashfsError> {
        match &file.kind {
            Kind::File(content) => self.data.bytes(content, offset, count),
            Kind::Directory(_)
            | Kind::Symlink(_)
            | Kind::BlockDevice(..)
            | Kind::CharacterDevice(..)
            | Kind::Fifo
            | Kind::Socket => Ok(Bytes::new()),
        }
    }

    /// The extended attributes of an inode.
    ///
    /// # Errors
    /// Where the image is damaged.
    pub fn xattrs(&self, inode: &Inode) -> Result<Vec<Xattr>, SquashfsError> {
        inode.xattrs.map_or_else(|| Ok(Vec::new()), |place| self.xattrs.at(place))
    }
}
