//! From a kernel's definition to its record: source, configuration, compilation.
//!
//! Everything of a source tree, from its Makefile to its Kconfig, is somebody else's program: it is
//! unpacked and run in sandboxes only. What is compiled comes to the same bytes wherever it is
//! compiled, and its record has the commands for that. What was compiled elsewhere is looked into, so
//! that a record says the same things of it.

mod cause;
mod commands;
mod compile;
mod compiler_cache;
mod configure;
mod facts;
mod inspect;
mod packages;
mod prepare;
mod record;
mod toolchain;

use std::path::Path;

use domain::{
    blob::BlobRef,
    digest::Digest,
    ids::KernelId,
    kernel::{BuildMode, ConfigReport, Definition, Record, SourceRecord, UploadedFile},
};

pub(crate) use self::cause::{Cause, full_disk};
use crate::{
    BuildError, BuildObserver, Builder,
    boot_image::{is_multiboot, linux_version},
    sources::FetchedContent,
    steps::Build,
};

/// One making of a kernel under way.
type KernelBuilding<'a> = Build<'a, KernelRequest>;

const COMMON: &str = include_str!("../assets/kernels/common.sh");
pub(crate) const UNPACK: &str = include_str!("../assets/kernels/unpack.py");

/// The longest text that is read from what a step left, in bytes: far above a configuration.
const LONGEST_TEXT: u64 = 16 << 20;

/// A kernel that is to be made.
#[derive(Debug, Clone)]
pub struct KernelRequest {
    /// Which kernel: its compiler cache is its own.
    pub kernel: KernelId,
    /// Its name, for messages.
    pub name: String,
    /// What it is made of. Uploads, and the configuration of another kernel, are blobs of the
    /// builder's store.
    pub definition: Definition,
    /// What it is to come to.
    pub mode: BuildMode,
}

/// What was made of a kernel. All blobs are in the builder's blob store.
#[derive(Debug, Clone)]
pub struct KernelOutput {
    /// Where the source came from.
    pub source: SourceRecord,
    /// The configuration as the tree left it; a hypervisor of Debian may have none.
    pub config: Option<BlobRef>,
    /// What became of the configuration; of what is compiled here.
    pub report: Option<ConfigReport>,
    /// What came out, unless only the configuration was asked for.
    pub record: Option<Record>,
}

/// Names of the steps of a kernel's job, in order.
#[must_use]
pub fn kernel_steps(definition: &Definition, mode: BuildMode) -> Vec<&'static str> {
    match (definition.source.is_binary(), mode) {
        (true, _) => vec!["source", "inspect", "record"],
        (false, BuildMode::Configure) => vec!["source", "prepare", "configure"],
        (false, BuildMode::Development | BuildMode::Release) => {
            vec!["source", "prepare", "configure", "compile", "record"]
        }
    }
}

impl Builder {
    /// Makes a kernel, or its configuration alone. Called again after an interruption it goes on
    /// where it was: finished steps come from the step cache.
    ///
    /// # Errors
    /// The step that failed, why, and its last lines.
    pub fn build_kernel(
        &self,
        request: &KernelRequest,
        observer: &dyn BuildObserver,
    ) -> Result<KernelOutput, BuildError> {
        let _building = self.cache.hold()?;
        let build: KernelBuilding<'_> = Build { builder: self, request, observer };
        let found = build.unkeyed("source", || {
            let log = |line: &str| build.log("source", line);
            let stop = || build.stopped();
            let found = self.fetch_source(&request.definition.source, &log, &stop)?;
            let message = found.origin.clone();
            Ok((found, Some(message)))
        })?;
        let source = SourceRecord {
            origin: found.origin,
            sha256: found.sha256,
            commit: found.commit,
            patches: request.definition.patches.iter().map(|it| it.sha256).collect(),
        };
        observer.source_found(&source);
        match found.content {
            FetchedContent::Archive { name, blob } => compiled(&build, source, &name, blob),
            FetchedContent::Packages { packages, image } => {
                let inspected = inspect::run(&build, &packages, image.as_ref())?;
                let (record, config) =
                    record::of_packages(&build, &source, &packages, image.as_ref(), &inspected)?;
                Ok(KernelOutput { source, config, report: None, record: Some(record) })
            }
        }
    }
}

fn compiled(
    build: &KernelBuilding<'_>,
    source: SourceRecord,
    name: &str,
    archive: BlobRef,
) -> Result<KernelOutput, BuildError> {
    let prepared = prepare::run(build, archive)?;
    let Some(configuration) = &build.request.definition.configuration else {
        let why = "what is compiled needs a configuration".to_owned();
        return Err(build.not_begun(configure::NAME, build.failure(configure::NAME, why)));
    };
    let configured = configure::run(build, configuration, &prepared)?;
    build.keep(&configured.config.sha256)?;
    build.observer.configured(&configured.report, &configured.config);
    let record = if build.request.mode == BuildMode::Configure {
        None
    } else {
        let compiled = compile::run(build, &prepared, &configured)?;
        let archive = (name, archive.sha256);
        Some(record::of_compiled(build, &source, archive, &prepared, &configured, &compiled)?)
    };
    Ok(KernelOutput {
        source,
        config: Some(configured.config),
        report: Some(configured.report),
        record,
    })
}

impl KernelBuilding<'_> {
    /// An upload that the definition names.
    fn upload(&self, step: &'static str, file: &UploadedFile) -> Result<BlobRef, BuildError> {
        let what = format!("the upload {}", file.name);
        self.kept(step, &what, file.sha256).map_err(|error| self.not_begun(step, error))
    }

    /// Makes a file of the cache one that is kept.
    fn keep(&self, sha256: &Digest) -> Result<(), BuildError> {
        Ok(self.builder.blobs.take_from(&self.builder.cache.blobs, sha256)?)
    }

    /// A text that a step left or somebody brought.
    fn text(&self, step: &'static str, blob: &BlobRef) -> Result<String, BuildError> {
        if blob.size > LONGEST_TEXT {
            return Err(BuildError::Unexpected {
                step,
                what: format!("a text of {} bytes", blob.size),
            });
        }
        let path = self.builder.blob_path(&blob.sha256);
        let bytes = std::fs::read(&path).map_err(|source| BuildError::Io {
            doing: "read",
            path,
            source,
        })?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Notes that a step failed before it could begin.
    fn not_begun(&self, step: &'static str, error: BuildError) -> BuildError {
        self.observer.step(crate::StepEvent::Started { name: step, key: None });
        self.failed(step, error)
    }
}

/// Whether a kernel's header and each vermagic of its modules, a line each, begin with its release.
fn check_linux(
    step: &'static str,
    image: &Path,
    release: &str,
    vermagics: &str,
) -> Result<(), BuildError> {
    let header = linux_version(image).map_err(|source| BuildError::Io {
        doing: "read",
        path: image.to_path_buf(),
        source,
    })?;
    let Some(header) = header else {
        let what =
            format!("a kernel {release} that is no bzImage, or names no version in its header");
        return Err(BuildError::Unexpected { step, what });
    };
    let said = header.split(' ').next().unwrap_or_default();
    if said != release {
        return Err(BuildError::NotTogether {
            one: format!("the kernel is called {release}"),
            other: format!("its header says {said}"),
        });
    }
    let other = vermagics.lines().find(|it| {
        let first = it.split(' ').next().unwrap_or_default();
        !first.is_empty() && first != release
    });
    other.map_or(Ok(()), |vermagic| {
        Err(BuildError::NotTogether {
            one: format!("the kernel is {release}"),
            other: format!("a module beside it is for {vermagic:?}"),
        })
    })
}

/// Whether a boot loader can start a hypervisor.
fn check_hypervisor(step: &'static str, image: &Path) -> Result<(), BuildError> {
    let starts = is_multiboot(image).map_err(|source| BuildError::Io {
        doing: "read",
        path: image.to_path_buf(),
        source,
    })?;
    if starts {
        return Ok(());
    }
    Err(BuildError::Step {
        step,
        why: "the hypervisor has no multiboot header, and iPXE starts nothing else with a dom0"
            .to_owned(),
        lines: Vec::new(),
    })
}
