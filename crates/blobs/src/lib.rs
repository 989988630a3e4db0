//! Content-addressed bytes on disk.
//!
//! A blob is named by the SHA-256 of its bytes and never changes. It is written under a temporary
//! name, synced, and renamed, so that a blob that is there is whole; what an interrupted write left
//! is removed when the store is opened. No SQL here: who needs which blob is somebody else's
//! knowledge.
//!
//! Whoever writes a blob that is there already marks it as needed anew ([`BlobStore::touch`]), and
//! [`BlobStore::remove_unused`] leaves what was marked since: so a blob that somebody counts on is
//! never removed between the writing and the row that names it, in whatever program that happens.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use domain::{blob::BlobRef, digest::Digest};
use sha2::{Digest as _, Sha256};
use tempfile::NamedTempFile;
use thiserror::Error;

/// A blob could not be written or read.
#[derive(Debug, Error)]
pub enum BlobError {
    /// There is no blob of that digest.
    #[error("there is no blob {0}")]
    Missing(Digest),
    /// A blob's bytes are not those of its name.
    #[error(
        "the blob {path} is damaged: its bytes have the digest {found}; restore it from a backup, or remove the file and build or fetch it again"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The digest of what it holds.
        found: Digest,
    },
    /// There is no room.
    #[error(
        "the disk of {folder} is full: make room there and try again; nothing was half written"
    )]
    DiskFull {
        /// The store's folder.
        folder: PathBuf,
    },
    /// The file system refused.
    #[error("cannot {doing} in {path}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// A blob as it lies on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundBlob {
    /// Its name.
    pub digest: Digest,
    /// What it takes of the disk, in bytes.
    pub bytes: u64,
    /// The file: device and number. Hard links share one.
    pub inode: (u64, u64),
    /// When it was written or touched.
    pub touched: SystemTime,
}

/// The present time as files have it: it is compared with nothing else.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "times of files come from the system's clock")]
pub fn now() -> SystemTime {
    SystemTime::now()
}

/// A folder of blobs; cheap to clone.
#[derive(Debug, Clone)]
pub struct BlobStore {
    root: Arc<PathBuf>,
}

/// How much is read at once, in bytes.
const CHUNK: usize = 256 * 1024;
/// What blobs leave free of their disk, in bytes: database and logs lie beside them, and a job that
/// has filled the disk must still be able to say so. Several writers overshoot by a chunk each.
const RESERVE: u64 = 8 * 1024 * 1024;

impl BlobStore {
    /// Opens the store in `root`, which is made where it is missing; removes what interrupted
    /// writes left.
    ///
    /// # Errors
    /// Where the folder cannot be made or read.
    pub fn open(root: &Path) -> Result<Self, BlobError> {
        let store = Self { root: Arc::new(root.to_path_buf()) };
        let temporary = store.temporary();
        let failed = |doing| store.error(doing);
        fs::create_dir_all(&temporary).map_err(failed("make a folder"))?;
        for left in fs::read_dir(&temporary).map_err(failed("look for leftovers"))? {
            let path = left.map_err(failed("look for leftovers"))?.path();
            // Whoever still writes holds a lock: another program may use the same folder.
            if File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
                // An error means that the other has just finished with it.
                let _ = fs::remove_file(path);
            }
        }
        Ok(store)
    }

    /// Where the blob of that digest is, or would be.
    #[must_use]
    pub fn path(&self, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        self.root.join(&name[..2]).join(&name[2..])
    }

    /// Whether the blob is there.
    #[must_use]
    pub fn contains(&self, digest: &Digest) -> bool {
        self.path(digest).is_file()
    }

    /// Every blob that is there now, in no order.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn found(&self) -> Result<Vec<FoundBlob>, BlobError> {
        let failed = |doing| self.error(doing);
        let mut found = Vec::new();
        for folder in fs::read_dir(&*self.root).map_err(failed("list blobs"))? {
            let folder = folder.map_err(failed("list blobs"))?;
            let prefix = folder.file_name();
            let Some(prefix) = prefix.to_str().filter(|name| name.len() == 2) else { continue };
            for file in fs::read_dir(folder.path()).map_err(failed("list blobs"))? {
                let file = file.map_err(failed("list blobs"))?;
                let name = file.file_name();
                let digest = name.to_str().and_then(|rest| format!("{prefix}{rest}").parse().ok());
                // Somebody else's file, or one that was removed meanwhile.
                let (Some(digest), Ok(known)) = (digest, file.metadata()) else { continue };
                let touched = known.modified().map_err(failed("look at a blob"))?;
                found.push(FoundBlob {
                    digest,
                    // stat(2): blocks of 512 bytes, whatever the file system's own are.
                    bytes: known.blocks() * 512,
                    inode: (known.dev(), known.ino()),
                    touched,
                });
            }
        }
        Ok(found)
    }

    /// Opens a blob for reading.
    ///
    /// # Errors
    /// [`BlobError::Missing`], or where the file system refuses.
    pub fn open_blob(&self, digest: &Digest) -> Result<File, BlobError> {
        File::open(self.path(digest)).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => BlobError::Missing(*digest),
            _ => self.error("open a blob")(source),
        })
    }

    /// Keeps what `source` gives.
    ///
    /// # Errors
    /// Where it cannot be read, the disk has no room, or the file system refuses; then nothing is
    /// kept.
    pub fn put(&self, source: impl Read) -> Result<BlobRef, BlobError> {
        self.write(source, RESERVE)
    }

    /// Keeps what `source` says of how something ended: for that the last of the disk is there.
    ///
    /// # Errors
    /// As [`BlobStore::put`].
    pub fn put_record(&self, source: impl Read) -> Result<BlobRef, BlobError> {
        self.write(source, 0)
    }

    fn write(&self, mut source: impl Read, reserve: u64) -> Result<BlobRef, BlobError> {
        let failed = |doing| self.error(doing);
        let mut file = NamedTempFile::new_in(self.temporary()).map_err(failed("begin a blob"))?;
        file.as_file().lock().map_err(failed("begin a blob"))?;
        let mut hash = Sha256::new();
        let mut size = 0;
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = match source.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.error("read what becomes a blob")(error)),
            };
            if self.free()? < reserve {
                return Err(BlobError::DiskFull { folder: self.root.to_path_buf() });
            }
            hash.update(&chunk[..read]);
            file.write_all(&chunk[..read]).map_err(failed("write a blob"))?;
            size += read as u64;
        }
        let blob = BlobRef { sha256: Digest::from_bytes(hash.finalize().into()), size };
        self.keep(file, &blob)?;
        Ok(blob)
    }

    /// Keeps the bytes of a file.
    ///
    /// # Errors
    /// As [`BlobStore::put`].
    pub fn put_file(&self, path: &Path) -> Result<BlobRef, BlobError> {
        let file = File::open(path).map_err(|source| BlobError::Io {
            doing: "open",
            path: path.to_path_buf(),
            source,
        })?;
        self.put(file)
    }

    /// Makes a blob of another store one of this store as well: by a hard link where both are on
    /// one disk.
    ///
    /// # Errors
    /// Where the other store lacks it, or the file system refuses.
    pub fn take_from(&self, other: &Self, digest: &Digest) -> Result<(), BlobError> {
        if self.touch(digest)? {
            return Ok(());
        }
        let path = self.path(digest);
        self.make_folder_of(&path)?;
        // A link has the time of the file: it is marked first, so that it begins as new.
        other.touch(digest)?;
        if fs::hard_link(other.path(digest), &path).is_ok() {
            return self.sync_folder_of(&path);
        }
        let copied = self.put(other.open_blob(digest)?)?;
        if copied.sha256 == *digest {
            Ok(())
        } else {
            Err(BlobError::Damaged { path: other.path(digest), found: copied.sha256 })
        }
    }

    /// Reads a blob through and compares it with its name.
    ///
    /// # Errors
    /// [`BlobError::Damaged`] where they differ.
    pub fn verify(&self, digest: &Digest) -> Result<(), BlobError> {
        let mut file = self.open_blob(digest)?;
        let mut hash = Sha256::new();
        io::copy(&mut file, &mut hash).map_err(self.error("read a blob"))?;
        let found = Digest::from_bytes(hash.finalize().into());
        if found == *digest {
            Ok(())
        } else {
            Err(BlobError::Damaged { path: self.path(digest), found })
        }
    }

    /// Folder for files that get their name once they are whole, on the file system of the blobs.
    /// Who writes one holds its lock: [`Self::open`] removes those that nobody writes.
    #[must_use]
    pub fn temporary(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// Says that a blob is counted on from now on; `false` where it is not there.
    ///
    /// # Errors
    /// Where the file system refuses.
    pub fn touch(&self, digest: &Digest) -> Result<bool, BlobError> {
        let _shared = self.lock(File::lock_shared)?;
        match File::open(self.path(digest)) {
            Ok(file) => {
                // Another user's cache can be read and not marked; that user's programs leave it
                // while anybody builds with it.
                let _ = file.set_modified(now());
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.error("open a blob")(error)),
        }
    }

    /// Removes a blob that nobody has written or touched since `unused_since`; `false` where
    /// somebody has, or it is gone. Who has it open reads on.
    ///
    /// # Errors
    /// Where the file system refuses.
    pub fn remove_unused(
        &self,
        digest: &Digest,
        unused_since: SystemTime,
    ) -> Result<bool, BlobError> {
        let _exclusive = self.lock(File::lock)?;
        let path = self.path(digest);
        let touched = match path.metadata().and_then(|it| it.modified()) {
            Ok(touched) => touched,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(self.error("look at a blob")(error)),
        };
        if touched >= unused_since {
            return Ok(false);
        }
        fs::remove_file(&path).map_err(self.error("remove a blob"))?;
        Ok(true)
    }

    /// Between a look at a blob's time and its removal nobody may touch it: programs that share the
    /// folder agree by this file's lock (flock(2)), which the kernel ends with its holder.
    fn lock(&self, how: fn(&File) -> io::Result<()>) -> Result<File, BlobError> {
        let failed = |doing| self.error(doing);
        let path = self.root.join("lock");
        let file = File::options().create(true).append(true).open(path);
        let file = file.map_err(failed("open the lock"))?;
        how(&file).map_err(failed("take the lock"))?;
        Ok(file)
    }

    /// What is free on the disk for this user, in bytes.
    fn free(&self) -> Result<u64, BlobError> {
        let disk = nix::sys::statvfs::statvfs(&*self.root)
            .map_err(|error| self.error("look at the disk")(error.into()))?;
        Ok(disk.blocks_available() * disk.fragment_size())
    }

    fn keep(&self, file: NamedTempFile, blob: &BlobRef) -> Result<(), BlobError> {
        let failed = |doing| self.error(doing);
        let path = self.path(&blob.sha256);
        if self.touch(&blob.sha256)? {
            return Ok(());
        }
        self.make_folder_of(&path)?;
        let readable = fs::Permissions::from_mode(0o444);
        file.as_file().set_permissions(readable).map_err(failed("protect a blob"))?;
        file.as_file().sync_all().map_err(failed("sync a blob"))?;
        file.persist(&path).map_err(|error| self.error("name a blob")(error.error))?;
        self.sync_folder_of(&path)
    }

    fn make_folder_of(&self, path: &Path) -> Result<(), BlobError> {
        let folder = path.parent().unwrap_or(path);
        fs::create_dir_all(folder).map_err(self.error("make a folder"))
    }

    /// The new name must survive a power cut as well.
    fn sync_folder_of(&self, path: &Path) -> Result<(), BlobError> {
        let folder = path.parent().unwrap_or(path);
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(self.error("sync a folder"))
    }

    fn error(&self, doing: &'static str) -> impl FnOnce(io::Error) -> BlobError + use<> {
        let path = self.root.to_path_buf();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                BlobError::DiskFull { folder: path }
            }
            _ => BlobError::Io { doing, path, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_kept_once_under_their_digest() {
        let folder = tempfile::tempdir().unwrap();
        let store = BlobStore::open(folder.path()).unwrap();
        let blob = store.put(&b"abc"[..]).unwrap();
        assert_eq!((blob.sha256, blob.size), (Digest::of("abc"), 3));
        assert_eq!(store.put(&b"abc"[..]).unwrap(), blob);
        assert_eq!(io::read_to_string(store.open_blob(&blob.sha256).unwrap()).unwrap(), "abc");
        store.verify(&blob.sha256).unwrap();
        assert!(matches!(store.open_blob(&Digest::of("x")), Err(BlobError::Missing(_))));
    }

    #[test]
    fn a_source_that_fails_leaves_nothing_and_leftovers_are_removed() {
        struct Breaks;
        impl Read for Breaks {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let store = BlobStore::open(folder.path()).unwrap();
        store.put(io::Read::chain(&b"abc"[..], Breaks)).unwrap_err();
        assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
        fs::write(folder.path().join("tmp/left"), "half").unwrap();
        BlobStore::open(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
    }

    #[test]
    fn a_damaged_blob_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let store = BlobStore::open(folder.path()).unwrap();
        let blob = store.put(&b"abc"[..]).unwrap();
        let path = store.path(&blob.sha256);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        fs::write(&path, "abd").unwrap();
        let error = store.verify(&blob.sha256).unwrap_err();
        assert!(matches!(&error, BlobError::Damaged { path: found, .. } if *found == path));
    }

    #[test]
    fn another_store_gives_its_blobs() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (one, two) =
            (BlobStore::open(one.path()).unwrap(), BlobStore::open(two.path()).unwrap());
        let blob = one.put(&b"abc"[..]).unwrap();
        two.take_from(&one, &blob.sha256).unwrap();
        two.verify(&blob.sha256).unwrap();
    }

    #[test]
    fn only_what_nobody_counts_on_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let store = BlobStore::open(folder.path()).unwrap();
        let (old, anew) = (store.put(&b"old"[..]).unwrap(), store.put(&b"anew"[..]).unwrap());
        let long_ago = now() - std::time::Duration::from_secs(3600);
        for blob in [&old, &anew] {
            File::open(store.path(&blob.sha256)).unwrap().set_modified(long_ago).unwrap();
        }
        let since = now() - std::time::Duration::from_secs(60);
        // Written again: nothing is copied, and it is counted on all the same.
        store.put(&b"anew"[..]).unwrap();
        let mut reader = store.open_blob(&old.sha256).unwrap();
        assert!(store.remove_unused(&old.sha256, since).unwrap());
        assert!(!store.remove_unused(&anew.sha256, since).unwrap());
        assert!(!store.remove_unused(&Digest::of("never"), since).unwrap());
        assert!(!store.contains(&old.sha256) && store.contains(&anew.sha256));
        assert!(!store.touch(&old.sha256).unwrap());
        let mut read = String::new();
        reader.read_to_string(&mut read).unwrap();
        assert_eq!(read, "old");
        let found: Vec<_> = store.found().unwrap().into_iter().map(|it| it.digest).collect();
        assert_eq!(found, [anew.sha256]);
    }
}
