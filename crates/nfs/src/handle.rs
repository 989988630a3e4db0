//! File handles: what a client shows to say which file it means.
//!
//! A handle names an export and a file in it, and carries a code by a key that only the server has. So it says
//! the same after a restart with the same key, and nobody can make up one that he was not given.

use std::fmt;

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::{ExportId, FileId};

/// The form of handles, as their first byte: another one can come beside it.
const VERSION: u8 = 1;
/// How long the code in a handle is, in bytes.
const CODE: usize = 16;
/// How long what stands before the code is: version, export, file.
const NAMED: usize = 1 + 16 + 8;
/// How long a handle is, in bytes; RFC 1813 §2.4 allows 64.
pub(crate) const LENGTH: usize = NAMED + CODE;

/// The key by which handles are known for the server's own: 32 bytes that stay secret, and stay the same as
/// long as handles that clients hold are to be good.
#[derive(Clone)]
pub struct HandleKey(Hmac<Sha256>);

impl HandleKey {
    /// Takes the key.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        // A key of one block of the hash is taken as it is by HMAC (RFC 2104 §2), zeroes behind it.
        let mut block = [0; 64];
        for (to, from) in block.iter_mut().zip(key) {
            *to = from;
        }
        Self(Hmac::new(&block.into()))
    }

    /// The handle of a file.
    pub(crate) fn seal(&self, export: ExportId, file: FileId) -> [u8; LENGTH] {
        let mut handle = [0; LENGTH];
        let named = std::iter::once(VERSION).chain(export.0).chain(file.to_be_bytes());
        for (to, from) in handle.iter_mut().zip(named.chain(self.code(export, file))) {
            *to = from;
        }
        handle
    }

    /// What a handle names; `None` where it is none of this key's.
    pub(crate) fn open(&self, handle: &[u8]) -> Option<(ExportId, FileId)> {
        let (&[VERSION], rest) = handle.split_first_chunk()? else { return None };
        let (export, rest) = rest.split_first_chunk()?;
        let (file, code) = rest.split_first_chunk()?;
        if code.len() != CODE {
            return None;
        }
        let (export, file) = (ExportId(*export), FileId::from_be_bytes(*file));
        // Compares in the same time wherever they differ.
        self.begun(export, file).verify_truncated_left(code).ok()?;
        Some((export, file))
    }

    fn code(&self, export: ExportId, file: FileId) -> impl Iterator<Item = u8> {
        self.begun(export, file).finalize().into_bytes().into_iter().take(CODE)
    }

    fn begun(&self, export: ExportId, file: FileId) -> Hmac<Sha256> {
        let mut code = self.0.clone();
        code.update(&[VERSION]);
        code.update(&export.0);
        code.update(&file.to_be_bytes());
        code
    }
}

impl fmt::Debug for HandleKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HandleKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPORT: ExportId = ExportId([7; 16]);

    #[test]
    fn a_handle_opens_with_its_key_only() {
        let handle = HandleKey::new([1; 32]).seal(EXPORT, 42);
        assert_eq!(HandleKey::new([1; 32]).open(&handle), Some((EXPORT, 42)));
        assert_eq!(HandleKey::new([2; 32]).open(&handle), None);
    }

    #[test]
    fn a_handle_with_any_bit_changed_opens_nothing() {
        let key = HandleKey::new([1; 32]);
        let handle = key.seal(EXPORT, 42);
        for bit in 0..LENGTH * 8 {
            let mut forged = handle;
            forged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.open(&forged), None, "bit {bit}");
        }
    }

    #[test]
    fn a_handle_of_another_length_opens_nothing() {
        let key = HandleKey::new([1; 32]);
        let handle = key.seal(EXPORT, 42);
        for length in 0..LENGTH {
            assert_eq!(key.open(&handle[..length]), None);
        }
        assert_eq!(key.open(&[&handle[..], &[0]].concat()), None);
    }

    /// Clients hold handles over an upgrade of the server.
    #[test]
    fn handles_stay_what_they_are() {
        let handle = HandleKey::new([1; 32]).seal(EXPORT, 42);
        assert_eq!(handle[..NAMED], [&[1][..], &[7; 16], &42_u64.to_be_bytes()].concat());
        let code = 0x7d2505844b574fe7b7389a642e5bf27d_u128;
        assert_eq!(handle[NAMED..], code.to_be_bytes());
    }
}
