//! The steps of a build, in order, and what passes from one to the next.

mod bootstrap;
mod check;
mod fetch;
mod import;
mod initrd;
mod kernel;
mod manifest;
mod pack;
mod resolve;
mod run;
mod system;

use std::{ops::Deref, path::PathBuf, sync::Arc};

use blobs::BlobStore;
use domain::{
    blob::BlobRef, job::StepState, lock::Lock, manifest::Manifest, recipe::Recipe,
    version::TargetVersion,
};
use process::Spawner;

pub use self::{
    check::{KernelFiles, check_together},
    import::{IMPORT_STEPS, ImportOutput, ImportRequest},
};

use crate::{
    cache::StepCache,
    error::BuildError,
    host,
    mirror::{Mirror, MirrorError},
    observer::{BuildObserver, StepEvent},
    packages::PackageIndex,
    sandbox::{self, SandboxError},
    signing::SigningKey,
};

/// Names of the steps, in order.
pub const STEPS: [&str; 10] = [
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

/// How a builder works.
#[derive(Debug, Clone)]
pub struct BuilderConfig {
    /// Folder for what runs now; emptied at every start.
    pub work_dir: PathBuf,
    /// Folder of finished steps and of the archive's indexes; may be lost.
    pub cache_dir: PathBuf,
    /// Base URL of the Debian mirror; the one of this host's apt where absent.
    pub mirror: Option<String>,
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
    config: BuilderConfig,
    spawner: Spawner,
    /// Where final outputs and the packages of locks are kept.
    blobs: BlobStore,
    cache: StepCache,
    key: SigningKey,
    tools: Vec<String>,
}

/// Steps under way: who runs them, and who watches.
struct Work<'a> {
    builder: &'a Builder,
    observer: &'a dyn BuildObserver,
}

/// One build under way.
struct Build<'a> {
    work: Work<'a>,
    request: &'a BuildRequest,
}

impl<'a> Deref for Build<'a> {
    type Target = Work<'a>;

    fn deref(&self) -> &Self::Target {
        &self.work
    }
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
        Ok(Self { config, spawner, blobs, cache, key, tools })
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
        sandbox::check(&self.spawner, &self.config.work_dir)
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
        let build = Build { work: Work { builder: self, observer }, request };
        let lock = resolve::run(&build)?;
        fetch::run(&build, &lock)?;
        let bootstrapped = bootstrap::run(&build, &lock)?;
        let system = system::run(&build, &lock, &bootstrapped)?;
        let kernel = kernel::run(&build, &lock, &system)?;
        let initrds = initrd::run(&build, &kernel, &initrd::Sources::of_lock(&lock)?)?;
        let image = pack::run(&build, lock.epoch, &kernel.tree)?;
        check::run(&build, &kernel, &initrds, &image)?;
        let (recipe, preseeds) = (&request.recipe, &request.recipe.preseeds);
        let parts = manifest::Parts {
            version: &request.target,
            architecture: &lock.architecture,
            kernels: &kernel,
            initrds: &initrds,
            image,
            preseeds,
            menu: &recipe.menu,
            lock: Some(lock.digest()?),
        };
        let (manifest, manifest_blob) = manifest::run(&build, &parts)?;
        let signature = manifest::sign(&build, &manifest, &manifest_blob)?;
        Ok(BuildOutput { lock, manifest, manifest_blob, signature })
    }

    fn mirror(&self, recipe: &Recipe) -> Result<Mirror, MirrorError> {
        recipe
            .mirror
            .clone()
            .or_else(|| self.config.mirror.clone())
            .or_else(|| host::own_mirror(&self.spawner, &recipe.suite))
            .map(|base| Mirror::new(&base))
            .ok_or_else(|| MirrorError::None(recipe.suite.clone()))
    }
}

impl Work<'_> {
    fn log(&self, step: &str, line: &str) {
        self.observer.log(step, line);
    }

    fn stopped(&self) -> bool {
        self.observer.cancelled()
    }

    fn ended(&self, name: &'static str, state: StepState, message: Option<String>) {
        self.observer.step(StepEvent::Ended { name, state, message });
    }

    /// Runs `work` as a step that has no key: quick, or asking the world.
    fn unkeyed<T>(
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
    fn failed(&self, name: &'static str, error: BuildError) -> BuildError {
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
