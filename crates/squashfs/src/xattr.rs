//! Extended attributes.

use std::fs::File;

use crate::{
    SquashfsError,
    fields::Fields,
    metadata::{Table, listed},
    superblock::{ABSENT, Superblock},
};

/// Set in the kind of a name whose value stands elsewhere, since others have the same.
const ELSEWHERE: u16 = 0x100;
/// How many attributes one inode may have.
const MOST: u32 = 4096;

/// An extended attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Xattr {
    /// Its name with what it begins with, such as `user.overlay.opaque`.
    pub name: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
}

/// All extended attributes of an image.
#[derive(Debug, Default)]
pub(crate) struct Xattrs {
    /// Names and values; `None` where the image has none.
    pairs: Option<Table>,
    /// Of each place: where its first pair stands, and how many there are.
    places: Vec<(u64, u32)>,
}

impl Xattrs {
    pub(crate) fn read(file: &File, superblock: &Superblock) -> Result<Self, SquashfsError> {
        use std::os::unix::fs::FileExt as _;
        if superblock.xattr_table == ABSENT {
            return Ok(Self::default());
        }
        let mut header = [0; 16];
        file.read_exact_at(&mut header, superblock.xattr_table)?;
        let mut header = Fields(&header);
        let (begin, count) = (header.u64()?, header.length()?);
        if count == 0 {
            return Ok(Self::default());
        }
        let list = superblock.xattr_table + 16;
        let rows = listed(file, superblock.compression, list, (count, 16))?;
        let mut first = [0; 8];
        file.read_exact_at(&mut first, list)?;
        // The blocks of places come right behind those of pairs.
        let pairs = Table::read(file, superblock.compression, begin, u64::from_le_bytes(first))?;
        let mut rows = Fields(&rows);
        let mut places = Vec::new();
        for _ in 0..count {
            let (place, pairs, _size) = (rows.u64()?, rows.u32()?, rows.u32()?);
            places.push((place, pairs));
        }
        Ok(Self { pairs: Some(pairs), places })
    }

    /// Those at a place.
    pub(crate) fn at(&self, place: u32) -> Result<Vec<Xattr>, SquashfsError> {
        const UNKNOWN: SquashfsError = SquashfsError::Damaged("an extended attribute is nowhere");
        let place = usize::try_from(place).ok().and_then(|it| self.places.get(it));
        let (Some((begin, count)), Some(table)) = (place, &self.pairs) else { return Err(UNKNOWN) };
        if *count > MOST {
            return Err(SquashfsError::Damaged("an inode has too many extended attributes"));
        }
        let mut fields = at(table, *begin)?;
        (0..*count).map(|_| pair(table, &mut fields)).collect()
    }
}

fn at(table: &Table, place: u64) -> Result<Fields<'_>, SquashfsError> {
    let [low, high, ..] = place.to_le_bytes();
    table.at(place >> 16, u16::from_le_bytes([low, high]))
}

fn pair(table: &Table, fields: &mut Fields<'_>) -> Result<Xattr, SquashfsError> {
    let (kind, length) = (fields.u16()?, usize::from(fields.u16()?));
    let prefix: &[u8] = match kind & 0xff {
        0 => b"user.",
        1 => b"trusted.",
        2 => b"security.",
        _ => return Err(SquashfsError::Damaged("an extended attribute is of no known kind")),
    };
    let name = [prefix, fields.take(length)?].concat();
    let length = fields.length()?;
    let value = fields.take(length)?;
    let value = if kind & ELSEWHERE == 0 {
        value.to_vec()
    } else {
        let mut elsewhere = at(table, Fields(value).u64()?)?;
        let length = elsewhere.length()?;
        elsewhere.take(length)?.to_vec()
    };
    Ok(Xattr { name, value })
}
