//! The clock and the identifiers of a running installation. Tests hold their own.

use domain::{
    ids::IdGenerator,
    time::{Clock, Timestamp},
};

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everything else injects")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Timestamp(since.map_or(0, |length| i64::try_from(length.as_micros()).unwrap_or(i64::MAX)))
    }
}

/// Time-ordered identifiers: `UUIDv7` (RFC 9562).
#[derive(Debug, Clone, Copy, Default)]
pub struct Uuids;

impl IdGenerator for Uuids {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the generator that everything else injects"
    )]
    fn next_id(&self) -> String {
        uuid::Uuid::now_v7().to_string()
    }
}

/// A secret that nobody guesses: 32 random bytes as base64 without padding, fit for a URL.
///
/// # Errors
/// Where the system gives no random bytes.
pub fn random_token() -> Result<String, crate::error::ServiceError> {
    use base64::Engine as _;
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(crate::error::ServiceError::internal)?;
    Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
}
