//! Folders: the names in them.

use crate::{SquashfsError, fields::Fields, inode::InodeRef};

/// What an entry's folder and the superblock take of its length, for `.` and `..`.
const DOTS: usize = 3;

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name: any bytes but `/` and NUL.
    pub name: Vec<u8>,
    /// Where its inode stands.
    pub inode: InodeRef,
    /// The number of its inode.
    pub number: u32,
}

/// Reads a listing of `length` bytes, in the order of the image: by the bytes of names.
pub(crate) fn entries(fields: Fields<'_>, length: usize) -> Result<Vec<Entry>, SquashfsError> {
    let mut listing = fields;
    let mut listing = Fields(listing.take(length.saturating_sub(DOTS))?);
    let mut entries = Vec::new();
    while !listing.0.is_empty() {
        let (count, block, first) = (listing.u32()?, listing.u32()?, listing.u32()?);
        if count > 255 {
            return Err(SquashfsError::Damaged("a folder has too many names in one run"));
        }
        for _ in 0..=count {
            let (offset, further, _kind) = (listing.u16()?, listing.i16()?, listing.u16()?);
            let length = usize::from(listing.u16()?) + 1;
            let name = listing.take(length)?;
            if length > 255
                || name.iter().any(|it| matches!(it, 0 | b'/'))
                || name == b"."
                || name == b".."
            {
                return Err(SquashfsError::Damaged("a name in a folder is none"));
            }
            entries.push(Entry {
                name: name.to_vec(),
                inode: InodeRef((u64::from(block) << 16) | u64::from(offset)),
                number: first.wrapping_add_signed(i32::from(further)),
            });
        }
    }
    Ok(entries)
}
