//! Kernels of a recipe that are components of their own: made beside the rootfs, then part of the
//! lock.
//!
//! What was compiled elsewhere is looked into before the packages are resolved, since it may depend
//! on some. What is compiled here takes long and no package of the rootfs: it runs beside the
//! bootstrap where there is more than one processor. A lock that is kept names the files of its
//! kernels, so nothing is made again.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use domain::{
    kernel::{ConfigReport, KernelFileRole, Record, SourceRecord},
    lock::{Lock, LockedFile, LockedKernel, LockedPackage},
    recipe::Recipe,
};

use super::{Build, BuildRequest};
use crate::{
    error::BuildError,
    kernels::{KernelOutput, KernelRequest},
    observer::{BuildObserver, StepEvent},
};

/// The name of a kernel's step within a release's job.
#[must_use]
pub fn kernel_step(kernel: &str, step: &str) -> String {
    format!("{kernel}: {step}")
}

/// A kernel that is made, as a lock names it.
pub(crate) struct Made {
    pub(crate) kernel: LockedKernel,
    pub(crate) package: LockedPackage,
}

impl Made {
    fn new(request: &KernelRequest, record: &Record) -> Result<Self, BuildError> {
        let nothing = || BuildError::Unexpected {
            step: "resolve",
            what: format!("the kernel {} has no package that holds it", request.name),
        };
        let package = LockedPackage::of_kernel(&request.name, record).ok_or_else(nothing)?;
        let mut files: Vec<LockedFile> = record
            .files
            .iter()
            .filter(|file| file.role == KernelFileRole::Package)
            .map(|it| LockedFile { name: it.name.clone(), size: it.size, sha256: it.sha256 })
            .collect();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let kernel = LockedKernel {
            name: request.name.clone(),
            flavor: record.flavor,
            record: domain::canonical::digest(record)?,
            package: package.name.clone(),
            files,
        };
        Ok(Self { kernel, package })
    }
}

/// Puts kernels into a lock.
pub(super) fn lock_in(lock: &mut Lock, made: Vec<Made>) -> Result<(), BuildError> {
    for Made { kernel, package } in made {
        if let Some(other) = lock.kernels.iter().find(|it| it.package == kernel.package) {
            return Err(BuildError::NotTogether {
                one: format!("the kernel {} is the package {}", kernel.name, kernel.package),
                other: format!("so is the kernel {}", other.name),
            });
        }
        // A suite may have it as well: what was made is what the recipe names.
        lock.packages.retain(|it| (it.part, &it.name) != (package.part, &package.name));
        lock.packages.push(package);
        lock.kernels.push(kernel);
    }
    lock.packages.sort_by(|a, b| {
        (a.part, &a.name, &a.architecture).cmp(&(b.part, &b.name, &b.architecture))
    });
    lock.kernels.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(())
}

/// Whether a lock that is kept has the kernels that the recipe names.
pub(super) fn check_kept(recipe: &Recipe, lock: &Lock) -> Result<(), BuildError> {
    match recipe.own_kernels().into_keys().find(|name| lock.kernel(name).is_none()) {
        None => Ok(()),
        Some(name) => Err(BuildError::NotInLock(name.to_owned())),
    }
}

/// Looks into the kernels that were compiled elsewhere.
pub(super) fn compiled_elsewhere(build: &Build<'_>) -> Result<Vec<Made>, BuildError> {
    let binary = |it: &&KernelRequest| it.definition.source.is_binary();
    build.request.kernels.iter().filter(binary).map(|it| make(build, it, build.observer)).collect()
}

/// Makes every one of some kernels, one after the other.
pub(crate) fn make_all<R>(
    build: &Build<'_, R>,
    kernels: &[KernelRequest],
) -> Result<Vec<Made>, BuildError> {
    kernels.iter().map(|request| make(build, request, build.observer)).collect()
}

/// The kernels that are compiled here.
pub(super) fn to_compile(request: &BuildRequest) -> Vec<&KernelRequest> {
    request.kernels.iter().filter(|it| !it.definition.source.is_binary()).collect()
}

/// Runs `rootfs` and compiles kernels, at once where there are processors for both. What fails
/// stops the other.
pub(super) fn beside<T>(
    build: &Build<'_>,
    to_compile: &[&KernelRequest],
    rootfs: impl FnOnce(&Build<'_>) -> Result<T, BuildError>,
) -> Result<(T, Vec<Made>), BuildError> {
    let stop = AtomicBool::new(false);
    let observer = Stoppable { observer: build.observer, stop: &stop };
    let build = Build { builder: build.builder, request: build.request, observer: &observer };
    let compile = || {
        let made: Result<Vec<Made>, BuildError> =
            to_compile.iter().map(|request| make(&build, request, &observer)).collect();
        stop.fetch_or(made.is_err(), Ordering::AcqRel);
        made
    };
    let rootfs = || {
        let done = rootfs(&build);
        stop.fetch_or(done.is_err(), Ordering::AcqRel);
        done
    };
    let (done, made) = if thread::available_parallelism().is_ok_and(|it| it.get() > 1) {
        thread::scope(|scope| {
            let kernels = scope.spawn(compile);
            let done = rootfs();
            // A panic in there is one of ours: it goes on here.
            (done, kernels.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    } else {
        (Ok(rootfs()?), compile())
    };
    match (done, made) {
        (Ok(done), Ok(made)) => Ok((done, made)),
        // What stopped the other is why the build ends.
        (Err(BuildError::Cancelled), Err(error)) | (Err(error), _) | (Ok(_), Err(error)) => {
            Err(error)
        }
    }
}

fn make<R>(
    build: &Build<'_, R>,
    request: &KernelRequest,
    observer: &dyn BuildObserver,
) -> Result<Made, BuildError> {
    let named = OfKernel { observer, kernel: &request.name };
    let output: KernelOutput = build.builder.build_kernel(request, &named)?;
    let record = output.record.as_ref().ok_or_else(|| BuildError::Unexpected {
        step: "record",
        what: format!("the kernel {} came to no record", request.name),
    })?;
    let made = Made::new(request, record)?;
    observer.kernel_built(request, &output);
    Ok(made)
}

/// Watches the steps of a kernel under the name of that kernel.
struct OfKernel<'a> {
    observer: &'a dyn BuildObserver,
    kernel: &'a str,
}

impl BuildObserver for OfKernel<'_> {
    fn step(&self, event: StepEvent<'_>) {
        let named = |name: &str| kernel_step(self.kernel, name);
        match event {
            StepEvent::Started { name, key } => {
                self.observer.step(StepEvent::Started { name: &named(name), key });
            }
            StepEvent::Progress { name, thousandths } => {
                self.observer.step(StepEvent::Progress { name: &named(name), thousandths });
            }
            StepEvent::Ended { name, state, message } => {
                self.observer.step(StepEvent::Ended { name: &named(name), state, message });
            }
        }
    }

    fn log(&self, step: &str, line: &str) {
        self.observer.log(&kernel_step(self.kernel, step), line);
    }

    fn lock_resolved(&self, _lock: &Lock) {}

    fn source_found(&self, source: &SourceRecord) {
        self.observer.source_found(source);
    }

    fn configured(&self, report: &ConfigReport, config: &domain::blob::BlobRef) {
        self.observer.configured(report, config);
    }

    fn cancelled(&self) -> bool {
        self.observer.cancelled()
    }
}

/// Watches one of two that run at once: what fails stops the other.
struct Stoppable<'a> {
    observer: &'a dyn BuildObserver,
    stop: &'a AtomicBool,
}

impl BuildObserver for Stoppable<'_> {
    fn step(&self, event: StepEvent<'_>) {
        self.observer.step(event);
    }

    fn log(&self, step: &str, line: &str) {
        self.observer.log(step, line);
    }

    fn lock_resolved(&self, lock: &Lock) {
        self.observer.lock_resolved(lock);
    }

    fn kernel_built(&self, request: &KernelRequest, output: &KernelOutput) {
        self.observer.kernel_built(request, output);
    }

    fn cancelled(&self) -> bool {
        self.stop.load(Ordering::Acquire) || self.observer.cancelled()
    }
}
