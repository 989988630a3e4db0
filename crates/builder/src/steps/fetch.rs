//! `fetch`: every package of the lock, by digest, into the blob store. What is there stays.

use std::sync::atomic::{AtomicU64, Ordering};

use domain::{
    lock::{Lock, LockedPackage},
    time::human_size,
};

use super::{Build, resolve::Archive};
use crate::{error::BuildError, mirror::MirrorError, observer::StepEvent};

const NAME: &str = "fetch";

pub(super) fn run(build: &Build<'_>, lock: &Lock) -> Result<(), BuildError> {
    packages(build, &Archive::of(&build.request.recipe), &lock.packages)
}

/// Fetches packages of an archive.
pub(crate) fn packages<R: Sync>(
    build: &Build<'_, R>,
    archive: &Archive<'_>,
    wanted: &[LockedPackage],
) -> Result<(), BuildError> {
    build.unkeyed(NAME, || {
        let blobs = &build.builder.blobs;
        let mut missing = Vec::new();
        for package in wanted {
            if !blobs.touch(&package.sha256)? {
                missing.push(package.clone());
            }
        }
        if missing.is_empty() {
            let message = format!("all {} packages are in the pool", wanted.len());
            build.log(NAME, &message);
            return Ok(((), Some(message)));
        }
        let total: u64 = missing.iter().map(|it| it.size).sum();
        let done = AtomicU64::new(0);
        build.log(NAME, &format!("{} packages to fetch, {}", missing.len(), human_size(total)));
        let mirror = build.builder.mirror(archive)?;
        let fetched = |package: &LockedPackage| {
            let now = done.fetch_add(package.size, Ordering::Relaxed) + package.size;
            build.log(
                NAME,
                &format!("{} {} ({})", package.name, package.version, human_size(package.size)),
            );
            let thousandths =
                u32::try_from(now.saturating_mul(1000) / total.max(1)).unwrap_or(1000);
            build.observer.step(StepEvent::Progress { name: NAME, thousandths });
        };
        mirror.packages(blobs, &missing, &fetched, &|| build.stopped()).map_err(
            |error| match error {
                MirrorError::Cancelled => BuildError::Cancelled,
                other => other.into(),
            },
        )?;
        Ok(((), Some(format!("{} packages, {}", missing.len(), human_size(total)))))
    })
}
