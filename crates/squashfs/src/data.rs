//! The content of files: blocks, each compressed by itself, and the ends of files that share one.

use std::{fs::File, os::unix::fs::FileExt as _};

use bytes::Bytes;
use quick_cache::{Weighter, sync::Cache};

use crate::{
    SquashfsError,
    fields::Fields,
    inode::Content,
    metadata::{listed, uncompressed},
    superblock::{Compression, Superblock},
};

/// Set in the length of a block that is stored as it is.
pub(crate) const STORED: u32 = 1 << 24;

/// A block of content in memory weighs what it is long.
#[derive(Debug, Clone)]
struct Length;

impl Weighter<u64, Bytes> for Length {
    fn weight(&self, _: &u64, block: &Bytes) -> u64 {
        block.len().max(1) as u64
    }
}

/// What reads the content of files.
#[derive(Debug)]
pub(crate) struct Data {
    file: File,
    compression: Compression,
    block: usize,
    fragments: Vec<(u64, u32)>,
    /// Uncompressed blocks by where they begin.
    cache: Cache<u64, Bytes, Length>,
}

impl Data {
    /// `cache` is how much is kept of uncompressed blocks, in bytes.
    pub(crate) fn read(
        file: File,
        superblock: &Superblock,
        cache: u64,
    ) -> Result<Self, SquashfsError> {
        let count = usize::try_from(superblock.fragments).unwrap_or(usize::MAX);
        let list = superblock.fragment_table;
        let rows = listed(&file, superblock.compression, list, (count, 16))?;
        let mut rows = Fields(&rows);
        let mut fragments = Vec::new();
        for _ in 0..count {
            let (begin, length, _unused) = (rows.u64()?, rows.u32()?, rows.u32()?);
            fragments.push((begin, length));
        }
        let blocks = usize::try_from(cache / superblock.block as u64).unwrap_or(usize::MAX).max(1);
        let cache = Cache::with_weighter(blocks, cache, Length);
        let (compression, block) = (superblock.compression, superblock.block);
        Ok(Self { file, compression, block, fragments, cache })
    }

    /// Puts the part of a file that begins at `offset` into `out`; gives how many bytes these are, fewer than
    /// fit only where the file ends.
    pub(crate) fn part(
        &self,
        content: &Content,
        offset: u64,
        out: &mut [u8],
    ) -> Result<usize, SquashfsError> {
        let mut written = 0;
        while written < out.len() {
            let at = offset.saturating_add(written as u64);
            if at >= content.size {
                break;
            }
            let (place, within) = (at / self.block as u64, at % self.block as u64);
            let (place, within) = (index(place), index(within));
            let left = content.size - (at - within as u64);
            let length = index(left).min(self.block);
            let rest = out.len() - written;
            let count = (length - within).min(rest);
            let into = &mut out[written..written + count];
            match content.blocks.get(place) {
                // A block of zeroes is not stored.
                Some((_, 0)) => into.fill(0),
                Some((begin, stored)) => {
                    let block = self.block(*begin, *stored)?;
                    into.copy_from_slice(slice(&block, within, count)?);
                }
                None => {
                    let (fragment, begin) =
                        content.fragment.ok_or(SquashfsError::Damaged("a file has no end"))?;
                    let (at, stored) = usize::try_from(fragment)
                        .ok()
                        .and_then(|it| self.fragments.get(it))
                        .ok_or(SquashfsError::Damaged("the end of a file is nowhere"))?;
                    let block = self.block(*at, *stored)?;
                    into.copy_from_slice(slice(&block, begin.saturating_add(within), count)?);
                }
            }
            written += count;
        }
        Ok(written)
    }

    /// A block, uncompressed: read once however many ask for it at the same time.
    fn block(&self, begin: u64, stored: u32) -> Result<Bytes, SquashfsError> {
        self.cache.get_or_insert_with(&begin, || {
            let length = index(u64::from(stored & !STORED));
            if length > 2 * self.block {
                return Err(SquashfsError::Damaged("a block is too long"));
            }
            let mut bytes = vec![0; length];
            self.file.read_exact_at(&mut bytes, begin)?;
            if stored & STORED == 0 {
                bytes = uncompressed(self.compression, &bytes, self.block)?;
            }
            Ok(Bytes::from(bytes))
        })
    }
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn slice(block: &Bytes, begin: usize, length: usize) -> Result<&[u8], SquashfsError> {
    let end = begin.saturating_add(length);
    block.get(begin..end).ok_or(SquashfsError::Damaged("a block is shorter than its file says"))
}
