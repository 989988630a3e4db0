//! What must hold after every kill: acknowledgements, machines, blobs.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::{Path, PathBuf},
};

use domain::{
    deployment::{DeploymentState, Verdict},
    ids::{DeploymentId, JobId, RunId},
    job::JobKind,
    manifest::Manifest,
};

use crate::{
    World,
    browser::{boot_file, boot_text, hash},
    picture::Picture,
    server::Server,
};

/// An answer that said that something was done.
#[derive(Debug, Clone)]
pub(crate) enum Acknowledged {
    Saved { number: u32, text: String },
    BuildAsked { job: String, version: String, revision: u32 },
    ValidationAsked { job: String, version: String },
    Cancelled { job: String },
    CollectionAsked { job: String },
    KernelAdded { name: String },
    KernelAsked { job: String, kernel: String },
    VariantSaved { name: String, revision: u32, text: String },
    VariantAsked { job: String },
    GuestStarted { id: String },
    ResultsBrought { run: String },
    Requested { id: String, environment: String, reason: String },
    Approved { id: String, by: &'static str, evidence: String },
    Deployed { id: String },
    RolledBack { environment: &'static str, release: String },
}

impl Acknowledged {
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::Saved { .. } => "saved",
            Self::BuildAsked { .. } => "build asked",
            Self::ValidationAsked { .. } => "validation asked",
            Self::Cancelled { .. } => "cancelled",
            Self::CollectionAsked { .. } => "collection asked",
            Self::KernelAdded { .. } => "kernel added",
            Self::KernelAsked { .. } => "kernel asked",
            Self::VariantSaved { .. } => "variant saved",
            Self::VariantAsked { .. } => "variant asked",
            Self::GuestStarted { .. } => "guest started",
            Self::ResultsBrought { .. } => "results brought",
            Self::Requested { .. } => "requested",
            Self::Approved { .. } => "approved",
            Self::Deployed { .. } => "deployed",
            Self::RolledBack { .. } => "rolled back",
        }
    }

    pub(crate) const fn moves_pointer(&self) -> bool {
        matches!(self, Self::Deployed { .. } | Self::RolledBack { .. })
    }

    fn is_in(&self, picture: &Picture) -> bool {
        let deployment = |id: &str| picture.deployments.get(&DeploymentId::from(id));
        match self {
            Self::Saved { number, text } => picture
                .revisions
                .get(number)
                .is_some_and(|it| it.text == *text && it.author == "ann"),
            Self::BuildAsked { job, version, revision } => {
                let release = picture.release_named(version);
                picture.job(job).kind == JobKind::Build
                    && release.is_some_and(|it| it.job.as_str() == job && it.revision == *revision)
            }
            Self::ValidationAsked { job, version } => {
                let release = picture.release_named(version);
                picture.job(job).kind == JobKind::Validation
                    && release.is_some_and(|it| it.id == *picture.job(job).release_id().unwrap())
            }
            Self::ResultsBrought { run } => {
                picture.brought.contains_key(&RunId::from(run.as_str()))
            }
            Self::CollectionAsked { job } => picture.job(job).kind == JobKind::Collection,
            Self::KernelAdded { name } => picture.kernels.contains(name),
            Self::KernelAsked { job, kernel } => {
                let build = picture.kernel_builds.get(&JobId::from(job.as_str()));
                picture.job(job).kind == JobKind::Kernel
                    && build.is_some_and(|it| it.kernel == *kernel)
            }
            Self::VariantSaved { name, revision, text } => {
                picture.variants.get(name).is_some_and(|it| {
                    let saved = it.definition.files[0].content.as_ref() == Some(text);
                    it.revision > *revision || (it.revision == *revision && saved)
                })
            }
            Self::VariantAsked { job } => {
                picture.job(job).kind == JobKind::Variant
                    && picture.variant_builds.contains_key(&JobId::from(job.as_str()))
            }
            Self::GuestStarted { id } => picture.told("guest.start", id) == 1,
            Self::Cancelled { job } => picture.job(job).cancel_requested_at.is_some(),
            Self::Requested { id, environment, reason } => deployment(id)
                .is_some_and(|it| it.environment == *environment && it.reason == *reason),
            Self::Approved { id, by, evidence } => deployment(id).is_some_and(|it| {
                it.approvals.iter().any(|approval| {
                    approval.approver_name == *by
                        && approval.verdict == Verdict::Approved
                        && approval.evidence.to_string() == *evidence
                })
            }),
            Self::Deployed { id } => {
                deployment(id).is_some_and(|it| it.state == DeploymentState::Deployed)
            }
            Self::RolledBack { environment, release } => picture
                .executed(environment)
                .iter()
                .any(|it| it.rollback && it.release.as_str() == release),
        }
    }
}

impl World {
    /// Asserts that everything that was ever acknowledged is there as it was acknowledged.
    pub(crate) fn assert_acknowledged(&self, picture: &Picture) {
        for acknowledged in &self.acknowledged {
            assert!(acknowledged.is_in(picture), "acknowledged and lost: {acknowledged:?}");
        }
    }

    /// Asserts that machines of each environment get the release that its pointer names: its whole
    /// menu, and each file with the bytes that the manifest promises.
    pub(crate) fn assert_machines(&self, server: &Server, picture: &Picture) {
        let (status, production) = boot_text(&server.boot, "/menu.ipxe");
        let served = boot_text(&server.boot, "/env/production/menu.ipxe");
        assert_eq!(served, (status, production), "the two addresses of production differ");
        for environment in picture.environments.keys() {
            let (status, menu) = boot_text(&server.boot, &format!("/env/{environment}/menu.ipxe"));
            let Some(id) = picture.pointer(environment) else {
                assert_eq!(status, 404, "{environment} serves what nobody deployed: {menu}");
                continue;
            };
            let (release, manifest) = (&picture.releases[id], &picture.manifests[id]);
            let own = boot_text(&server.boot, &format!("/release/{}/menu.ipxe", release.version));
            assert_eq!((status, &menu), (200, &own.1), "{environment}");
            assert_menu(&menu, manifest);
            assert_files(server, manifest, None);
        }
    }

    /// Asserts that machines get of each variant one complete build, which is that of `picture` or a
    /// later one, or are told that there is none. Its files are those of its base, and its own.
    pub(crate) fn assert_variants(&self, server: &Server, picture: &Picture) {
        for (name, variant) in &picture.variants {
            let (status, menu) = boot_text(&server.boot, &format!("/variant/{name}/menu.ipxe"));
            let later = self.place.picture();
            let mut may = [picture, &later].map(|it| it.built(variant)).into_iter();
            let Some(digest) = artifacts(&menu).next() else {
                assert!(may.any(|it| it.is_none()), "{name} is not served: {status} {menu}");
                continue;
            };
            let manifests = may.flatten().filter_map(|it| it.manifest.as_ref());
            let mut of_it = manifests.filter(|it| it.digest().unwrap().to_string() == digest);
            let manifest = of_it.next().unwrap_or_else(|| panic!("{name} is another: {menu}"));
            assert_menu(&menu, manifest);
            let base = later.release_named(&variant.definition.base).unwrap();
            assert_files(server, manifest, Some(&later.manifests[&base.id]));
        }
    }
}

/// The digests of the manifests whose files a menu names.
fn artifacts(menu: &str) -> impl Iterator<Item = &str> {
    menu.split("/artifacts/").skip(1).filter_map(|it| it.split('/').next())
}

/// Asserts that a menu is that of a manifest, whole and nothing else.
fn assert_menu(menu: &str, manifest: &Manifest) {
    let digest = manifest.digest().unwrap().to_string();
    assert!(artifacts(menu).next().is_some(), "{menu}");
    assert!(artifacts(menu).all(|it| it == digest), "{menu}");
    for entry in &manifest.entries {
        assert!(menu.contains(&format!("item {} {}\n", entry.label(), entry.text())));
    }
    for name in &manifest.images {
        let image = manifest.component(name).unwrap();
        assert!(menu.contains(&format!("/{name},{} ", image.sha256)), "{menu}");
    }
}

/// Asserts that each file has the bytes that a manifest promises; those that `but` has are left out.
fn assert_files(server: &Server, manifest: &Manifest, but: Option<&Manifest>) {
    let digest = manifest.digest().unwrap();
    for file in &manifest.components {
        if but.is_some_and(|it| it.components.contains(file)) {
            continue;
        }
        let path = format!("/artifacts/{digest}/{}", file.name);
        assert_eq!(boot_file(&server.boot, &path), (file.size, file.sha256), "{path}");
    }
}

/// The blobs that were read through already: they never change.
#[derive(Default)]
pub(crate) struct Blobs(BTreeSet<PathBuf>);

impl Blobs {
    /// Asserts that each file that counts as a blob holds the bytes of its name, and that none is
    /// left half written. No job may run meanwhile.
    pub(crate) fn assert_whole(&mut self, data_dir: &Path) {
        for folder in fs::read_dir(data_dir.join("blobs")).unwrap().flatten() {
            if !folder.file_type().unwrap().is_dir() {
                continue;
            }
            let half_written = folder.file_name() == "tmp";
            for file in fs::read_dir(folder.path()).unwrap().flatten() {
                let path = file.path();
                assert!(!half_written, "half written and never removed: {}", path.display());
                if self.0.contains(&path) {
                    continue;
                }
                let name = [folder.file_name(), file.file_name()];
                let name: String = name.iter().map(|part| part.to_string_lossy()).collect();
                let (_, digest) = hash(File::open(&path).unwrap());
                assert_eq!(digest.to_string(), name, "a blob that is damaged");
                self.0.insert(path);
            }
        }
    }
}
