//! Canonical JSON (RFC 8785): the one spelling over which digests are taken.

use serde::Serialize;

use crate::digest::Digest;

/// The value has no canonical JSON form (a map with keys that are not text, say).
#[derive(Debug, thiserror::Error)]
#[error("a value has no canonical JSON form")]
pub struct NotCanonical(#[from] serde_json::Error);

/// `value` as canonical JSON bytes.
///
/// # Errors
/// Where `value` cannot be written as JSON at all.
pub fn to_vec<T: Serialize>(value: &T) -> Result<Vec<u8>, NotCanonical> {
    Ok(serde_json_canonicalizer::to_vec(value)?)
}

/// The digest of `value`'s canonical JSON.
///
/// # Errors
/// As [`to_vec`].
pub fn digest<T: Serialize>(value: &T) -> Result<Digest, NotCanonical> {
    Ok(Digest::of(to_vec(value)?))
}
