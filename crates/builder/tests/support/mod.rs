//! What the tests of the builder share: they are the system user, have a builder in a folder of its
//! own, and read what a build tells.
#![allow(dead_code, reason = "each test uses its part of this")]

use std::{
    fs,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use blobs::BlobStore;
use builder::{BuildObserver, Builder, BuilderConfig, SigningKey, SourceRules, StepEvent};
use domain::{job::StepState, kernel::UploadedFile, lock::Lock};
use process::Spawner;

#[path = "../../../sandbox/tests/support/mod.rs"]
mod system_user;
pub(crate) use system_user::*;

/// Set-up makes it, owned by the system user: what is downloaded and built is kept between runs.
pub(crate) const CACHE: &str = "/var/cache/bootwright-test/cache";

/// Removes a folder once this process has ended, however that ends: what is static is never dropped.
pub(crate) fn remove_at_the_end(folder: &Path) -> Child {
    Command::new("sh")
        .args(["-c", "cat >/dev/null; rm -r \"$0\""])
        .arg(folder)
        .stdin(Stdio::piped())
        // Whoever interrupts the tests does not interrupt this.
        .process_group(0)
        .spawn()
        .unwrap()
}

/// A builder in a folder of its own.
pub(crate) struct Bench {
    pub(crate) builder: Arc<Builder>,
    pub(crate) blobs: BlobStore,
    pub(crate) spawner: Spawner,
    folder: tempfile::TempDir,
}

impl Bench {
    /// With everything in `folder`, and what `change` does to that.
    pub(crate) fn in_folder(
        folder: tempfile::TempDir,
        change: impl FnOnce(&mut BuilderConfig),
    ) -> Self {
        let at = |name: &str| folder.path().join(name);
        let blobs = BlobStore::open(&at("blobs")).unwrap();
        let mut config = BuilderConfig {
            work_dir: at("work"),
            cache_dir: at("cache"),
            mirror: None,
            sources: SourceRules {
                root: None,
                // The mirror is the one of this host's apt, wherever that is.
                networks: vec!["0.0.0.0/0".parse().unwrap()],
                ssh_keys: at("ssh"),
                authorities: PathBuf::from(SourceRules::AUTHORITIES),
            },
            kernel_jobs: 2,
        };
        change(&mut config);
        let key = SigningKey::open_or_create(&at("keys")).unwrap();
        let spawner = Spawner::start().unwrap();
        let builder = Builder::new(config, spawner.clone(), blobs.clone(), key).unwrap();
        Self { builder: Arc::new(builder), blobs, spawner, folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Keeps a file as an upload.
    pub(crate) fn upload(&self, name: &str, bytes: &[u8]) -> UploadedFile {
        let blob = self.blobs.put(bytes).unwrap();
        UploadedFile { name: name.to_owned(), sha256: blob.sha256 }
    }

    /// Asserts that no step left anything behind.
    pub(crate) fn assert_nothing_left(&self) {
        let left = fs::read_dir(self.folder().join("work")).into_iter().flatten().flatten();
        let left: Vec<PathBuf> = left.map(|it| it.path()).collect();
        assert!(left.is_empty(), "a step left {left:?} behind");
    }
}

/// What a build told.
#[derive(Default)]
pub(crate) struct Watch {
    pub(crate) ended: Mutex<Vec<(String, StepState)>>,
    pub(crate) lines: Mutex<Vec<String>>,
    /// Stops the build as soon as a line has this in it.
    pub(crate) stop_at: Option<&'static str>,
    stopped: AtomicBool,
}

impl Watch {
    pub(crate) fn stopping_at(line: &'static str) -> Self {
        Self { stop_at: Some(line), ..Self::default() }
    }

    /// How a step ended last.
    pub(crate) fn state(&self, step: &str) -> Option<StepState> {
        self.ended.lock().unwrap().iter().rev().find(|(name, _)| name == step).map(|(_, it)| *it)
    }

    pub(crate) fn line(&self, part: &str) -> Option<String> {
        self.lines.lock().unwrap().iter().find(|it| it.contains(part)).cloned()
    }
}

impl BuildObserver for Watch {
    fn step(&self, event: StepEvent<'_>) {
        println!("== {event:?}");
        if let StepEvent::Ended { name, state, .. } = event {
            self.ended.lock().unwrap().push((name.to_owned(), state));
        }
    }

    fn log(&self, step: &str, line: &str) {
        println!("{step:<10} {line}");
        if self.stop_at.is_some_and(|it| line.contains(it)) {
            self.stopped.store(true, Ordering::Relaxed);
        }
        self.lines.lock().unwrap().push(line.to_owned());
    }

    fn lock_resolved(&self, _: &Lock) {}

    fn cancelled(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }
}
