//! The archive's index as apt wants it: made once for each state of the mirror.

use domain::{blob::BlobRef, digest::Digest};

use crate::{
    BuildError,
    cache::StepOutputs,
    mirror::{self, MirrorError},
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

/// Asks the mirror for the suites' indexes, and has apt read those that it has not read before.
pub(crate) fn run<R>(
    build: &Build<'_, R>,
    archive: &Archive<'_>,
    more: &[String],
) -> Result<Known, BuildError> {
    let builder = build.builder;
    let mirror = builder.mirror(archive)?;
    let stop = || build.stopped();
    let mut blobs: Vec<(String, BlobRef)> = Vec::new();
    let suites: Vec<&str> =
        std::iter::once(archive.suite).chain(more.iter().map(String::as_str)).collect();
    for suite in &suites {
        let found = mirror
            .index(&builder.blobs, suite, archive.components, archive.architecture, &stop)
            .map_err(|error| match error {
                MirrorError::Cancelled => BuildError::Cancelled,
                other => other.into(),
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
