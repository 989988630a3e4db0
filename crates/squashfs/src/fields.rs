//! Numbers and bytes, one after the other.

use crate::SquashfsError;

/// What has not been read yet of a structure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

const SHORT: SquashfsError = SquashfsError::Damaged("a structure ends too early");

impl<'a> Fields<'a> {
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], SquashfsError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(SHORT)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SquashfsError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, SquashfsError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn i16(&mut self) -> Result<i16, SquashfsError> {
        self.array().map(i16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, SquashfsError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, SquashfsError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A length that fits memory.
    pub(crate) fn length(&mut self) -> Result<usize, SquashfsError> {
        let length = self.u32()?;
        usize::try_from(length).map_err(|_| SHORT)
    }
}
