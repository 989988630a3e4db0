//! Running a keyed step: from the cache where its inputs were seen before, else in a sandbox.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use domain::{blob::BlobRef, digest::Digest, job::StepState};
use serde::Serialize;

use super::Work;
use crate::{
    cache::StepOutputs,
    error::BuildError,
    observer::StepEvent,
    sandbox::{Outputs, Sandbox, SandboxError},
};

/// How long a step may take.
const LIMIT: Duration = Duration::from_secs(3600);

/// A step as data: what it is made of gives its key.
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) script: &'static str,
    /// Blobs that stand under `/in`, by name.
    pub(super) blobs: Vec<(String, BlobRef)>,
    /// Packages of the lock under `/in/debs`.
    pub(super) packages: Vec<Digest>,
    /// Our own small files under `/in`, by name.
    pub(super) files: Vec<(&'static str, Vec<u8>)>,
    pub(super) environment: Vec<(&'static str, String)>,
}

/// What a key is the digest of.
#[derive(Serialize)]
struct Inputs<'a> {
    step: &'a str,
    script: Digest,
    blobs: BTreeMap<&'a str, Digest>,
    packages: &'a [Digest],
    files: BTreeMap<&'a str, Digest>,
    environment: BTreeMap<&'a str, &'a str>,
    tools: &'a [String],
}

impl Step {
    pub(super) fn key(&self, tools: &[String]) -> Result<Digest, BuildError> {
        Ok(domain::canonical::digest(&Inputs {
            step: self.name,
            script: Digest::of(self.script),
            blobs: self.blobs.iter().map(|(name, blob)| (name.as_str(), blob.sha256)).collect(),
            packages: &self.packages,
            files: self.files.iter().map(|(name, bytes)| (*name, Digest::of(bytes))).collect(),
            environment: self
                .environment
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect(),
            tools,
        })?)
    }
}

/// A list of packages as scripts read it: `<sha256> <file>`.
pub(super) fn package_list(packages: &[Digest]) -> Vec<u8> {
    packages.iter().map(|it| format!("{it} /in/debs/{it}\n")).collect::<String>().into_bytes()
}

/// Runs a step, or takes what it gave before. `collect` turns what stands in `/out` into files of
/// the cache, by name, and refuses what is not as it should be.
pub(super) fn run(
    build: &Work<'_>,
    step: &Step,
    collect: impl FnOnce(&Outputs) -> Result<Vec<(String, PathBuf)>, BuildError>,
) -> Result<StepOutputs, BuildError> {
    let cache = &build.builder.cache;
    if build.stopped() {
        return Err(BuildError::Cancelled);
    }
    let key = step.key(&build.builder.tools)?;
    if let Some(mut outputs) = cache.get(&key) {
        if outputs.step.is_empty() {
            // An older program wrote it, and did not say of which step it is.
            step.name.clone_into(&mut outputs.step);
            cache.put(&key, &outputs)?;
        }
        build.log(step.name, &format!("inputs {key} are known: nothing to run"));
        build.observer.step(StepEvent::Started { name: step.name, key: Some(key) });
        build.ended(step.name, StepState::Reused, None);
        return Ok(outputs);
    }
    build.observer.step(StepEvent::Started { name: step.name, key: Some(key) });
    build.log(step.name, &format!("inputs {key} are new: running"));
    let ran = in_sandbox(build, step, collect).and_then(|outputs| {
        cache.put(&key, &outputs)?;
        Ok(outputs)
    });
    match ran {
        Ok(outputs) => {
            build.ended(step.name, StepState::Succeeded, None);
            Ok(outputs)
        }
        Err(error) => Err(build.failed(step.name, error)),
    }
}

fn in_sandbox(
    build: &Work<'_>,
    step: &Step,
    collect: impl FnOnce(&Outputs) -> Result<Vec<(String, PathBuf)>, BuildError>,
) -> Result<StepOutputs, BuildError> {
    let builder = build.builder;
    let mut inputs: Vec<(String, PathBuf)> = step
        .blobs
        .iter()
        .map(|(name, blob)| (name.clone(), builder.cache.blobs.path(&blob.sha256)))
        .collect();
    inputs.extend(
        step.packages
            .iter()
            .map(|package| (format!("debs/{package}"), builder.blobs.path(package))),
    );
    let sandbox = Sandbox {
        script: step.script,
        inputs,
        files: step.files.iter().map(|(name, it)| ((*name).to_owned(), it.clone())).collect(),
        environment: step.environment.clone(),
        limit: LIMIT,
    };
    let outputs = sandbox
        .run(
            &builder.spawner,
            &builder.config.work_dir,
            &mut |line| build.log(step.name, line),
            &|| build.stopped(),
        )
        .map_err(|error| step_error(step.name, error))?;
    let mut kept = StepOutputs { step: step.name.to_owned(), ..StepOutputs::default() };
    for (name, path) in collect(&outputs)? {
        if !std::fs::symlink_metadata(&path).is_ok_and(|it| it.is_file()) {
            return Err(BuildError::Unexpected {
                step: step.name,
                what: format!("no file {name}"),
            });
        }
        kept.files.insert(name, builder.cache.blobs.put_file(&path)?);
    }
    Ok(kept)
}

pub(super) fn step_error(step: &'static str, error: SandboxError) -> BuildError {
    match error {
        SandboxError::Cancelled => BuildError::Cancelled,
        SandboxError::Failed { status, lines } => {
            BuildError::Step { step, why: format!("its script ended with {status}"), lines }
        }
        other @ SandboxError::TimedOut(_) => {
            BuildError::Step { step, why: other.to_string(), lines: Vec::new() }
        }
        other => other.into(),
    }
}

/// The file of that name among a step's outputs.
pub(super) fn file(
    outputs: &StepOutputs,
    step: &'static str,
    name: &str,
) -> Result<BlobRef, BuildError> {
    outputs
        .files
        .get(name)
        .copied()
        .ok_or_else(|| BuildError::Unexpected { step, what: format!("no file {name}") })
}
