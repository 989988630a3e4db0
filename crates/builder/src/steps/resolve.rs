//! `resolve`: which packages, in which versions, with which digests.

use std::{collections::BTreeSet, fs, path::PathBuf, time::Duration};

use domain::{
    lock::{self, Lock, LockedPackage, Part},
    recipe::Recipe,
};

use super::{Build, Builder, LockChoice, Work, run::step_error};
use crate::{
    error::BuildError,
    mirror::{self, Index},
    packages::{self, PackageIndex},
    sandbox::{Outputs, Sandbox},
};

const NAME: &str = "resolve";
const APT: &str = include_str!("../../assets/apt.sh");
/// How long apt may take over an index.
const LIMIT: Duration = Duration::from_secs(300);

pub(super) fn run(build: &Build<'_>) -> Result<Lock, BuildError> {
    let lock = build.unkeyed(NAME, || {
        let lock = match &build.request.choice {
            LockChoice::Keep(lock) => {
                build.log(NAME, "the former lock is kept");
                lock.clone()
            }
            LockChoice::Newer { former } => resolve(build, former.as_ref())?,
        };
        let installed = lock.packages.iter().filter(|it| it.part != Part::Initrd).count();
        let message = format!("{installed} packages, lock {}", lock.digest()?.short());
        build.log(NAME, &message);
        Ok((lock, Some(message)))
    })?;
    build.observer.lock_resolved(&lock);
    Ok(lock)
}

fn resolve(build: &Build<'_>, former: Option<&Lock>) -> Result<Lock, BuildError> {
    let recipe = &build.request.recipe;
    let (index, repository) = index(build.builder, recipe, &|| build.stopped())?;
    build
        .log(NAME, &format!("{} was published {} s after 1970 UTC", recipe.suite, index.published));
    let kernels: BTreeSet<&str> =
        recipe.kernels.iter().map(|kernel| kernel.package.as_str()).collect();
    let kernels: Vec<&str> = kernels.into_iter().collect();
    let outputs = ask_apt(
        build.builder,
        recipe,
        include_str!("../../assets/resolve.sh"),
        &repository,
        vec![("PACKAGES", recipe.packages.join(" ")), ("KERNELS", kernels.join(" "))],
        &mut |line| build.log(NAME, line),
        &|| build.stopped(),
    )?;
    let mut packages = Vec::new();
    for (part, file) in
        [(Part::Rootfs, "rootfs"), (Part::Kernel, "kernel"), (Part::Initrd, "initrd")]
    {
        let stanzas = outputs.text(file)?;
        packages.extend(packages::locked(&stanzas, part, &recipe.suite).ok_or_else(|| {
            BuildError::Unexpected { step: NAME, what: "the index lacks fields".to_owned() }
        })?);
    }
    packages.sort_by(|a, b| {
        (a.part, &a.name, &a.architecture).cmp(&(b.part, &b.name, &b.architecture))
    });
    let mut lock = Lock {
        schema: 1,
        suite: recipe.suite.clone(),
        architecture: recipe.architecture.clone(),
        epoch: index.published,
        packages,
    };
    // What is unchanged must give the same bytes, whatever else the archive has published since.
    if let Some(former) = former.filter(|former| lock::packages_equal(former, &lock)) {
        build.log(NAME, "the packages are those of the former lock");
        lock.epoch = former.epoch;
    }
    Ok(lock)
}

/// The busybox that the archive has now, fetched; for what is built without a lock.
pub(super) fn busybox(work: &Work<'_>, recipe: &Recipe) -> Result<LockedPackage, BuildError> {
    const STEP: &str = "busybox";
    let stop = || work.stopped();
    let (_, repository) = index(work.builder, recipe, &stop)?;
    let outputs = ask_apt(
        work.builder,
        recipe,
        include_str!("../../assets/busybox.sh"),
        &repository,
        Vec::new(),
        &mut |line| work.log(STEP, line),
        &stop,
    )?;
    let stanza = outputs.text("initrd")?;
    let found = packages::locked(&stanza, Part::Initrd, &recipe.suite)
        .and_then(|found| found.into_iter().next())
        .ok_or_else(|| BuildError::Unexpected {
            step: STEP,
            what: "the index lacks fields".to_owned(),
        })?;
    let blobs = &work.builder.blobs;
    if !blobs.touch(&found.sha256)? {
        let mirror = work.builder.mirror(recipe)?;
        mirror.packages(blobs, std::slice::from_ref(&found), &|_| {}, &stop)?;
    }
    Ok(found)
}

/// A mirror's tree in a folder of its own, removed when dropped.
struct Repository(tempfile::TempDir);

fn index(
    builder: &Builder,
    recipe: &Recipe,
    stop: &dyn Fn() -> bool,
) -> Result<(Index, Repository), BuildError> {
    let blobs = &builder.cache.blobs;
    let mirror = builder.mirror(recipe)?;
    let index =
        mirror.index(blobs, &recipe.suite, &recipe.components, &recipe.architecture, stop)?;
    let work = &builder.config.work_dir;
    let failed = |source| BuildError::Io { doing: "make a folder in", path: work.clone(), source };
    fs::create_dir_all(work).map_err(failed)?;
    let folder = tempfile::Builder::new()
        .prefix("index-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir_in(work)
        .map_err(failed)?;
    mirror::lay_out(&index, blobs, &recipe.suite, folder.path())?;
    Ok((index, Repository(folder)))
}

fn ask_apt(
    builder: &Builder,
    recipe: &Recipe,
    script: &str,
    repository: &Repository,
    mut environment: Vec<(&'static str, String)>,
    line: &mut dyn FnMut(&str),
    stop: &dyn Fn() -> bool,
) -> Result<Outputs, BuildError> {
    environment.extend([
        ("SUITE", recipe.suite.clone()),
        ("COMPONENTS", recipe.components.join(" ")),
        ("ARCHITECTURE", recipe.architecture.clone()),
    ]);
    let sandbox = Sandbox {
        script,
        inputs: vec![("repo".to_owned(), repository.0.path().to_path_buf())],
        files: vec![("apt.sh".to_owned(), APT.as_bytes().to_vec())],
        environment,
        limit: LIMIT,
    };
    sandbox
        .run(&builder.spawner, &builder.config.work_dir, line, stop)
        .map_err(|error| step_error(NAME, error))
}

/// The names of the archive's packages; kept by the digest of the suite's release file.
pub(super) fn package_index(
    builder: &Builder,
    recipe: &Recipe,
) -> Result<PackageIndex, BuildError> {
    let never = || false;
    let (index, repository) = index(builder, recipe, &never)?;
    let known: PathBuf = builder.config.cache_dir.join(format!(
        "names-{}-{}",
        index.release,
        recipe.components.join("+")
    ));
    if let Ok(text) = fs::read_to_string(&known) {
        return Ok(PackageIndex::from_lines(&text));
    }
    let mut said = Vec::new();
    let outputs = ask_apt(
        builder,
        recipe,
        include_str!("../../assets/index.sh"),
        &repository,
        Vec::new(),
        &mut |line| said.push(line.to_owned()),
        &never,
    )?;
    let text = outputs.text("names")?;
    let failed = |source| BuildError::Io { doing: "write", path: known.clone(), source };
    let mut file = tempfile::NamedTempFile::new_in(&builder.config.cache_dir).map_err(failed)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(failed)?;
    file.persist(&known).map_err(|error| failed(error.error))?;
    Ok(PackageIndex::from_lines(&text))
}
