//! Passwords: argon2id hashes in PHC form (RFC 9106, with the crate's recommended parameters).

use argon2::{
    Argon2,
    password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString},
};

use crate::error::ServiceError;

/// Of a password nobody has: 32 random bytes that were thrown away.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$1ZQ1N4JjNOTk5SDmdLvYb/2rB8pGkBqDmGXlxJxWwXk";

/// The hash to store for a new password. Takes tens of milliseconds: call it off the async threads.
///
/// # Errors
/// [`ServiceError::Internal`] where the system gives no random salt.
pub fn hash(password: &str) -> Result<String, ServiceError> {
    let mut salt = [0_u8; 16];
    getrandom::fill(&mut salt).map_err(ServiceError::internal)?;
    let salt = SaltString::encode_b64(&salt).map_err(ServiceError::internal)?;
    Argon2::default()
        .hash_password(password.as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(ServiceError::internal)
}

/// Whether `password` is the one that `stored` was made of. With no stored hash the same work is
/// done and the answer is no, so that the time tells nobody which names exist.
#[must_use]
pub fn matches(password: &str, stored: Option<&str>) -> bool {
    let known = PasswordHash::new(stored.unwrap_or(NOBODY));
    let correct = known
        .is_ok_and(|known| Argon2::default().verify_password(password.as_bytes(), &known).is_ok());
    correct && stored.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_matches_its_hash() {
        let stored = hash("correct horse").unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert!(matches("correct horse", Some(&stored)));
        assert!(!matches("correct horsf", Some(&stored)));
        assert!(!matches("correct horse", None));
        assert!(!matches("", Some("not a hash")));
    }

    #[test]
    fn the_hash_of_nobody_is_worked_through() {
        // A malformed one would be turned down at once and give names away by time; one of other
        // parameters by another time.
        let nobody = PasswordHash::new(NOBODY).unwrap();
        let somebody = hash("correct horse").unwrap();
        let somebody = PasswordHash::new(&somebody).unwrap();
        assert_eq!((nobody.algorithm, nobody.version), (somebody.algorithm, somebody.version));
        assert_eq!(nobody.params, somebody.params);
        assert!(nobody.salt.is_some() && nobody.hash.is_some());
    }
}
