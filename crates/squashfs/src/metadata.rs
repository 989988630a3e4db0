//! Metadata: tables in compressed blocks of 8 KiB, read whole when an image is opened.

use std::{
    cell::RefCell, collections::HashMap, fs::File, io::Read as _, os::unix::fs::FileExt as _,
};

use zstd::bulk::Decompressor;

use crate::{SquashfsError, fields::Fields, superblock::Compression};

/// How many bytes a block of metadata holds, uncompressed.
pub(crate) const BLOCK: usize = 8192;
/// Set where a block of metadata is stored as it is.
const STORED: u16 = 0x8000;
/// The longest table that is taken into memory, in bytes: some four million inodes.
const LONGEST: usize = 256 * 1024 * 1024;

thread_local! {
    /// What takes longer to make than a block of metadata to uncompress.
    static ZSTD: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// The bytes of a compressed block, of which there are `most` at the most.
pub(crate) fn uncompressed(
    compression: Compression,
    bytes: &[u8],
    most: usize,
) -> Result<Vec<u8>, SquashfsError> {
    const DAMAGED: SquashfsError = SquashfsError::Damaged("a block cannot be uncompressed");
    match compression {
        Compression::Zstd => ZSTD.with_borrow_mut(|context| {
            if context.is_none() {
                *context = Some(Decompressor::new()?);
            }
            let Some(context) = context else { return Err(DAMAGED) };
            context.decompress(bytes, most).map_err(|_| DAMAGED)
        }),
        Compression::Lz4 => {
            let mut out = vec![0; most];
            let length = lz4_flex::block::decompress_into(bytes, &mut out).map_err(|_| DAMAGED)?;
            out.truncate(length);
            Ok(out)
        }
        Compression::Gzip => {
            let mut out = Vec::with_capacity(most);
            let longer = most as u64 + 1;
            let read = flate2::read::ZlibDecoder::new(bytes).take(longer).read_to_end(&mut out);
            if read.is_err() || out.len() > most { Err(DAMAGED) } else { Ok(out) }
        }
    }
}

/// A block of metadata, and where the next begins.
pub(crate) fn block(
    file: &File,
    compression: Compression,
    at: u64,
) -> Result<(Vec<u8>, u64), SquashfsError> {
    let mut header = [0; 2];
    file.read_exact_at(&mut header, at)?;
    let header = u16::from_le_bytes(header);
    let length = usize::from(header & !STORED);
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, at + 2)?;
    let next = at + 2 + length as u64;
    let bytes = match header & STORED {
        0 => uncompressed(compression, &bytes, BLOCK)?,
        _ => bytes,
    };
    if bytes.len() > BLOCK {
        return Err(SquashfsError::Damaged("a block of metadata is too long"));
    }
    Ok((bytes, next))
}

/// A table in memory. What names a place in it says where the block begins that holds it, counted from
/// the beginning of the table on the disk, and how far within.
#[derive(Debug)]
pub(crate) struct Table {
    bytes: Vec<u8>,
    /// Where what stands at a place on the disk stands in memory.
    blocks: HashMap<u64, usize>,
}

impl Table {
    /// Reads what lies from `begin` to `end`.
    pub(crate) fn read(
        file: &File,
        compression: Compression,
        begin: u64,
        end: u64,
    ) -> Result<Self, SquashfsError> {
        let (mut bytes, mut blocks) = (Vec::new(), HashMap::new());
        let mut at = begin;
        while at < end {
            let (content, next) = block(file, compression, at)?;
            if bytes.len() + content.len() > LONGEST {
                return Err(SquashfsError::Damaged("a table is too long"));
            }
            blocks.insert(at - begin, bytes.len());
            bytes.extend_from_slice(&content);
            at = next;
        }
        Ok(Self { bytes, blocks })
    }

    /// How many bytes it has.
    pub(crate) const fn length(&self) -> usize {
        self.bytes.len()
    }

    /// What stands from a place on.
    pub(crate) fn at(&self, block: u64, offset: u16) -> Result<Fields<'_>, SquashfsError> {
        let begin = self.blocks.get(&block).map(|it| it + usize::from(offset));
        let rest = begin.and_then(|it| self.bytes.get(it..));
        rest.map(Fields).ok_or(SquashfsError::Damaged("a reference leads out of its table"))
    }
}

/// The rows of a table that is found by a list of its blocks: `count` rows of `row` bytes.
pub(crate) fn listed(
    file: &File,
    compression: Compression,
    list: u64,
    (count, row): (usize, usize),
) -> Result<Vec<u8>, SquashfsError> {
    let whole = count.checked_mul(row).filter(|it| *it <= LONGEST);
    let whole = whole.ok_or(SquashfsError::Damaged("a table is too long"))?;
    let mut rows = Vec::with_capacity(whole.min(BLOCK));
    let mut at = list;
    while rows.len() < whole {
        let mut place = [0; 8];
        file.read_exact_at(&mut place, at)?;
        let (content, _) = block(file, compression, u64::from_le_bytes(place))?;
        if content.is_empty() {
            return Err(SquashfsError::Damaged("a block of a table is empty"));
        }
        rows.extend_from_slice(&content);
        at += 8;
    }
    rows.truncate(whole);
    Ok(rows)
}
