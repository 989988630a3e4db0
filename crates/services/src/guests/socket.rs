//! Sockets at the boot listener and at NFS for one guest alone: QEMU's relays connect to them.

use std::path::{Path, PathBuf};

use lab::{NFS_PORT, nfs_socket};
use netboot::{BootListener, PrivateOptions, Quota};
use tokio::task::JoinHandle;

use crate::{Services, error::ServiceError};

/// What a guest may write to its private root, which goes with it.
const QUOTA: Quota = Quota { bytes: 4 << 30, files: 1_000_000 };

/// Served until it is dropped, and then removed.
pub(crate) struct GuestSocket {
    path: PathBuf,
    served: JoinHandle<std::io::Result<()>>,
    nfs: JoinHandle<std::io::Result<()>>,
    /// Its private root.
    roots: PathBuf,
}

impl GuestSocket {
    /// Serves `listener` on a socket whose name begins with `kind` and ends as `id` does.
    pub(crate) async fn open(
        services: &Services,
        listener: BootListener,
        kind: &str,
        id: &str,
    ) -> Result<Self, ServiceError> {
        let folder = services.options().data_dir.join("work");
        std::fs::create_dir_all(&folder)?;
        // A socket's path has at most 107 bytes (unix(7)), and a data folder may lie deep.
        let tail: String = id.chars().rev().take(12).collect();
        let path = folder.join(format!("{kind}-{tail}.sock"));
        let roots = path.with_extension("roots");
        std::fs::create_dir_all(&roots)?;
        let listener = listener.with_nfs(Some(NFS_PORT));
        let (socket, serving) = (path.clone(), listener.clone());
        let served = tokio::spawn(async move {
            netboot::serve_guest(&socket, serving, std::future::pending()).await
        });
        let (socket, private) =
            (nfs_socket(&path), PrivateOptions { folder: roots.clone(), quota: QUOTA });
        let nfs =
            tokio::spawn(
                async move { netboot::serve_guest_nfs(&socket, &listener, private).await },
            );
        let opened = Self { path, served, nfs, roots };
        for (path, served) in
            [(opened.path.clone(), &opened.served), (nfs_socket(&opened.path), &opened.nfs)]
        {
            while !path.exists() && !served.is_finished() {
                tokio::task::yield_now().await;
            }
        }
        Ok(opened)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for GuestSocket {
    fn drop(&mut self) {
        self.served.abort();
        self.nfs.abort();
        // They may have never been there.
        let _ = std::fs::remove_file(&self.path);
        let _ = std::fs::remove_file(nfs_socket(&self.path));
        let _ = std::fs::remove_dir_all(&self.roots);
    }
}
