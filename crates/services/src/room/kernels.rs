//! What builds of kernels and uploads keep, and which of them go.

use std::collections::{HashMap, HashSet};

use domain::{
    digest::Digest,
    kernel::{ConfigBase, Definition, KernelFileRole, UploadedFile},
    room::{KEPT_BUILDS, Place, upload_stays_until},
    time::Timestamp,
};
use store::{Rows, kernels::files::KeptKernelBuild};

use crate::error::ServiceError;

/// A build of a kernel whose files are there, or are still to come.
pub(crate) struct KernelFiles {
    pub(crate) build: KeptKernelBuild,
    /// Whether its files go: enough newer ones took its place, and no release holds it.
    pub(crate) goes: bool,
    pub(crate) places: Vec<Place>,
}

/// A file that somebody uploaded.
pub(crate) struct UploadRoom {
    pub(crate) file: UploadedFile,
    pub(crate) place: Place,
    /// Whether its week is over, and nothing names it.
    pub(crate) goes: bool,
}

/// Every build of a kernel that keeps files, where `held` are the packages that releases keep.
pub(crate) async fn builds(
    rows: &mut Rows,
    held: &HashSet<Digest>,
) -> Result<Vec<KernelFiles>, ServiceError> {
    let mut newer = HashMap::new();
    let mut kept = Vec::new();
    // By kernel, newest first.
    for build in rows.kept_kernel_builds().await? {
        let is_held = |(role, digest): &(KernelFileRole, Digest)| {
            *role == KernelFileRole::Package && held.contains(digest)
        };
        let goes = build.state.ended() && {
            let alike = (build.kernel.clone(), build.mode, build.files.is_empty());
            let newer: &mut usize = newer.entry(alike).or_default();
            *newer += 1;
            *newer > KEPT_BUILDS && !build.files.iter().any(is_held)
        };
        let files = build.files.iter().map(|(_, digest)| *digest);
        let places =
            files.chain(build.config).chain(base(&build.definition)).map(Place::Kept).collect();
        kept.push(KernelFiles { build, goes, places });
    }
    Ok(kept)
}

/// Blob of the configuration of another kernel that a frozen definition starts from.
fn base(definition: &Definition) -> Option<Digest> {
    match definition.configuration.as_ref()?.base {
        ConfigBase::Kernel { config, .. } => config,
        ConfigBase::Defconfig { .. } | ConfigBase::File { .. } => None,
    }
}

/// Every upload at `now`. What a kernel, a variant or a suite is made of, or a build of a kernel that stays, is
/// named.
pub(crate) async fn uploads(
    rows: &mut Rows,
    builds: &[KernelFiles],
    now: Timestamp,
) -> Result<Vec<UploadRoom>, ServiceError> {
    let kernels = rows.kernel_definitions().await?;
    let variants = rows.variant_definitions().await?;
    let suites = rows.suites().await?;
    let of_builds = builds.iter().filter(|it| !it.goes).map(|it| &it.build.definition);
    let named: HashSet<Digest> = kernels
        .iter()
        .chain(of_builds)
        .flat_map(Definition::uploads)
        .chain(variants.iter().flat_map(domain::variant::Definition::uploads))
        .chain(suites.iter().filter_map(|it| it.definition.source.upload()))
        .map(|file| file.sha256)
        .collect();
    let uploads = rows.uploads().await?.into_iter();
    Ok(uploads
        .map(|it| UploadRoom {
            goes: upload_stays_until(it.last()) <= now && !named.contains(&it.file.sha256),
            place: Place::Kept(it.file.sha256),
            file: it.file,
        })
        .collect())
}
