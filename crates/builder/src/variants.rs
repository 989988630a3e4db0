//! From a release to a variant of it: a layer that holds only what differs.
//!
//! apt is asked first what a change of packages would do (`resolve`), then the change is made on an
//! overlay over the unpacked release (`layer`), whose upper folder is packed. Programs of packages,
//! scripts and playbooks run in a sandbox within the sandbox, that sees the tree and nothing else. The
//! result is a manifest like a release's, of the base's files and the layer.

pub(crate) mod index;
mod kernels;
mod layer;
mod manifest;
mod phases;
mod resolve;

use std::sync::Arc;

use domain::{
    blob::BlobRef,
    digest::Digest,
    manifest::{ComponentRole, Manifest},
    recipe::Recipe,
    variant::{Definition, VariantLock, unconfirmed},
};

pub use self::resolve::Simulation;
use crate::{
    BuildError, BuildObserver, Builder,
    kernels::KernelRequest,
    steps::{Build, own_kernels},
};

/// What is to be built.
#[derive(Debug, Clone)]
pub struct VariantRequest {
    /// What it changes.
    pub definition: Definition,
    /// The release that it changes.
    pub base: Base,
    /// The kernels that the definition names: of the list Kernels by their names, uploaded ones by
    /// [`upload_name`].
    pub kernels: Vec<KernelRequest>,
    /// What it resolved to before an interruption.
    pub lock: Option<VariantLock>,
}

/// A release that variants stand on.
#[derive(Debug, Clone)]
pub struct Base {
    /// Its name, for messages.
    pub name: String,
    /// What it consists of.
    pub manifest: Manifest,
    /// The recipe that it was built from: its suite, components and mirror are the variant's.
    pub recipe: Recipe,
    /// The time that everything in its image has: seconds since 1970-01-01 UTC.
    pub epoch: i64,
    /// The package that its initrds were made with, where its lock names it.
    pub busybox: Option<domain::lock::LockedPackage>,
}

/// What a build came to. All blobs are in the builder's blob store.
#[derive(Debug, Clone)]
pub struct VariantOutput {
    /// What was installed and removed.
    pub lock: VariantLock,
    /// What it consists of.
    pub manifest: Manifest,
    /// The manifest's canonical JSON.
    pub manifest_blob: BlobRef,
}

/// A variant under way.
type VariantBuilding<'a> = Build<'a, VariantRequest>;

/// The name under which the kernel of an alias is made that was uploaded with the variant.
#[must_use]
pub fn upload_name(alias: &str) -> String {
    format!("upload for {alias}")
}

/// Names of the steps of a variant's job, in order; those of its kernels come before them.
#[must_use]
pub fn variant_steps(definition: &Definition) -> Vec<&'static str> {
    let mut steps = vec!["resolve", "fetch"];
    steps.extend(phases::phases(definition));
    if !definition.kernels.is_empty() {
        steps.extend(["initrd", "check"]);
    }
    steps.push("manifest");
    steps
}

impl Base {
    /// SHA-256 of its only image.
    fn image(&self) -> Result<BlobRef, BuildError> {
        let refused = |why: &str| BuildError::Base { base: self.name.clone(), why: why.to_owned() };
        let [image] = self.manifest.images.as_slice() else {
            return Err(refused("it has more than one image"));
        };
        let component = self
            .manifest
            .component(image)
            .filter(|it| it.role == ComponentRole::Image)
            .ok_or_else(|| refused("its manifest names an image that it lacks"))?;
        Ok(BlobRef { sha256: component.sha256, size: component.size })
    }

    /// The identity of the release.
    fn digest(&self) -> Result<Digest, BuildError> {
        Ok(self.manifest.digest()?)
    }
}

impl Builder {
    /// Asks apt what a change of packages would do to a release; nothing is built. The packages of own
    /// kernels, which may have to be made first, have no part in it.
    ///
    /// # Errors
    /// Where the mirror does not answer, the release's files are gone, or no sandbox can be made. That
    /// apt refuses is an answer.
    pub fn simulate(
        &self,
        request: &VariantRequest,
        observer: &dyn BuildObserver,
    ) -> Result<Simulation, BuildError> {
        let _building = self.cache.hold()?;
        let build = Build { builder: self, request, observer };
        build.unkeyed("resolve", || Ok((resolve::simulate(&build, &[])?, None)))
    }

    /// Every version of every package that an archive has, and those of more suites; a line each as
    /// `index.sh` writes them.
    ///
    /// # Errors
    /// Where the mirror does not answer, or its signature is wrong.
    pub fn archive_packages(
        &self,
        recipe: &Recipe,
        more: &[String],
        observer: &dyn BuildObserver,
    ) -> Result<String, BuildError> {
        let _building = self.cache.hold()?;
        let build = Build { builder: self, request: &(), observer };
        let known = index::run(&build, &crate::steps::resolve::Archive::of(recipe).with(more))?;
        build.cached_text("index", &known.packages)
    }

    /// Builds a variant. The same request again runs nothing.
    ///
    /// # Errors
    /// The step that failed, why, and its last lines.
    pub fn build_variant(
        self: &Arc<Self>,
        request: &VariantRequest,
        observer: &dyn BuildObserver,
    ) -> Result<VariantOutput, BuildError> {
        let _building = self.cache.hold()?;
        let build = Build { builder: self.as_ref(), request, observer };
        let image = request.base.image()?;
        if !self.blobs.touch(&image.sha256)? {
            return Err(BuildError::Base {
                base: request.base.name.clone(),
                why: "its files were removed; choose a release that is still there".to_owned(),
            });
        }
        let made = match &request.lock {
            Some(_) => Vec::new(),
            None => own_kernels::make_all(&build, &request.kernels)?,
        };
        let lock = match &request.lock {
            Some(lock) => {
                build.unkeyed("resolve", || Ok(((), Some("as before".to_owned()))))?;
                lock.clone()
            }
            None => resolve::run(&build, &made)?,
        };
        let left = unconfirmed(&lock, &request.definition);
        if !left.is_empty() {
            return Err(build.failed("resolve", BuildError::Unconfirmed(left)));
        }
        observer.variant_resolved(&lock);
        resolve::fetch(&build, &lock)?;
        let layer = layer::run(&build, &image, &lock)?;
        let kernels = kernels::run(&build, &lock, &layer)?;
        let (manifest, manifest_blob) = manifest::run(&build, &lock, &layer, &kernels)?;
        Ok(VariantOutput { lock, manifest, manifest_blob })
    }
}
