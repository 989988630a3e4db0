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
            let count = self.piece(content, at, out.len() - written);
            let Some(into) = out.get_mut(written..written + count).filter(|it| !it.is_empty())
            else {
                break;
            };
            match self.stored(content, at, count)? {
                Some(piece) => into.copy_from_slice(&piece),
                None => into.fill(0),
            }
            written += count;
        }
        Ok(written)
    }

    /// The part of a file that begins at `offset`: not copied where it lies in one block.
    pub(crate) fn bytes(
        &self,
        content: &Content,
        offset: u64,
        count: usize,
    ) -> Result<Bytes, SquashfsError> {
        let count = count.min(index(content.size.saturating_sub(offset)));
        if self.piece(content, offset, count) == count
            && let Some(piece) = self.stored(content, offset, count)?
        {
            return Ok(piece);
        }
        let mut out = vec![0; count];
        let length = self.part(content, offset, &mut out)?;
        out.truncate(length);
        Ok(Bytes::from(out))
    }

    /// How many of the `most` bytes from `at` on lie in one block of the file.
    fn piece(&self, content: &Content, at: u64, most: usize) -> usize {
        let left = index(content.size.saturating_sub(at));
        (self.block - index(at % self.block as u64)).min(left).min(most)
    }

    /// What the block that holds `at` has there, `count` bytes; nothing where these are zeroes that are not
    /// stored.
    fn stored(
        &self,
        content: &Content,
        at: u64,
        count: usize,
    ) -> Result<Option<Bytes>, SquashfsError> {
        let (place, within) = (at / self.block as u64, index(at % self.block as u64));
        let (begin, stored, within) = match content.blocks.get(index(place)) {
            Some((_, 0)) => return Ok(None),
            Some((begin, stored)) => (*begin, *stored, within),
            None => {
                let (fragment, first) =
                    content.fragment.ok_or(SquashfsError::Damaged("a file has no end"))?;
                let (begin, stored) = usize::try_from(fragment)
                    .ok()
                    .and_then(|it| self.fragments.get(it))
                    .ok_or(SquashfsError::Damaged("the end of a file is nowhere"))?;
                (*begin, *stored, first.saturating_add(within))
            }
        };
        let block = self.block(begin, stored)?;
        let end = within.saturating_add(count);
        if end > block.len() {
            return Err(SquashfsError::Damaged("a block is shorter than its file says"));
        }
        Ok(Some(block.slice(within..end)))
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
