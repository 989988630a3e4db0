//! The steps of a build, in order, and what passes from one to the next.

mod archive;
mod bootstrap;
pub(crate) mod check;
pub(crate) mod fetch;
mod import;
pub(crate) mod initrd;
pub(crate) mod kernel;
mod manifest;
pub(crate) mod own_kernels;
mod pack;
pub(crate) mod play;
pub(crate) mod programs;
pub(crate) mod resolve;
pub(crate) mod run;
pub(crate) mod system;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use blobs::BlobStore;
use domain::{
    blob::BlobRef, digest::Digest, job::StepState, lock::Lock, manifest::Manifest, recipe::Recipe,
    version::TargetVersion,
};
use process::Spawner;
use sandbox::SandboxError;

pub(crate) use self::manifest::initrd_name;
use self::resolve::Archive;
pub use self::{
    check::{KernelFiles, check_together},
    import::{IMPORT_STEPS, ImportOutput, ImportRequest},
    own_kernels::kernel_step,
};

use crate::{
    cache::StepCache,
    error::BuildError,
    host,
    kernels::KernelRequest,
    mirror::{Mirror, MirrorError},
    observer::{BuildObserver, StepEvent},
    packages::PackageIndex,
    signing::SigningKey,
    sources::SourceRules,
    trees::{CachedTree, Trees},
    variants::index::Asked,
};

/// Programs that steps run, and the Debian packages that they come from.
const PROGRAMS: [(&str, &str); 7] = [
    ("mmdebstrap", "mmdebstrap"),
    ("mksquashfs", "squashfs-tools"),
    ("cpio", "cpio"),
    ("depmod", "kmod"),
    ("perl", "perl"),
    ("python3", "python3"),
    ("xz", "xz-utils"),
];

/// Names of the steps that every build has, in order.
const STEPS: [&str; 10] = [
    "resolve",
    "fetch",
    "bootstrap",
    "system",
    "kernel",
    "initrd",
    "pack",
    "check",
    "manifest",
    "sign",
];

/// Names of the steps of a recipe's build, in order.
#[must_use]
pub fn build_steps(recipe: &Recipe) -> Vec<&'static str> {
    let with_programs = |name| {
        let programs = (name == "system").then(|| programs::names(recipe));
        std::iter::once(name).chain(programs.into_iter().flatten())
    };
    STEPS.into_iter().flat_map(with_programs).collect()
}

/// How a builder works.
#[derive(Debug, Clone)]
pub struct BuilderConfig {
    /// Folder for what runs now; emptied at every start.
    pub work_dir: PathBuf,
    /// Folder of finished steps and of the archive's indexes; may be lost.
    pub cache_dir: PathBuf,
    /// Base URL of the Debian mirror; the one of this host's apt where absent.
    pub mirror: Option<String>,
    /// What sources of kernels may be.
    pub sources: SourceRules,
    /// How many compilers of a kernel run at once: `make -j`.
    pub kernel_jobs: usize,
}

/// What is to be built.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// What goes into it.
    pub recipe: Recipe,
    /// What it is to be called once it is released: this stands inside the image.
    pub target: TargetVersion,
    /// Which packages it takes.
    pub choice: LockChoice,
    /// What the kernels are made of that the recipe names and that are components of their own;
    /// not asked for where a lock is kept.
    pub kernels: Vec<KernelRequest>,
}

/// Which packages a build takes.
#[derive(Debug, Clone)]
pub enum LockChoice {
    /// Those of a lock; the mirror is not asked for newer ones.
    Keep(Lock),
    /// The newest that the archive has. Where they are those of the recipe's former lock, its epoch
    /// stays.
    Newer {
        /// The recipe's former lock.
        former: Option<Lock>,
    },
}

/// What a build came to. All blobs are in the builder's blob store.
#[derive(Debug, Clone)]
pub struct BuildOutput {
    /// What it was built from.
    pub lock: Lock,
    /// What it consists of.
    pub manifest: Manifest,
    /// The manifest's canonical JSON.
    pub manifest_blob: BlobRef,
    /// The signature over it.
    pub signature: BlobRef,
}

/// Builds releases; share one by [`Arc`].
#[derive(Debug)]
pub struct Builder {
    pub(crate) config: BuilderConfig,
    pub(crate) spawner: Spawner,
    /// Where final outputs and the packages of locks are kept.
    pub(crate) blobs: BlobStore,
    pub(crate) cache: StepCache,
    key: SigningKey,
    pub(crate) tools: Vec<String>,
    /// The compilers and what they need, as `package version`.
    pub(crate) toolchain: Vec<String>,
    /// Unpacked images for variants.
    pub(crate) trees: Trees,
    /// What mirrors had when variants asked last.
    pub(crate) asked: Asked,
    own_mirrors: host::OwnMirrors,
}

/// One build under way, of a release or of something else that is asked for.
pub(crate) struct Build<'a, R = BuildRequest> {
    pub(crate) builder: &'a Builder,
    pub(crate) request: &'a R,
    pub(crate) observer: &'a dyn BuildObserver,
}

impl Builder {
    /// A builder on this host. Leftovers of an interrupted one are removed.
    ///
    /// # Errors
    /// Where its folders cannot be made.
    pub fn new(
        config: BuilderConfig,
        spawner: Spawner,
        blobs: BlobStore,
        key: SigningKey,
    ) -> Result<Self, BuildError> {
        let cache = StepCache::open(&config.cache_dir)?;
        let tools = host::tool_versions(&spawner);
        let toolchain = host::toolchain_versions(&spawner);
        let trees = Trees::new(&config.cache_dir, &config.work_dir, &spawner);
        Ok(Self {
            config,
            spawner,
            blobs,
            cache,
            key,
            tools,
            toolchain,
            trees,
            asked: Asked::default(),
            own_mirrors: host::OwnMirrors::default(),
        })
    }

    /// Removes what an interrupted server left in the work folder. Only the one server of a data
    /// folder calls this, before its first build.
    pub fn remove_leftovers(&self) {
        for left in std::fs::read_dir(&self.config.work_dir).into_iter().flatten().flatten() {
            // Guests' sockets lie beside the folders of steps. What belongs to subordinate ids stays
            // until a sandbox of that range removes it.
            let folder = left.file_type().is_ok_and(|it| it.is_dir());
            let remove = if folder { std::fs::remove_dir_all } else { std::fs::remove_file };
            let _ = remove(left.path());
        }
    }

    /// Where folders of what runs now are made.
    #[must_use]
    pub fn work_dir(&self) -> &Path {
        &self.config.work_dir
    }

    /// The finished steps of builds.
    #[must_use]
    pub const fn cache(&self) -> &StepCache {
        &self.cache
    }

    /// Finds out whether sandboxes work here.
    ///
    /// # Errors
    /// What is missing or not permitted, and the remedy.
    pub fn check(&self) -> Result<(), SandboxError> {
        sandbox::check(&self.spawner, &self.config.work_dir, &PROGRAMS)
    }

    /// The names of the archive's packages, as the mirror has them now.
    ///
    /// # Errors
    /// Where the mirror does not answer or its signature is wrong.
    pub fn package_index(&self, recipe: &Recipe) -> Result<PackageIndex, BuildError> {
        resolve::package_index(self, recipe)
    }

    /// Builds a release. Called again after an interruption with the lock that was resolved, it
    /// goes on where it was: finished steps come from the step cache.
    ///
    /// # Errors
    /// The step that failed, why, and its last lines.
    pub fn build(
        self: &Arc<Self>,
        request: &BuildRequest,
        observer: &dyn BuildObserver,
    ) -> Result<BuildOutput, BuildError> {
        let _building = self.cache.hold()?;
        let build = Build { builder: self, request, observer };
        let (lock, system) = match &request.choice {
            LockChoice::Keep(lock) => {
                own_kernels::check_kept(&request.recipe, lock)?;
                resolve::keep(&build, lock)?;
                (lock.clone(), rootfs(&build, lock)?)
            }
            LockChoice::Newer { former } => {
                let made = own_kernels::compiled_elsewhere(&build)?;
                let mut lock = resolve::run(&build, former.as_ref(), &made)?;
                own_kernels::lock_in(&mut lock, made)?;
                let to_compile = own_kernels::to_compile(request);
                if to_compile.is_empty() {
                    observer.lock_resolved(&lock);
                    let system = rootfs(&build, &lock)?;
                    (lock, system)
                } else {
                    let (system, compiled) =
                        own_kernels::beside(&build, &to_compile, |build| rootfs(build, &lock))?;
                    own_kernels::lock_in(&mut lock, compiled)?;
                    observer.lock_resolved(&lock);
                    (lock, system)
                }
            }
        };
        let kernel = kernel::run(&build, &lock, &system)?;
        let initrds = initrd::run(&build, &kernel, &initrd::Sources::of_lock(&lock)?)?;
        let image = pack::run(&build, lock.epoch, &kernel.tree)?;
        check::run(&build, &kernel, &initrds, &check::Modules::Image(image))?;
        let (recipe, preseeds) = (&request.recipe, &request.recipe.preseeds);
        let parts = manifest::Parts {
            version: &request.target,
            architecture: &lock.architecture,
            kernels: &kernel,
            initrds: &initrds,
            image,
            preseeds,
            packages: lock.kernels.iter().flat_map(|kernel| &kernel.files).collect(),
            menu: &recipe.menu,
            lock: Some(lock.digest()?),
        };
        let (manifest, manifest_blob) = manifest::run(&build, &parts)?;
        let signature = manifest::sign(&build, &manifest, &manifest_blob)?;
        Ok(BuildOutput { lock, manifest, manifest_blob, signature })
    }

    /// The unpacked images that variants stand on.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn trees(&self) -> std::io::Result<Vec<CachedTree>> {
        self.trees.list()
    }

    /// Removes an unpacked image, which is unpacked again when it is needed; `false` where a variant
    /// is being built on it, or was since it was listed.
    ///
    /// # Errors
    /// Where it cannot be removed.
    pub fn remove_tree(&self, tree: &CachedTree) -> Result<bool, BuildError> {
        self.trees.remove(tree)
    }

    pub(crate) fn mirror(&self, archive: &Archive<'_>) -> Result<Mirror, MirrorError> {
        archive
            .mirror
            .map(ToOwned::to_owned)
            .or_else(|| self.config.mirror.clone())
            .or_else(|| self.own_mirrors.of(&self.spawner, archive.suite))
            .map(|base| Mirror::new(&base))
            .ok_or_else(|| MirrorError::None(archive.suite.to_owned()))
    }
}

/// The steps that no kernel has a part in.
fn rootfs(build: &Build<'_>, lock: &Lock) -> Result<BlobRef, BuildError> {
    fetch::run(build, lock)?;
    let bootstrapped = bootstrap::run(build, lock)?;
    let system = system::run(build, lock, &bootstrapped)?;
    programs::run(build, lock.epoch, system)
}

impl<R> Build<'_, R> {
    /// A file that is kept, whole: a disk may have damaged it since.
    pub(crate) fn kept(
        &self,
        step: &'static str,
        what: &str,
        sha256: Digest,
    ) -> Result<BlobRef, BuildError> {
        if !self.builder.blobs.touch(&sha256)? {
            return Err(self.failure(step, format!("{what} is not here any more: bring it again")));
        }
        self.builder.blobs.verify(&sha256)?;
        let path = self.builder.blobs.path(&sha256);
        let size = std::fs::metadata(&path)
            .map_err(|source| BuildError::Io { doing: "read", path, source })?
            .len();
        Ok(BlobRef { sha256, size })
    }

    pub(crate) fn failure(&self, step: &'static str, why: String) -> BuildError {
        BuildError::Step { step, why, lines: Vec::new() }
    }

    /// A text that a step of the cache gave.
    pub(crate) fn cached_text(
        &self,
        step: &'static str,
        blob: &BlobRef,
    ) -> Result<String, BuildError> {
        let unreadable =
            |error: std::io::Error| BuildError::Unexpected { step, what: error.to_string() };
        let file = self.builder.cache.blobs.open_blob(&blob.sha256)?;
        std::io::read_to_string(file).map_err(unreadable)
    }

    pub(crate) fn log(&self, step: &str, line: &str) {
        self.observer.log(step, line);
    }

    pub(crate) fn stopped(&self) -> bool {
        self.observer.cancelled()
    }

    pub(crate) fn ended(&self, name: &'static str, state: StepState, message: Option<String>) {
        self.observer.step(StepEvent::Ended { name, state, message });
    }

    /// Runs `work` as a step that has no key: quick, or asking the world.
    pub(crate) fn unkeyed<T>(
        &self,
        name: &'static str,
        work: impl FnOnce() -> Result<(T, Option<String>), BuildError>,
    ) -> Result<T, BuildError> {
        if self.stopped() {
            return Err(BuildError::Cancelled);
        }
        self.observer.step(StepEvent::Started { name, key: None });
        match work() {
            Ok((value, message)) => {
                self.ended(name, StepState::Succeeded, message);
                Ok(value)
            }
            Err(error) => Err(self.failed(name, error)),
        }
    }

    /// Notes how a step failed; whatever stopped it, a stop that was asked for is called one.
    pub(crate) fn failed(&self, name: &'static str, error: BuildError) -> BuildError {
        if self.stopped() {
            self.ended(name, StepState::Cancelled, None);
            return BuildError::Cancelled;
        }
        let text = error.to_string();
        self.log(name, &format!("\u{1b}[31mError: {text}\u{1b}[0m"));
        self.ended(name, StepState::Failed, Some(text));
        error
    }
}
