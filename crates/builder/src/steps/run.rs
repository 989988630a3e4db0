//! Running a keyed step: from the cache where its inputs were seen before, else in a sandbox.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    path::PathBuf,
    time::Duration,
};

use domain::{blob::BlobRef, digest::Digest, job::StepState};
use sandbox::{Conditions, Outputs, Sandbox, SandboxError};
use serde::Serialize;

use super::{Build, Builder};
use crate::{cache::StepOutputs, error::BuildError, kernels::Cause, observer::StepEvent};

/// How much a step may write to its log, in bytes.
pub(crate) const LONGEST_LOG: usize = 32 << 20;
/// How long a step may take.
const LIMIT: Duration = Duration::from_secs(3600);

/// A step as data: what it is made of gives its key.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) script: &'static str,
    /// Blobs that stand under `/in`, by name.
    pub(crate) blobs: Vec<(String, BlobRef)>,
    /// Packages of the lock under `/in/debs`.
    pub(crate) packages: Vec<Digest>,
    /// Our own small files under `/in`, by name.
    pub(crate) files: Vec<(&'static str, Vec<u8>)>,
    pub(crate) environment: Vec<(&'static str, String)>,
}

/// Under what a step runs; what of it shapes the outputs is part of the key.
pub(crate) struct Setting<'a> {
    pub(crate) limit: Duration,
    pub(crate) conditions: Conditions,
    /// Programs that shape what the step gives besides those of every step: part of the key.
    pub(crate) toolchain: &'a [String],
    /// Variables that shape nothing, such as how many processors there are: not part of the key.
    pub(crate) environment: Vec<(&'static str, String)>,
    /// Reads along, to say in one sentence why a step failed.
    pub(crate) cause: Option<&'a RefCell<Cause>>,
}

impl Default for Setting<'_> {
    fn default() -> Self {
        Self {
            limit: LIMIT,
            conditions: Conditions::default(),
            toolchain: &[],
            environment: Vec::new(),
            cause: None,
        }
    }
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
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    toolchain: &'a [String],
}

impl Step {
    pub(crate) fn key(&self, tools: &[String], toolchain: &[String]) -> Result<Digest, BuildError> {
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
            toolchain,
        })?)
    }
}

/// A list of packages as scripts read it: `<sha256> <file>`.
pub(crate) fn package_list(packages: &[Digest]) -> Vec<u8> {
    packages.iter().map(|it| format!("{it} /in/debs/{it}\n")).collect::<String>().into_bytes()
}

/// Runs a step, or takes what it gave before. `collect` turns what stands in `/out` into files of
/// the cache, by name, and refuses what is not as it should be.
pub(crate) fn run<R>(
    build: &Build<'_, R>,
    step: &Step,
    collect: impl FnOnce(&Outputs) -> Result<Vec<(String, PathBuf)>, BuildError>,
) -> Result<StepOutputs, BuildError> {
    run_under(build, step, &Setting::default(), collect)
}

/// As [`run`], under a setting of its own.
pub(crate) fn run_under<R>(
    build: &Build<'_, R>,
    step: &Step,
    setting: &Setting<'_>,
    collect: impl FnOnce(&Outputs) -> Result<Vec<(String, PathBuf)>, BuildError>,
) -> Result<StepOutputs, BuildError> {
    let cache = &build.builder.cache;
    if build.stopped() {
        return Err(BuildError::Cancelled);
    }
    let key = step.key(&build.builder.tools, setting.toolchain)?;
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
    let ran = in_sandbox(build, step, setting, collect).and_then(|outputs| {
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

/// Runs a step that is part of another and no step of the job, or takes what it gave before.
pub(crate) fn run_unseen<R>(
    build: &Build<'_, R>,
    step: &Step,
    collect: impl FnOnce(&Outputs) -> Result<Vec<(String, PathBuf)>, BuildError>,
) -> Result<StepOutputs, BuildError> {
    let cache = &build.builder.cache;
    let key = step.key(&build.builder.tools, &[])?;
    if let Some(outputs) = cache.get(&key) {
        return Ok(outputs);
    }
    let outputs = in_sandbox(build, step, &Setting::default(), collect)?;
    cache.put(&key, &outputs)?;
    Ok(outputs)
}

fn in_sandbox<R>(
    build: &Build<'_, R>,
    step: &Step,
    setting: &Setting<'_>,
    collect: impl FnOnce(&Outputs) -> Result<Vec<(String, PathBuf)>, BuildError>,
) -> Result<StepOutputs, BuildError> {
    let builder = build.builder;
    let sandbox = sandbox(builder, step, &setting.environment, setting.limit);
    let written = Cell::new(0_usize);
    let too_long = || written.get() > LONGEST_LOG;
    let mut line = |line: &str| {
        written.set(written.get().saturating_add(line.len() + 1));
        if let Some(cause) = setting.cause {
            cause.borrow_mut().read(line);
        }
        build.log(step.name, line);
    };
    let outputs = sandbox
        .run_under(
            &setting.conditions,
            &builder.spawner,
            &builder.config.work_dir,
            &mut line,
            &|| build.stopped() || too_long(),
        )
        .map_err(|error| match (error, setting.cause.and_then(|it| it.borrow().sentence())) {
            (SandboxError::Cancelled, _) if too_long() => wrote_too_much(step.name),
            (SandboxError::Failed { .. }, Some(why)) => {
                BuildError::Step { step: step.name, why, lines: Vec::new() }
            }
            (error, _) => step_error(step.name, error),
        })?;
    keep(builder, step.name, collect(&outputs)?)
}

/// A step as what runs in a sandbox, with variables that are no part of its key.
pub(crate) fn sandbox<'a>(
    builder: &Builder,
    step: &Step,
    environment: &[(&'static str, String)],
    limit: Duration,
) -> Sandbox<'a> {
    let mut inputs: Vec<(String, PathBuf)> = step
        .blobs
        .iter()
        .map(|(name, blob)| (name.clone(), builder.blob_path(&blob.sha256)))
        .collect();
    inputs.extend(
        step.packages
            .iter()
            .map(|package| (format!("debs/{package}"), builder.blobs.path(package))),
    );
    Sandbox {
        script: step.script,
        inputs,
        files: step.files.iter().map(|(name, it)| ((*name).to_owned(), it.clone())).collect(),
        environment: step.environment.iter().chain(environment).cloned().collect(),
        limit,
    }
}

/// Takes the files that a step left into the cache.
pub(crate) fn keep(
    builder: &Builder,
    step: &'static str,
    files: Vec<(String, PathBuf)>,
) -> Result<StepOutputs, BuildError> {
    let mut kept = StepOutputs { step: step.to_owned(), ..StepOutputs::default() };
    for (name, path) in files {
        if !std::fs::symlink_metadata(&path).is_ok_and(|it| it.is_file()) {
            return Err(BuildError::Unexpected { step, what: format!("no file {name}") });
        }
        kept.files.insert(name, builder.cache.blobs.put_file(&path)?);
    }
    Ok(kept)
}

pub(crate) fn wrote_too_much(step: &'static str) -> BuildError {
    let why = format!("it wrote more than {} MiB to its log", LONGEST_LOG >> 20);
    BuildError::Step { step, why, lines: Vec::new() }
}

pub(crate) fn step_error(step: &'static str, error: SandboxError) -> BuildError {
    match error {
        SandboxError::Cancelled => BuildError::Cancelled,
        SandboxError::Failed { status, lines, .. } => {
            BuildError::Step { step, why: format!("its script ended with {status}"), lines }
        }
        other @ SandboxError::TimedOut(_) => {
            BuildError::Step { step, why: other.to_string(), lines: Vec::new() }
        }
        other => other.into(),
    }
}

/// The file of that name among a step's outputs.
pub(crate) fn file(
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
