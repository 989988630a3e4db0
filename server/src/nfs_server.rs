//! The NFS server of `bootwright serve`: what it exports, and the key of its file handles, which must outlive it.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use netboot::{BootListener, PrivateOptions, Quota};
use nfs::Server;
use thiserror::Error;

/// The NFS server cannot begin.
#[derive(Debug, Error)]
#[error("NFS cannot be served: {path}: {source}; mend that, or start with --nfs-listen off", path = .path.display())]
pub(crate) struct NfsError {
    path: PathBuf,
    source: io::Error,
}

/// How many files a private root may hold for each GiB that it may hold; a full Debian has some
/// 100,000 in two.
const FILES_PER_GIB: u64 = 250_000;

/// A server of what the boot listener serves, with private roots of `gib` GiB in the data folder.
pub(crate) fn nfs_server(
    listener: &BootListener,
    data_dir: &Path,
    gib: u64,
) -> Result<Arc<Server>, NfsError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| NfsError { path, source }
    };
    let folder = data_dir.join("private-roots");
    fs::create_dir_all(&folder).map_err(failed(&folder))?;
    let key_file = data_dir.join("keys/nfs.key");
    let key = key(&key_file).map_err(failed(&key_file))?;
    let quota = Quota { bytes: gib << 30, files: gib * FILES_PER_GIB };
    listener.nfs_server(key, PrivateOptions { folder, quota }).map_err(failed(data_dir))
}

/// The key in a file; one is made where there is none.
fn key(file: &Path) -> io::Result<[u8; 32]> {
    match fs::read(file) {
        Ok(bytes) => bytes.try_into().map_err(|_| {
            io::Error::other(
                "this is no key of 32 bytes: remove it, and machines over NFS boot anew",
            )
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
        let made = key(&file).unwrap();
        assert_ne!(made, [0; 32]);
        assert_eq!(key(&file).unwrap(), made);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::write(&file, "short").unwrap();
        assert!(key(&file).unwrap_err().to_string().contains("no key of 32 bytes"));
    }
}
