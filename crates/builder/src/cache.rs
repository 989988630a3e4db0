//! The step cache: what a step gave for inputs that were seen before.
//!
//! An entry is a file `steps/<key>.json` that names the output blobs, written after them and
//! atomically, so an entry that is there is whole. Losing the cache costs time, never a release.
//! Installations may share a cache: whoever builds holds the lock of `building`, and what somebody
//! uses is marked with the time.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use blobs::{BlobError, BlobStore};
use domain::{blob::BlobRef, digest::Digest};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::error::BuildError;

/// What a step gave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StepOutputs {
    /// Name of the step; empty in entries of older programs.
    #[serde(default)]
    pub(crate) step: String,
    /// Files by name.
    pub(crate) files: std::collections::BTreeMap<String, BlobRef>,
}

/// A step that has run before, as the cache keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedStep {
    /// Digest of its inputs.
    pub key: Digest,
    /// Its name; empty where an older program wrote it.
    pub step: String,
    /// The blobs that it gave.
    pub blobs: Vec<Digest>,
    /// When it was last run or reused.
    pub used_at: SystemTime,
}

/// The finished steps of builds; cheap to clone.
#[derive(Debug, Clone)]
pub struct StepCache {
    folder: PathBuf,
    entries: PathBuf,
    pub(crate) blobs: BlobStore,
}

/// How long a build may go on that another installation runs with the same cache.
const LONGEST_BUILD: Duration = Duration::from_secs(24 * 3600);

impl StepCache {
    pub(crate) fn open(folder: &Path) -> Result<Self, BuildError> {
        let steps = folder.join("steps");
        fs::create_dir_all(&steps).map_err(|source| BuildError::Io {
            doing: "make the folder",
            path: steps.clone(),
            source,
        })?;
        let blobs = BlobStore::open(&folder.join("blobs"))?;
        Ok(Self { folder: folder.to_path_buf(), entries: steps, blobs })
    }

    /// The blobs that steps gave.
    #[must_use]
    pub const fn blobs(&self) -> &BlobStore {
        &self.blobs
    }

    /// The folder of the cache.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Every step that the cache keeps, in no order.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn steps(&self) -> io::Result<Vec<CachedStep>> {
        let mut steps = Vec::new();
        for file in fs::read_dir(&self.entries)? {
            let path = file?.path();
            let key = path.file_stem().and_then(|name| name.to_str()?.parse().ok());
            let read = || {
                let used_at = fs::metadata(&path).and_then(|it| it.modified()).ok()?;
                let outputs: StepOutputs = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
                Some((used_at, outputs))
            };
            // Somebody else's file, or one that was removed meanwhile.
            let (Some(key), Some((used_at, outputs))) = (key, read()) else { continue };
            let blobs = outputs.files.values().map(|blob| blob.sha256).collect();
            steps.push(CachedStep { key, step: outputs.step, blobs, used_at });
        }
        Ok(steps)
    }

    /// Forgets a step that nobody has used since `unused_since`; its blobs stay. `false` where
    /// somebody has, or it is gone.
    ///
    /// # Errors
    /// Where the file system refuses.
    pub fn forget(&self, key: &Digest, unused_since: SystemTime) -> io::Result<bool> {
        let path = self.path(key);
        match fs::metadata(&path).and_then(|it| it.modified()) {
            Ok(used_at) if used_at < unused_since => {}
            Ok(_) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        }
        // Who has read it meanwhile marks its blobs, or finds them gone and runs the step.
        fs::remove_file(path)?;
        Ok(true)
    }

    /// Since when blobs must be unused so that they can be removed at `now`: nobody's build counts
    /// on them.
    ///
    /// # Errors
    /// Where the file system refuses.
    pub fn unused_since(&self, now: SystemTime) -> io::Result<SystemTime> {
        match self.building()?.try_lock() {
            Ok(()) => Ok(now),
            Err(TryLockError::WouldBlock) => Ok(now - LONGEST_BUILD),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Says that somebody builds, as long as the file is open.
    pub(crate) fn hold(&self) -> Result<File, BuildError> {
        let failed =
            |source| BuildError::Io { doing: "lock", path: self.folder.join("building"), source };
        let file = self.building().map_err(failed)?;
        file.lock_shared().map_err(failed)?;
        Ok(file)
    }

    fn building(&self) -> io::Result<File> {
        File::options().create(true).append(true).open(self.folder.join("building"))
    }

    /// What the step of that key gave, where every blob of it is still there and still has the
    /// bytes that its name says: what a disk has damaged must not become part of a release. A blob
    /// that differs is removed, so that the step's next run can keep its output.
    pub(crate) fn get(&self, key: &Digest) -> Option<StepOutputs> {
        let path = self.path(key);
        let text = fs::read(&path).ok()?;
        let outputs: StepOutputs = serde_json::from_slice(&text).ok()?;
        // Another user's cache can be read and not marked.
        let _ = File::open(&path).and_then(|file| file.set_modified(blobs::now()));
        let there = |blob: &BlobRef| matches!(self.blobs.touch(&blob.sha256), Ok(true));
        if !outputs.files.values().all(there) {
            return None;
        }
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
        self.entries.join(format!("{key}.json"))
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
        let outputs =
            StepOutputs { step: "pack".to_owned(), files: [("tree.tar".to_owned(), blob)].into() };
        cache.put(&key, &outputs).unwrap();
        assert_eq!(cache.get(&key).unwrap(), outputs);

        let path = cache.blobs.path(&sha256);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, b"a tres").unwrap();
        assert!(cache.get(&key).is_none());
        cache.blobs.put(&b"a tree"[..]).unwrap();
        assert_eq!(cache.get(&key).unwrap(), outputs);
    }

    #[test]
    fn steps_that_nobody_used_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let cache = StepCache::open(folder.path()).unwrap();
        let blob = cache.blobs.put(&b"a tree"[..]).unwrap();
        let outputs =
            StepOutputs { step: "pack".to_owned(), files: [("a".to_owned(), blob)].into() };
        let (idle, used) = (Digest::of("idle"), Digest::of("used"));
        let long_ago = blobs::now() - Duration::from_secs(3600);
        for key in [&idle, &used] {
            cache.put(key, &outputs).unwrap();
            File::open(cache.path(key)).unwrap().set_modified(long_ago).unwrap();
        }
        cache.get(&used).unwrap();
        let since = blobs::now() - Duration::from_secs(60);
        assert!(cache.forget(&idle, since).unwrap());
        assert!(!cache.forget(&used, since).unwrap());
        let steps = cache.steps().unwrap();
        assert_eq!(steps.len(), 1);
        assert_eq!((steps[0].key, steps[0].step.as_str()), (used, "pack"));
        assert_eq!(steps[0].blobs, [blob.sha256]);
    }

    #[test]
    fn while_somebody_builds_what_is_new_stays() {
        let folder = tempfile::tempdir().unwrap();
        let cache = StepCache::open(folder.path()).unwrap();
        let now = blobs::now();
        assert_eq!(cache.unused_since(now).unwrap(), now);
        let building = (cache.hold().unwrap(), cache.hold().unwrap());
        assert_eq!(cache.unused_since(now).unwrap(), now - LONGEST_BUILD);
        drop(building);
        assert_eq!(cache.unused_since(now).unwrap(), now);
    }
}
