//! A builder as the system user, with a release to change.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Child,
    sync::OnceLock,
};

use builder::{
    Base, BuildError, BuildRequest, CachedTree, LockChoice, VariantOutput, VariantRequest,
};
use domain::{
    digest::Digest,
    job::StepState,
    lock::Part,
    manifest::Manifest,
    recipe,
    variant::{self, Definition},
    version::TargetVersion,
};
use sandbox::Sandbox;

pub(crate) use crate::support::Watch;
use crate::support::{self, Bench, CACHE, become_system_user};

pub(crate) struct World {
    bench: Bench,
    base: Base,
}

/// One for all tests of this file: its release is built once.
pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<(World, Child)> = OnceLock::new();
    let (world, _) = WORLD.get_or_init(|| {
        let world = World::new();
        let remover = support::remove_at_the_end(world.folder());
        (world, remover)
    });
    world
}

impl std::ops::Deref for World {
    type Target = Bench;

    fn deref(&self) -> &Bench {
        &self.bench
    }
}

impl World {
    fn new() -> Self {
        become_system_user();
        let bench = Bench::in_folder(support::folder("variants"), |config| {
            config.cache_dir = PathBuf::from(CACHE);
        });
        let recipe = recipe::parse(recipe::starter()).unwrap();
        let request = BuildRequest {
            recipe: recipe.clone(),
            target: TargetVersion::new(1, 0, 0),
            choice: LockChoice::Newer { former: None },
            kernels: Vec::new(),
        };
        let built = bench.builder.build(&request, &Watch::default()).unwrap();
        let base = Base {
            name: "v1.0.0".to_owned(),
            epoch: built.lock.epoch,
            busybox: built.lock.packages.iter().find(|it| it.part == Part::Initrd).cloned(),
            manifest: built.manifest,
            recipe,
        };
        Self { bench, base }
    }

    pub(crate) fn base(&self) -> &Manifest {
        &self.base.manifest
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
        self.fails(&self.request(text), &Watch::default())
    }

    /// As [`World::refused`], of any request.
    pub(crate) fn fails(&self, request: &VariantRequest, watch: &Watch) -> String {
        let error = self.build(request, watch).unwrap_err();
        // What is refused before it begins has no tree to look at.
        if watch.state("base").is_some_and(|it| it == StepState::Succeeded) {
            assert!(watch.line("the unpacked release is as it was").is_some(), "{error}");
        }
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
