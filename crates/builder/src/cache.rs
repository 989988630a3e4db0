//! The step cache: what a step gave for inputs that were seen before.
//!
//! An entry is a file `steps/<key>.json` that names the output blobs, written after them and
//! atomically, so an entry that is there is whole. Losing the cache costs time, never a release.

use std::{fs, io::Write as _, path::Path, path::PathBuf};

use blobs::{BlobError, BlobStore};
use domain::{blob::BlobRef, digest::Digest};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::error::BuildError;

/// What a step gave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StepOutputs {
    /// Files by name.
    pub(crate) files: std::collections::BTreeMap<String, BlobRef>,
}

#[derive(Debug, Clone)]
pub(crate) struct StepCache {
    folder: PathBuf,
    pub(crate) blobs: BlobStore,
}

impl StepCache {
    pub(crate) fn open(folder: &Path) -> Result<Self, BuildError> {
        let steps = folder.join("steps");
        fs::create_dir_all(&steps).map_err(|source| BuildError::Io {
            doing: "make the folder",
            path: steps.clone(),
            source,
        })?;
        Ok(Self { folder: steps, blobs: BlobStore::open(&folder.join("blobs"))? })
    }

    /// What the step of that key gave, where every blob of it is still there and still has the
    /// bytes that its name says: what a disk has damaged must not become part of a release. A blob
    /// that differs is removed, so that the step's next run can keep its output.
    pub(crate) fn get(&self, key: &Digest) -> Option<StepOutputs> {
        let text = fs::read(self.path(key)).ok()?;
        let outputs: StepOutputs = serde_json::from_slice(&text).ok()?;
        let whole = outputs.files.values().all(|blob| match self.blobs.verify(&blob.sha256) {
            Ok(()) => true,
            Err(BlobError::Damaged { path, .. }) => {
                tracing::warn!(path = %path.display(), "the step cache is damaged; the step runs again");
                // Where it stays, the next run is reused no more than this one.
                let _ = fs::remove_file(path);
                false
            }
            Err(_) => false,
        });
        whole.then_some(outputs)
    }

    pub(crate) fn put(&self, key: &Digest, outputs: &StepOutputs) -> Result<(), BuildError> {
        let path = self.path(key);
        let failed = |source| BuildError::Io { doing: "write", path: path.clone(), source };
        let bytes = domain::canonical::to_vec(outputs)?;
        let mut file = NamedTempFile::new_in(self.blobs.temporary()).map_err(failed)?;
        file.as_file().lock().map_err(failed)?;
        file.write_all(&bytes).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    fn path(&self, key: &Digest) -> PathBuf {
        self.folder.join(format!("{key}.json"))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_damaged_output_is_not_reused_and_can_be_kept_anew() {
        let folder = tempfile::tempdir().unwrap();
        let cache = StepCache::open(folder.path()).unwrap();
        let blob = cache.blobs.put(&b"a tree"[..]).unwrap();
        let (key, sha256) = (Digest::of("inputs"), blob.sha256);
        let outputs = StepOutputs { files: [("tree.tar".to_owned(), blob)].into() };
        cache.put(&key, &outputs).unwrap();
        assert_eq!(cache.get(&key).unwrap(), outputs);

        let path = cache.blobs.path(&sha256);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, b"a tres").unwrap();
        assert!(cache.get(&key).is_none());
        cache.blobs.put(&b"a tree"[..]).unwrap();
        assert_eq!(cache.get(&key).unwrap(), outputs);
    }
}
