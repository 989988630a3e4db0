//! Inodes: what a file is, whose, and where its content lies.

use crate::{SquashfsError, data::STORED, fields::Fields};

/// Where an inode stands: the block of the table in the upper bits, the place within it in the lower 16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InodeRef(pub u64);

impl InodeRef {
    pub(crate) const fn block(self) -> u64 {
        self.0 >> 16
    }

    pub(crate) const fn offset(self) -> u16 {
        let [low, high, ..] = self.0.to_le_bytes();
        u16::from_le_bytes([low, high])
    }
}

/// What an inode is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Directory(Listing),
    /// A file.
    File(Content),
    /// A symbolic link, with its target.
    Symlink(Vec<u8>),
    /// A block device: its major and minor number.
    BlockDevice(u32, u32),
    /// A character device: its major and minor number.
    CharacterDevice(u32, u32),
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
}

/// Where the entries of a folder stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    pub(crate) block: u64,
    pub(crate) offset: u16,
    /// Length in bytes; 3 more than there are, for `.` and `..`.
    pub(crate) length: usize,
}

/// Where the content of a file lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    pub(crate) size: u64,
    /// Each whole block: where it begins and its length on the disk, with the bit that says how.
    pub(crate) blocks: Vec<(u64, u32)>,
    /// The fragment that holds its end, and where in there.
    pub(crate) fragment: Option<(u32, usize)>,
}

/// An inode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inode {
    /// Its number in the image, from 1.
    pub number: u32,
    /// What it is.
    pub kind: Kind,
    /// Permissions with setuid, setgid and sticky: the lower 12 bits of a mode.
    pub permissions: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Seconds since 1970.
    pub modified_at: u32,
    /// How many names it has.
    pub links: u32,
    /// Place of its extended attributes in their table.
    pub(crate) xattrs: Option<u32>,
}

impl Inode {
    /// Length in bytes: of a file its content, of a link its target, of all else 0.
    #[must_use]
    pub fn size(&self) -> u64 {
        match &self.kind {
            Kind::File(content) => content.size,
            Kind::Symlink(target) => target.len() as u64,
            Kind::Directory(_)
            | Kind::BlockDevice(..)
            | Kind::CharacterDevice(..)
            | Kind::Fifo
            | Kind::Socket => 0,
        }
    }

    /// About how much memory it takes, in bytes, for caches: a long file has many blocks.
    #[must_use]
    pub fn memory(&self) -> usize {
        let more = match &self.kind {
            Kind::File(content) => size_of_val(content.blocks.as_slice()),
            Kind::Symlink(target) => target.len(),
            Kind::Directory(_)
            | Kind::BlockDevice(..)
            | Kind::CharacterDevice(..)
            | Kind::Fifo
            | Kind::Socket => 0,
        };
        size_of::<Self>() + more
    }

    /// Reads the inode that `fields` begin with.
    pub(crate) fn parse(
        mut fields: Fields<'_>,
        ids: &[u32],
        block: usize,
    ) -> Result<Self, SquashfsError> {
        let kind = fields.u16()?;
        let permissions = fields.u16()? & 0o7777;
        let (uid, gid) = (fields.u16()?, fields.u16()?);
        let (modified_at, number) = (fields.u32()?, fields.u32()?);
        let id = |place: u16| {
            let unknown = SquashfsError::Damaged("an owner is not in the table of owners");
            ids.get(usize::from(place)).copied().ok_or(unknown)
        };
        let (uid, gid) = (id(uid)?, id(gid)?);
        let (kind, links, xattrs) = match kind {
            1 => directory(&mut fields)?,
            8 => extended_directory(&mut fields)?,
            2 => file(&mut fields, block)?,
            9 => extended_file(&mut fields, block)?,
            other => {
                let (kind, links) = small(&mut fields, other)?;
                (kind, links, if other > 7 { Some(fields.u32()?) } else { None })
            }
        };
        let xattrs = xattrs.filter(|it| *it != u32::MAX);
        Ok(Self { number, kind, permissions, uid, gid, modified_at, links, xattrs })
    }
}

type Parsed = Result<(Kind, u32, Option<u32>), SquashfsError>;

fn directory(fields: &mut Fields<'_>) -> Parsed {
    let (block, links) = (u64::from(fields.u32()?), fields.u32()?);
    let (length, offset) = (usize::from(fields.u16()?), fields.u16()?);
    Ok((Kind::Directory(Listing { block, offset, length }), links, None))
}

fn extended_directory(fields: &mut Fields<'_>) -> Parsed {
    let (links, length) = (fields.u32()?, fields.length()?);
    let (block, _parent) = (u64::from(fields.u32()?), fields.u32()?);
    let (_index, offset, xattrs) = (fields.u16()?, fields.u16()?, fields.u32()?);
    Ok((Kind::Directory(Listing { block, offset, length }), links, Some(xattrs)))
}

fn file(fields: &mut Fields<'_>, block: usize) -> Parsed {
    let (begin, fragment) = (u64::from(fields.u32()?), fields.u32()?);
    let (within, size) = (fields.length()?, u64::from(fields.u32()?));
    Ok((content(fields, block, begin, size, (fragment, within))?, 1, None))
}

fn extended_file(fields: &mut Fields<'_>, block: usize) -> Parsed {
    let (begin, size, _sparse) = (fields.u64()?, fields.u64()?, fields.u64()?);
    let (links, fragment) = (fields.u32()?, fields.u32()?);
    let (within, xattrs) = (fields.length()?, fields.u32()?);
    Ok((content(fields, block, begin, size, (fragment, within))?, links, Some(xattrs)))
}

/// The blocks of a file; their lengths on the disk are what `fields` go on with.
fn content(
    fields: &mut Fields<'_>,
    block: usize,
    begin: u64,
    size: u64,
    (fragment, within): (u32, usize),
) -> Result<Kind, SquashfsError> {
    let fragment = (fragment != u32::MAX).then_some((fragment, within));
    let count = match fragment {
        Some(_) => size / block as u64,
        None => size.div_ceil(block as u64),
    };
    let count = usize::try_from(count).ok().filter(|it| it.saturating_mul(4) <= fields.0.len());
    let count = count.ok_or(SquashfsError::Damaged("a file has more blocks than its table"))?;
    let mut blocks = Vec::with_capacity(count);
    let mut at = begin;
    for _ in 0..count {
        let length = fields.u32()?;
        blocks.push((at, length));
        at = at.saturating_add(u64::from(length & !STORED));
    }
    Ok(Kind::File(Content { size, blocks, fragment }))
}

/// Inodes without content; the upper kinds are the same with extended attributes behind.
fn small(fields: &mut Fields<'_>, kind: u16) -> Result<(Kind, u32), SquashfsError> {
    let links = fields.u32()?;
    let kind = match kind {
        3 | 10 => {
            let length = fields.length()?;
            Kind::Symlink(fields.take(length)?.to_vec())
        }
        4 | 11 => {
            let (major, minor) = device(fields.u32()?);
            Kind::BlockDevice(major, minor)
        }
        5 | 12 => {
            let (major, minor) = device(fields.u32()?);
            Kind::CharacterDevice(major, minor)
        }
        6 | 13 => Kind::Fifo,
        7 | 14 => Kind::Socket,
        _ => return Err(SquashfsError::Damaged("an inode is of no known kind")),
    };
    Ok((kind, links))
}

/// Major and minor number, as Linux packs them into 32 bits (`new_encode_dev`).
const fn device(packed: u32) -> (u32, u32) {
    ((packed & 0x000f_ff00) >> 8, (packed & 0xff) | ((packed >> 12) & 0x000f_ff00))
}
