//! Cases that have to wait for what comes after them: a suite whose end fails takes its cases along.
//!
//! They wait in memory while they are few and in a nameless temporary file beyond, so that a file of
//! results may be larger than the memory.

use std::{
    io::{self, BufReader, Seek as _, Write as _},
    marker::PhantomData,
};

use serde::{Serialize, de::DeserializeOwned};
use tempfile::{SpooledTempFile, spooled_tempfile};

use super::ResultFileError;

/// So many bytes wait in memory.
const IN_MEMORY: usize = 2 * 1024 * 1024;

/// What was put aside, in order.
pub(super) struct Aside<T> {
    bytes: SpooledTempFile,
    is_empty: bool,
    kind: PhantomData<T>,
}

impl<T> Default for Aside<T> {
    fn default() -> Self {
        Self { bytes: spooled_tempfile(IN_MEMORY), is_empty: true, kind: PhantomData }
    }
}

impl<T: Serialize + DeserializeOwned> Aside<T> {
    /// Puts one more aside.
    pub(super) fn push(&mut self, item: &T) -> Result<(), ResultFileError> {
        let write = |bytes: &mut SpooledTempFile| {
            // In one piece: each write may be a call of the system.
            bytes.write_all(&serde_json::to_vec(item)?)
        };
        self.is_empty = false;
        write(&mut self.bytes).map_err(ResultFileError::Aside)
    }

    /// Whether none waits.
    pub(super) const fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// All of them, in the order in which they came.
    pub(super) fn take(
        &mut self,
    ) -> Result<impl Iterator<Item = Result<T, ResultFileError>> + use<T>, ResultFileError> {
        let mut bytes = std::mem::take(self).bytes;
        bytes.rewind().map_err(ResultFileError::Aside)?;
        let items = serde_json::Deserializer::from_reader(BufReader::new(bytes)).into_iter();
        Ok(items.map(|item| item.map_err(|error| ResultFileError::Aside(io::Error::from(error)))))
    }
}
