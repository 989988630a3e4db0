//! Signatures over manifests: Ed25519 in minisign's format, so that a stock `minisign -V` verifies.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use minisign::{KeyPair, PublicKey, SecretKey};
use thiserror::Error;

const COMMENT: &str = "Bootwright release signing key";

/// The signing key cannot be used.
#[derive(Debug, Error)]
pub enum SigningError {
    /// The key's folder or file refuses.
    #[error("cannot {doing} the signing key {path}: {source}")]
    File {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The key's file is readable by others.
    #[error(
        "the signing key {path} is open to others (mode {mode:o}): run chmod 600 on it, and make a new key if somebody may have read it"
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Key or signature have another form.
    #[error("the signing key cannot be used: {0}")]
    Key(#[from] minisign::PError),
}

/// The installation's signing key. It is in no sandbox and not in the database.
#[derive(Clone)]
pub struct SigningKey {
    secret: SecretKey,
    public: PublicKey,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.key_id())
    }
}

impl SigningKey {
    /// The key in `folder`, made with mode 0600 where there is none yet.
    ///
    /// # Errors
    /// Where it cannot be read or made, or others can read it.
    pub fn open_or_create(folder: &Path) -> Result<Self, SigningError> {
        let path = folder.join("signing.key");
        let failed = |doing| {
            let path = path.clone();
            move |source| SigningError::File { doing, path, source }
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed("make a folder for"))?;
        match fs::metadata(&path) {
            Ok(metadata) => {
                let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
                if mode & 0o077 != 0 {
                    return Err(SigningError::Exposed { path, mode });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let pair = KeyPair::generate_unencrypted_keypair()?;
                let text = pair.sk.to_box(Some(COMMENT))?.to_string();
                // Written whole before it gets its name: an interrupted start leaves no half key.
                let part = folder.join("signing.key.part");
                let _ = fs::remove_file(&part);
                fs::OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(&part)
                    .and_then(|mut file| {
                        file.write_all(text.as_bytes()).and_then(|()| file.sync_all())
                    })
                    .and_then(|()| fs::rename(&part, &path))
                    .map_err(failed("write"))?;
            }
            Err(error) => return Err(failed("look at")(error)),
        }
        let text = fs::read_to_string(&path).map_err(failed("read"))?;
        let secret = minisign::SecretKeyBox::from_string(&text)?.into_unencrypted_secret_key()?;
        let public = PublicKey::from_secret_key(&secret)?;
        Ok(Self { secret, public })
    }

    /// The public key, as a file for `minisign -p`.
    #[must_use]
    pub fn public_key(&self) -> String {
        self.public.to_box().map(|key| key.to_string()).unwrap_or_default()
    }

    /// The key's id, as minisign prints it.
    #[must_use]
    pub fn key_id(&self) -> String {
        self.public.keynum().iter().rev().map(|byte| format!("{byte:02X}")).collect()
    }

    /// A signature over `bytes`, as a file for `minisign -x`. The comment is signed as well.
    ///
    /// # Errors
    /// Where the key cannot sign.
    pub fn sign(&self, bytes: &[u8], comment: &str) -> Result<String, SigningError> {
        let signature =
            minisign::sign(Some(&self.public), &self.secret, bytes, Some(comment), Some(COMMENT))?;
        Ok(signature.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_its_signatures_verify() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        let key = SigningKey::open_or_create(&keys).unwrap();
        let again = SigningKey::open_or_create(&keys).unwrap();
        assert_eq!(key.public_key(), again.public_key());
        let signature = key.sign(b"manifest", "a comment").unwrap();
        let public = minisign::PublicKeyBox::from_string(&again.public_key()).unwrap();
        let public = public.into_public_key().unwrap();
        let signature = minisign::SignatureBox::from_string(&signature).unwrap();
        let check = |bytes: &[u8]| {
            minisign::verify(&public, &signature, io::Cursor::new(bytes), true, false, false)
        };
        check(b"manifest").unwrap();
        check(b"Manifest").unwrap_err();
    }

    #[test]
    fn an_exposed_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        SigningKey::open_or_create(folder.path()).unwrap();
        let path = folder.path().join("signing.key");
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        fs::set_permissions(&path, open).unwrap();
        let error = SigningKey::open_or_create(folder.path()).unwrap_err();
        assert!(matches!(error, SigningError::Exposed { mode: 0o644, .. }), "{error}");
    }
}
