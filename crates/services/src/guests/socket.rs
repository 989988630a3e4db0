//! A socket at the boot listener for one guest alone: QEMU's relay connects to it.

use std::path::{Path, PathBuf};

use netboot::BootListener;
use tokio::task::JoinHandle;

use crate::{Services, error::ServiceError};

/// Served until it is dropped, and then removed.
pub(crate) struct GuestSocket {
    path: PathBuf,
    served: JoinHandle<std::io::Result<()>>,
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
        let socket = path.clone();
        let served = tokio::spawn(async move {
            netboot::serve_guest(&socket, listener, std::future::pending()).await
        });
        let opened = Self { path, served };
        while !opened.path.exists() && !opened.served.is_finished() {
            tokio::task::yield_now().await;
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
        // It may have never been there.
        let _ = std::fs::remove_file(&self.path);
    }
}
