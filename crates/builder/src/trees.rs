//! Unpacked images of releases, for variants to stand on.
//!
//! A tree belongs to the ids of one subordinate range, so each range that is used has one of its own:
//! `trees/<SHA-256 of the image>-<first user id>/root`. Whoever holds a range holds its trees. Beside
//! each stands its fingerprint: what every change of it would change (`assets/variants/fingerprint.sh`).
//! A tree that is lost, or differs from its fingerprint, is unpacked again from the image.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use domain::digest::Digest;
use process::Spawner;
use sandbox::{Conditions, IdRange, Sandbox};

use crate::error::BuildError;

/// How long an image may take to unpack.
const LIMIT: Duration = Duration::from_secs(900);
/// How long it may take to look whether a tree is as it was.
const LOOK_LIMIT: Duration = Duration::from_secs(60);
const FINGERPRINT: &str = include_str!("../assets/variants/fingerprint.sh");

/// The unpacked images that the cache keeps; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Trees {
    folder: PathBuf,
    work_dir: PathBuf,
    spawner: Spawner,
}

/// A tree of the cache, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedTree {
    /// SHA-256 of the image that it was unpacked from.
    pub image: Digest,
    /// First user id of the range that it belongs to.
    pub(crate) first_uid: u32,
    /// When a variant was last built on it.
    pub used_at: SystemTime,
}

/// A tree that is ready to be built on.
pub(crate) struct Tree {
    /// The rootfs.
    pub(crate) root: PathBuf,
    /// Digest of what it is.
    pub(crate) fingerprint: String,
}

impl Trees {
    pub(crate) fn new(cache_dir: &Path, work_dir: &Path, spawner: &Spawner) -> Self {
        Self {
            folder: cache_dir.join("trees"),
            work_dir: work_dir.to_path_buf(),
            spawner: spawner.clone(),
        }
    }

    /// Whether the range with that first user id has the image unpacked.
    pub(crate) fn has(&self, image: &Digest, first_uid: u32) -> bool {
        self.place(image, first_uid).join("fingerprint").is_file()
    }

    /// The tree of an image in a range that the caller holds; unpacked where it is not there.
    pub(crate) fn ready(
        &self,
        image: &Digest,
        path: &Path,
        range: &IdRange,
        line: &mut dyn FnMut(&str),
        stop: &dyn Fn() -> bool,
    ) -> Result<Tree, BuildError> {
        let place = self.place(image, range.first_uid);
        let known = place.join("fingerprint");
        if !known.is_file() {
            self.unpack(&place, path, range, line, stop)?;
        }
        let fingerprint = fs::read_to_string(&known).map_err(failed("read", &known))?;
        // Another user's cache can be read and not marked.
        let _ = fs::File::open(&known).and_then(|file| file.set_modified(blobs::now()));
        Ok(Tree { root: place.join("root"), fingerprint: fingerprint.trim().to_owned() })
    }

    fn unpack(
        &self,
        place: &Path,
        image: &Path,
        range: &IdRange,
        line: &mut dyn FnMut(&str),
        stop: &dyn Fn() -> bool,
    ) -> Result<(), BuildError> {
        // What an interrupted server left, or what has no fingerprint any more.
        self.empty(place, range)?;
        fs::create_dir_all(place).map_err(failed("make", place))?;
        for folder in [&self.folder, place] {
            // Those of the range pass through and see nothing else.
            open(folder, 0o711)?;
        }
        open(place, 0o777)?;
        let unpacking = Sandbox {
            script: include_str!("../assets/variants/base.sh"),
            inputs: vec![("image.squashfs".to_owned(), image.to_path_buf())],
            files: vec![("fingerprint.sh".to_owned(), FINGERPRINT.as_bytes().to_vec())],
            environment: Vec::new(),
            limit: LIMIT,
        };
        let conditions =
            Conditions { kept: vec![("/tree", place.to_path_buf())], ..Conditions::default() };
        let outputs = unpacking
            .run_in(range, &conditions, &self.spawner, &self.work_dir, line, stop)
            .map_err(|error| crate::steps::run::step_error("base", error))?;
        let fingerprint = outputs.text("fingerprint")?;
        open(place, 0o711)?;
        let known = place.join("fingerprint");
        fs::write(&known, fingerprint).map_err(failed("write", &known))
    }

    /// Removes what lies at `place`; its files can be removed from inside of their range only.
    fn empty(&self, place: &Path, range: &IdRange) -> Result<(), BuildError> {
        if !place.exists() {
            return Ok(());
        }
        let known = place.join("fingerprint");
        match fs::remove_file(&known) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("remove", &known)(error));
            }
            _ => {}
        }
        open(place, 0o777)?;
        sandbox::empty(&self.spawner, range, place)?;
        fs::remove_dir(place).map_err(failed("remove", place))
    }

    /// Whether a tree is still what its fingerprint says; in the range that it belongs to.
    pub(crate) fn is_as_it_was(&self, tree: &Tree, range: &IdRange) -> bool {
        let looking = Sandbox {
            script: include_str!("../assets/variants/look.sh"),
            inputs: Vec::new(),
            files: vec![("fingerprint.sh".to_owned(), FINGERPRINT.as_bytes().to_vec())],
            environment: Vec::new(),
            limit: LOOK_LIMIT,
        };
        let conditions =
            Conditions { readable: vec![("/base", tree.root.clone())], ..Conditions::default() };
        let outputs = looking.run_in(
            range,
            &conditions,
            &self.spawner,
            &self.work_dir,
            &mut |_| {},
            // Who cancels a build still wants to know what it left.
            &|| false,
        );
        let fingerprint = outputs.and_then(|it| it.text("fingerprint"));
        fingerprint.is_ok_and(|it| it.trim() == tree.fingerprint)
    }

    /// Says that a tree differs from its fingerprint: nobody builds on it any more.
    pub(crate) fn discard(&self, image: &Digest, range: &IdRange) -> Result<(), BuildError> {
        self.empty(&self.place(image, range.first_uid), range)
    }

    /// Every tree of the cache, in no order.
    pub(crate) fn list(&self) -> io::Result<Vec<CachedTree>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let tree = |entry: fs::DirEntry| {
            let name = entry.file_name().into_string().ok()?;
            let (image, first_uid) = name.split_once('-')?;
            let known = entry.path().join("fingerprint");
            let used_at = fs::metadata(known).and_then(|it| it.modified());
            Some(CachedTree {
                image: image.parse().ok()?,
                first_uid: first_uid.parse().ok()?,
                // One without a fingerprint was never whole.
                used_at: used_at.unwrap_or(SystemTime::UNIX_EPOCH),
            })
        };
        Ok(entries.flatten().filter_map(tree).collect())
    }

    /// Removes a tree; `false` where its range is in use or it was used since.
    pub(crate) fn remove(&self, tree: &CachedTree) -> Result<bool, BuildError> {
        let Some(range) = sandbox::take(&|first_uid| first_uid == tree.first_uid)? else {
            return Ok(false);
        };
        if range.first_uid != tree.first_uid {
            return Ok(false);
        }
        let place = self.place(&tree.image, tree.first_uid);
        let used_at = fs::metadata(place.join("fingerprint")).and_then(|it| it.modified());
        if used_at.is_ok_and(|used_at| used_at > tree.used_at) {
            return Ok(false);
        }
        self.empty(&place, &range)?;
        Ok(true)
    }

    fn place(&self, image: &Digest, first_uid: u32) -> PathBuf {
        self.folder.join(format!("{image}-{first_uid}"))
    }
}

/// The file that scripts source to take a fingerprint.
pub(crate) const fn fingerprint_script() -> &'static str {
    FINGERPRINT
}

fn open(path: &Path, mode: u32) -> Result<(), BuildError> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(failed("open", path))
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BuildError {
    let path = path.to_path_buf();
    move |source| BuildError::Io { doing, path, source }
}
