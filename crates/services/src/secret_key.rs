//! Keys that this program makes for itself once: by them it knows again what it handed out before it was
//! started anew.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// The key in a file; one is made where there is none, readable for nobody else.
///
/// # Errors
/// Where the file cannot be read or written, or holds something else.
pub fn secret_key(file: &Path) -> io::Result<[u8; 32]> {
    match fs::read(file) {
        Ok(bytes) => bytes.try_into().map_err(|_| {
            io::Error::other("this is no key of 32 bytes: remove it, and machines boot anew")
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut key = [0; 32];
            getrandom::fill(&mut key)?;
            let part = file.with_extension("part");
            let mut written = fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&part)?;
            written.write_all(&key)?;
            written.sync_all()?;
            fs::rename(&part, file)?;
            Ok(key)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept_to_ourselves() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("nfs.key");
        let made = secret_key(&file).unwrap();
        assert_ne!(made, [0; 32]);
        assert_eq!(secret_key(&file).unwrap(), made);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&file, "short").unwrap();
        assert!(secret_key(&file).unwrap_err().to_string().contains("no key of 32 bytes"));
    }
}
