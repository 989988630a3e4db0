//! The archive's index as apt wants it: made once for each state of the mirror.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use blobs::BlobStore;
use domain::{blob::BlobRef, digest::Digest};

use crate::{
    BuildError,
    cache::StepOutputs,
    mirror::{self, Index, MirrorError},
    steps::{
        Build,
        resolve::{APT, Archive},
        run::{self, Step},
    },
};

const NAME: &str = "index";

/// The indexes of one or several suites.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// What apt made of them.
    pub(crate) apt: BlobRef,
    /// Every version of every package; see `index.sh`.
    pub(crate) packages: BlobRef,
}

/// How long what the mirror had is taken for what it has: whoever looks what a change would do and then
/// builds it gets the very same.
const FRESH: Duration = Duration::from_secs(300);

/// What mirrors had when they were asked last, by address, suite and what was asked for.
#[derive(Debug, Default)]
pub(crate) struct Asked(Mutex<HashMap<String, (Instant, Index)>>);

impl Asked {
    /// What is known by that name, fresh and still among the blobs, or what `ask` gives.
    fn or_ask(
        &self,
        name: String,
        blobs: &BlobStore,
        ask: impl FnOnce() -> Result<Index, BuildError>,
    ) -> Result<Index, BuildError> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, index)) = known().get(&name)
            && at.elapsed() < FRESH
            && index.packages.iter().all(|(_, digest)| blobs.contains(digest))
            && blobs.contains(&index.release)
        {
            return Ok(index.clone());
        }
        let index = ask()?;
        known().insert(name, (Instant::now(), index.clone()));
        Ok(index)
    }
}

/// Asks the mirror for the suites' indexes, and has apt read those that it has not read before.
pub(crate) fn run<R>(build: &Build<'_, R>, archive: &Archive<'_>) -> Result<Known, BuildError> {
    let builder = build.builder;
    let mirror = builder.mirror(archive)?;
    let stop = || build.stopped();
    let mut blobs: Vec<(String, BlobRef)> = Vec::new();
    let suites = archive.suites();
    for suite in &suites {
        let (components, architecture) = (archive.components, archive.architecture);
        let name = format!("{} {suite} {components:?} {architecture}", mirror.base());
        let found = builder.asked.or_ask(name, &builder.blobs, || {
            mirror.index(&builder.blobs, suite, components, architecture, &stop).map_err(|error| {
                match error {
                    MirrorError::Cancelled => BuildError::Cancelled,
                    other => other.into(),
                }
            })
        })?;
        for (path, digest) in mirror::files(&found, suite) {
            blobs.push((format!("repo/{path}"), kept(build, digest)?));
        }
    }
    let step = Step {
        name: NAME,
        script: include_str!("../../assets/variants/index.sh"),
        blobs,
        packages: Vec::new(),
        files: vec![("apt.sh", APT.as_bytes().to_vec()), ("own", Vec::new())],
        environment: vec![
            ("SUITE", suites.join(" ")),
            ("COMPONENTS", archive.components.join(" ")),
            ("ARCHITECTURE", archive.architecture.to_owned()),
        ],
    };
    let outputs: StepOutputs = run::run_unseen(build, &step, |outputs| {
        Ok(["apt.tar", "packages"].map(|it| (it.to_owned(), outputs.path(it))).into())
    })?;
    Ok(Known {
        apt: run::file(&outputs, NAME, "apt.tar")?,
        packages: run::file(&outputs, NAME, "packages")?,
    })
}

fn kept<R>(build: &Build<'_, R>, sha256: Digest) -> Result<BlobRef, BuildError> {
    let path = build.builder.blobs.path(&sha256);
    let size = std::fs::metadata(&path)
        .map_err(|source| BuildError::Io { doing: "read", path, source })?
        .len();
    Ok(BlobRef { sha256, size })
}
