//! A writable root over an image that the real `mksquashfs` made.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use nfs::{Caller, Change, Creation, FileId, FileSystem as _, Time};
use roots::{Clock, Layered, Quota, WritableRoot};
use tempfile::TempDir;

use crate::images::{packed, stack};

mod content;
#[path = "../images/mod.rs"]
mod images;
mod names;
mod whole;

pub(crate) const QUOTA: Quota = Quota { bytes: 1 << 30, files: 100_000 };

pub(crate) struct World {
    pub(crate) home: TempDir,
    pub(crate) base: Arc<Layered>,
    pub(crate) clock: Clock,
}

impl World {
    /// A base of what `fill` makes.
    pub(crate) fn of(fill: impl FnOnce(&Path)) -> Self {
        let home = tempfile::tempdir().unwrap();
        let tree = home.path().join("tree");
        fs::create_dir(&tree).unwrap();
        fill(&tree);
        let base = stack(&[packed(&tree, &[])]);
        let seconds = AtomicU32::new(2_000_000_000);
        let clock: Clock = Arc::new(move || Time {
            seconds: seconds.fetch_add(1, Ordering::SeqCst),
            nanoseconds: 0,
        });
        Self { home, base, clock }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.home.path().join("root")
    }

    pub(crate) fn create(&self, quota: Quota) -> WritableRoot {
        WritableRoot::create(&self.folder(), self.base.clone(), quota, self.clock.clone()).unwrap()
    }

    pub(crate) fn open(&self) -> WritableRoot {
        WritableRoot::open(&self.folder(), self.base.clone(), self.clock.clone()).unwrap()
    }
}

pub(crate) fn mode(mode: u32) -> Change {
    Change { mode: Some(mode), ..Change::default() }
}

pub(crate) fn new_file(tree: &WritableRoot, who: &Caller, directory: FileId, name: &str) -> FileId {
    let how = Creation::Guarded(mode(0o644));
    tree.create(who, directory, name.as_bytes(), how).unwrap()
}

pub(crate) fn size(size: u64) -> Change {
    Change { size: Some(size), ..Change::default() }
}
