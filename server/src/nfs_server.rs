//! The NFS server of `bootwright serve`: what it exports, and the key of its file handles, which must outlive it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use netboot::{BootListener, PrivateOptions, Quota};
use nfs::Server;
use services::secret_key;
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
    let key = secret_key(&key_file).map_err(failed(&key_file))?;
    let quota = Quota { bytes: gib << 30, files: gib * FILES_PER_GIB };
    listener.nfs_server(key, PrivateOptions { folder, quota }).map_err(failed(data_dir))
}
