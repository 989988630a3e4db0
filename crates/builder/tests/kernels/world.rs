//! A builder of kernels as the system user, and who watches it.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Mutex, Once,
        atomic::{AtomicBool, Ordering},
    },
};

use blobs::BlobStore;
use builder::{
    BuildError, BuildObserver, Builder, BuilderConfig, KernelOutput, KernelRequest, SigningKey,
    SourceRules, StepEvent,
};
use domain::{
    ids::KernelId,
    job::StepState,
    kernel::{
        BuildMode, ConfigBase, Configuration, Definition, Flavor, Fragment, Source, UploadedFile,
    },
    lock::Lock,
};
use nix::unistd::{Uid, User, setgroups, setresgid, setresuid};
use process::Spawner;

/// Set-up makes it, owned by the system user: what is downloaded and built is kept between runs.
const CACHE: &str = "/var/cache/bootwright-test/cache";

/// The small kernel that other tests boot as well: from the same entries of the step cache.
pub(crate) const SMALL: &str = include_str!("../../../../examples/small-linux.config");

pub(crate) struct World {
    pub(crate) builder: Arc<Builder>,
    pub(crate) blobs: BlobStore,
    pub(crate) kernel: KernelId,
    folder: tempfile::TempDir,
}

/// Becomes the system user: a change of the whole process, once for all tests of this file.
pub(crate) fn become_system_user() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if Uid::effective().is_root() {
            let user = User::from_name("bootwright")
                .unwrap()
                .expect("the system user bootwright is missing: run setup/run.sh test");
            setgroups(&[]).unwrap();
            setresgid(user.gid, user.gid, user.gid).unwrap();
            setresuid(user.uid, user.uid, user.uid).unwrap();
        }
    });
}

impl World {
    /// With the cache that tests share.
    pub(crate) fn shared() -> Self {
        become_system_user();
        Self::new(Some(PathBuf::from(CACHE)), 2)
    }

    /// With nothing in any cache, and so many compilers at once.
    pub(crate) fn empty(jobs: usize) -> Self {
        become_system_user();
        Self::new(None, jobs)
    }

    fn new(cache: Option<PathBuf>, jobs: usize) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("bootwright-kernels-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .unwrap();
        let data = folder.path();
        let blobs = BlobStore::open(&data.join("blobs")).unwrap();
        let config = BuilderConfig {
            work_dir: data.join("work"),
            cache_dir: cache.unwrap_or_else(|| data.join("cache")),
            mirror: None,
            sources: SourceRules {
                root: None,
                // A mirror of the lab may have an address of its own network.
                networks: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]
                    .map(|it| it.parse().unwrap())
                    .to_vec(),
                ssh_keys: data.join("ssh"),
                authorities: PathBuf::from(SourceRules::AUTHORITIES),
            },
            kernel_jobs: jobs,
        };
        let key = SigningKey::open_or_create(&data.join("keys")).unwrap();
        let spawner = Spawner::start().unwrap();
        let builder = Arc::new(Builder::new(config, spawner, blobs.clone(), key).unwrap());
        let kernel = KernelId::from("0195d1a4-7c3b-7000-8000-000000000001");
        Self { builder, blobs, kernel, folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Keeps a file as an upload.
    pub(crate) fn upload(&self, name: &str, bytes: &[u8]) -> UploadedFile {
        let blob = self.blobs.put(bytes).unwrap();
        UploadedFile { name: name.to_owned(), sha256: blob.sha256 }
    }

    pub(crate) fn build(
        &self,
        definition: &Definition,
        mode: BuildMode,
        watch: &Watch,
    ) -> Result<KernelOutput, BuildError> {
        let request = KernelRequest {
            kernel: self.kernel.clone(),
            name: "small".to_owned(),
            definition: definition.clone(),
            mode,
        };
        self.builder.build_kernel(&request, watch)
    }

    /// Builds what is to fail; gives what people read.
    pub(crate) fn refused(&self, definition: &Definition, mode: BuildMode) -> String {
        let error = self.build(definition, mode, &Watch::default()).unwrap_err();
        let left: Vec<_> = fs::read_dir(self.folder().join("work")).unwrap().flatten().collect();
        assert!(left.is_empty(), "a step left {left:?} behind");
        error.to_string()
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

    pub(crate) fn state(&self, step: &str) -> Option<StepState> {
        self.ended.lock().unwrap().iter().find(|(name, _)| name == step).map(|(_, it)| *it)
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

pub(crate) fn fragment(name: &str, content: &str) -> Fragment {
    Fragment { name: name.to_owned(), content: content.to_owned() }
}

/// From `source`, over tinyconfig.
pub(crate) fn tiny(source: Source, fragments: Vec<Fragment>) -> Definition {
    Definition {
        flavor: Flavor::Linux,
        source,
        configuration: Some(Configuration {
            base: ConfigBase::Defconfig { target: "tinyconfig".to_owned() },
            fragments,
        }),
        patches: Vec::new(),
        debug: false,
    }
}

/// The small kernel of Debian's source.
pub(crate) fn small() -> Definition {
    let source = Source::DebianSource {
        suite: "bookworm".to_owned(),
        package: "linux-source-6.1".to_owned(),
        version: None,
    };
    tiny(source, vec![fragment("small", SMALL)])
}

/// Runs a script of Python, with the folder as its last argument.
pub(crate) fn python(script: &str, folder: &Path) {
    let status = Command::new("python3").args(["-c", script]).arg(folder).status().unwrap();
    assert!(status.success());
}
