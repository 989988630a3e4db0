//! What builds of variants keep, and which of them go.

use std::collections::HashSet;

use domain::{digest::Digest, room::Place, time::Timestamp};
use store::{Rows, variants::KeptVariantBuild};

use crate::error::ServiceError;

/// A complete build of a variant whose files are there.
pub(crate) struct VariantFiles {
    pub(crate) build: KeptVariantBuild,
    /// Whether its files go: a newer one took its place, or its variant's days are over, and no machine
    /// boots it.
    pub(crate) goes: bool,
    pub(crate) places: Vec<Place>,
}

/// Every build of a variant that keeps files, as the rows stand at `now`, where machines boot the
/// manifests of `booting`.
pub(crate) async fn builds(
    rows: &mut Rows,
    booting: &HashSet<Digest>,
    now: Timestamp,
) -> Result<Vec<VariantFiles>, ServiceError> {
    let mut seen = HashSet::new();
    let mut kept = Vec::new();
    // By variant, newest first.
    for build in rows.kept_variant_builds().await? {
        let newest = seen.insert(build.variant.clone());
        let lives = build.deleted_at.is_none() && build.expires_at > now;
        let digest = build.manifest.digest()?;
        let is_served = newest && lives;
        let goes = !is_served && !booting.contains(&digest);
        let lock = build.lock.iter();
        let packages = lock.flat_map(|it| it.install.iter().chain(&it.busybox));
        let components = build.manifest.components.iter().map(|it| it.sha256);
        let places = components
            .chain([digest])
            .chain(packages.map(|it| it.sha256))
            .map(Place::Kept)
            .collect();
        kept.push(VariantFiles { build, goes, places });
    }
    Ok(kept)
}
