//! The compiler cache of a kernel: what its development builds compiled before.
//!
//! Each kernel has a folder of its own below that of the step cache, which no other kernel's tree can
//! write to; a release build never sees any. It is filled from inside sandboxes, by one subordinate id
//! or another, and so open to all of them; the folders above are not to be listed.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use domain::ids::KernelId;

use crate::{BuildError, Builder};

/// Name of the folder below that of the step cache.
const FOLDER: &str = "ccache";

fn folder(cache: &Path, kernel: &KernelId) -> PathBuf {
    cache.join(FOLDER).join(kernel.to_string())
}

/// The kernel's folder, made where it is not there.
pub(super) fn open(cache: &Path, kernel: &KernelId) -> Result<PathBuf, BuildError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| BuildError::Io { doing: "make the folder of compiler caches", path, source }
    };
    let above = cache.join(FOLDER);
    let own = folder(cache, kernel);
    for (path, mode) in [(&above, 0o711), (&own, 0o777)] {
        fs::create_dir_all(path).map_err(failed(path))?;
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(failed(path))?;
    }
    Ok(own)
}

impl Builder {
    /// Removes what development builds of a kernel compiled: its next one compiles all anew. To be
    /// called where no build of the kernel runs.
    ///
    /// # Errors
    /// Where the file system refuses.
    pub fn forget_compiler_cache(&self, kernel: &KernelId) -> io::Result<()> {
        // Its folders belong to subordinate ids and are open to everybody, this server included.
        match fs::remove_dir_all(folder(self.cache.folder(), kernel)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}
