//! A builder as the system user, with a release to change.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, Once, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use blobs::BlobStore;
use builder::{
    Base, BuildError, BuildObserver, BuildRequest, Builder, BuilderConfig, CachedTree, LockChoice,
    Sandbox, SigningKey, SourceRules, StepEvent, VariantOutput, VariantRequest,
};
use domain::{
    digest::Digest,
    job::StepState,
    kernel::UploadedFile,
    lock::{Lock, Part},
    manifest::Manifest,
    recipe,
    variant::{self, Definition},
    version::TargetVersion,
};
use nix::unistd::{Uid, User, setgroups, setresgid, setresuid};
use process::Spawner;

/// Set-up makes it, owned by the system user: what is downloaded and built is kept between runs.
const CACHE: &str = "/var/cache/bootwright-test/cache";

pub(crate) struct World {
    pub(crate) builder: Arc<Builder>,
    pub(crate) blobs: BlobStore,
    pub(crate) spawner: Spawner,
    base: Base,
    folder: tempfile::TempDir,
}

/// One for all tests of this file: its release is built once.
pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::new)
}

/// Becomes the system user: a change of the whole process, once for all tests of this file.
fn become_system_user() {
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
    fn new() -> Self {
        become_system_user();
        let folder = tempfile::Builder::new()
            .prefix("bootwright-variants-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir()
            .unwrap();
        let data = folder.path();
        let blobs = BlobStore::open(&data.join("blobs")).unwrap();
        let config = BuilderConfig {
            work_dir: data.join("work"),
            cache_dir: PathBuf::from(CACHE),
            mirror: None,
            sources: SourceRules {
                root: None,
                networks: vec!["0.0.0.0/0".parse().unwrap()],
                ssh_keys: data.join("ssh"),
                authorities: PathBuf::from(SourceRules::AUTHORITIES),
            },
            kernel_jobs: 2,
        };
        let key = SigningKey::open_or_create(&data.join("keys")).unwrap();
        let spawner = Spawner::start().unwrap();
        let builder = Arc::new(Builder::new(config, spawner.clone(), blobs.clone(), key).unwrap());
        let recipe = recipe::parse(recipe::starter()).unwrap();
        let request = BuildRequest {
            recipe: recipe.clone(),
            target: TargetVersion::new(1, 0, 0),
            choice: LockChoice::Newer { former: None },
            kernels: Vec::new(),
        };
        let built = builder.build(&request, &Watch::default()).unwrap();
        let base = Base {
            name: "v1.0.0".to_owned(),
            epoch: built.lock.epoch,
            busybox: built.lock.packages.iter().find(|it| it.part == Part::Initrd).cloned(),
            manifest: built.manifest,
            recipe,
        };
        Self { builder, blobs, spawner, base, folder }
    }

    pub(crate) fn base(&self) -> &Manifest {
        &self.base.manifest
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Something that no other run of the tests has: what has it in it is not known to the cache.
    pub(crate) fn mark(&self) -> String {
        self.folder().display().to_string()
    }

    /// The trees of the base.
    pub(crate) fn trees(&self) -> Vec<CachedTree> {
        let image = self.base().component("rootfs.squashfs").unwrap().sha256;
        let trees = self.builder.trees().unwrap();
        trees.into_iter().filter(|it| it.image == image).collect()
    }

    /// Where the fingerprints of the base's trees stand.
    pub(crate) fn fingerprints(&self) -> Vec<PathBuf> {
        let image = self.base().component("rootfs.squashfs").unwrap().sha256.to_string();
        let folders = fs::read_dir(Path::new(CACHE).join("trees")).unwrap().flatten();
        folders
            .filter(|it| it.file_name().to_string_lossy().starts_with(&image))
            .map(|it| it.path().join("fingerprint"))
            .filter(|it| it.is_file())
            .collect()
    }

    /// Where a blob lies.
    pub(crate) fn path(&self, sha256: &Digest) -> PathBuf {
        self.blobs.path(sha256)
    }

    /// Keeps a file as an upload.
    pub(crate) fn upload(&self, name: &str, bytes: &[u8]) -> UploadedFile {
        let blob = self.blobs.put(bytes).unwrap();
        UploadedFile { name: name.to_owned(), sha256: blob.sha256 }
    }

    pub(crate) fn request(&self, text: &str) -> VariantRequest {
        let definition = variant::parse(text).unwrap();
        self.request_of(definition)
    }

    pub(crate) fn request_of(&self, definition: Definition) -> VariantRequest {
        VariantRequest { definition, base: self.base.clone(), kernels: Vec::new(), lock: None }
    }

    pub(crate) fn build(
        &self,
        request: &VariantRequest,
        watch: &Watch,
    ) -> Result<VariantOutput, BuildError> {
        self.builder.build_variant(request, watch)
    }

    /// Builds what is to fail; gives what people read. The base stays as it was.
    pub(crate) fn refused(&self, text: &str) -> String {
        let error = self.build(&self.request(text), &Watch::default()).unwrap_err();
        error.to_string()
    }

    /// Runs a script of the test in a sandbox of its own over some files.
    pub(crate) fn look(&self, script: &str, inputs: Vec<(String, PathBuf)>) -> String {
        let sandbox = Sandbox {
            script,
            inputs,
            files: Vec::new(),
            environment: Vec::new(),
            limit: std::time::Duration::from_secs(300),
        };
        let work = self.folder().join("look");
        let outputs =
            sandbox.run(&self.spawner, &work, &mut |line| println!("{line}"), &|| false).unwrap();
        outputs.text("listing").unwrap()
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
