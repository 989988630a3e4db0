//! The step cache: what a step gave for inputs that were seen before.
//!
//! An entry is a file `steps/<key>.json` that names the output blobs, written after them and
//! atomically, so an entry that is there is whole. Losing the cache costs time, never a release.

use std::{fs, io::Write as _, path::Path, path::PathBuf};

use blobs::BlobStore;
use domain::{blob::BlobRef, digest::Digest};
use serde::{Deserialize, Serialize};

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

    /// What the step of that key gave, where every blob of it is still there.
    pub(crate) fn get(&self, key: &Digest) -> Option<StepOutputs> {
        let text = fs::read(self.path(key)).ok()?;
        let outputs: StepOutputs = serde_json::from_slice(&text).ok()?;
        let whole = outputs.files.values().all(|blob| {
            fs::metadata(self.blobs.path(&blob.sha256)).is_ok_and(|it| it.len() == blob.size)
        });
        whole.then_some(outputs)
    }

    pub(crate) fn put(&self, key: &Digest, outputs: &StepOutputs) -> Result<(), BuildError> {
        let path = self.path(key);
        let failed = |source| BuildError::Io { doing: "write", path: path.clone(), source };
        let bytes = domain::canonical::to_vec(outputs)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(failed)?;
        file.write_all(&bytes).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    fn path(&self, key: &Digest) -> PathBuf {
        self.folder.join(format!("{key}.json"))
    }
}
