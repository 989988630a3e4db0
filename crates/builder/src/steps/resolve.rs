//! `resolve`: which packages, in which versions, with which digests.

use std::{collections::BTreeSet, fs, time::Duration};

use domain::{
    digest::Digest,
    lock::{self, Lock, LockedPackage, Part},
    recipe::Recipe,
};
use sandbox::{Outputs, Sandbox};

use super::{
    Build, Builder,
    own_kernels::Made,
    run::{self, step_error},
};
use crate::{
    error::BuildError,
    mirror,
    packages::{self, PackageIndex, Suites},
};

const NAME: &str = "resolve";
pub(crate) const APT: &str = include_str!("../../assets/apt.sh");
/// How long apt may take over an index.
const LIMIT: Duration = Duration::from_secs(300);

/// What an archive is asked for.
pub(crate) struct Archive<'a> {
    /// Base URL of its mirror, where somebody insists on one.
    pub(crate) mirror: Option<&'a str>,
    pub(crate) suite: &'a str,
    /// Further suites, which packages are pinned to.
    pub(crate) pinned: Vec<String>,
    pub(crate) components: &'a [String],
    pub(crate) architecture: &'a str,
}

impl<'a> Archive<'a> {
    /// The archive that a recipe takes its packages from.
    pub(crate) fn of(recipe: &'a Recipe) -> Self {
        Self {
            mirror: recipe.mirror.as_deref(),
            suite: &recipe.suite,
            pinned: Vec::new(),
            components: &recipe.components,
            architecture: &recipe.architecture,
        }
        .with(&recipe.pinned_suites())
    }

    /// With more suites beside its own.
    pub(crate) fn with(mut self, more: &[String]) -> Self {
        for suite in more {
            if suite != self.suite && !self.pinned.contains(suite) {
                self.pinned.push(suite.clone());
            }
        }
        self
    }

    /// All its suites, its own first.
    pub(crate) fn suites(&self) -> Vec<&str> {
        std::iter::once(self.suite).chain(self.pinned.iter().map(String::as_str)).collect()
    }
}

/// Takes a lock as it is.
pub(super) fn keep(build: &Build<'_>, lock: &Lock) -> Result<(), BuildError> {
    build.unkeyed(NAME, || {
        build.log(NAME, "the former lock is kept");
        Ok(((), Some(told(build, lock)?)))
    })?;
    build.observer.lock_resolved(lock);
    Ok(())
}

/// Asks the archive. What the kernels install that are `made` already is told to apt, since they may
/// depend on packages; those that are not are no part of the lock yet. So it is not told to the
/// observer here where some are to come.
pub(super) fn run(
    build: &Build<'_>,
    former: Option<&Lock>,
    made: &[Made],
) -> Result<Lock, BuildError> {
    build.unkeyed(NAME, || {
        let lock = resolve(build, former, made)?;
        let message = told(build, &lock)?;
        Ok((lock, Some(message)))
    })
}

fn told(build: &Build<'_>, lock: &Lock) -> Result<String, BuildError> {
    let message = format!("{} packages, lock {}", lock.installed().count(), lock.digest()?.short());
    build.log(NAME, &message);
    Ok(message)
}

fn resolve(build: &Build<'_>, former: Option<&Lock>, made: &[Made]) -> Result<Lock, BuildError> {
    let recipe = &build.request.recipe;
    let archive = Archive::of(recipe);
    let repository = index(build.builder, &archive, &|| build.stopped())?;
    let published = repository.published;
    build.log(NAME, &format!("{} was published {published} s after 1970 UTC", recipe.suite));
    let own = made.iter().map(|it| format!("{}={}", it.package.name, it.package.version));
    let kernels: BTreeSet<String> =
        recipe.kernel_packages().map(ToOwned::to_owned).chain(own).collect();
    let kernels: Vec<String> = kernels.into_iter().collect();
    let debs: Vec<Digest> = made.iter().map(|it| it.package.sha256).collect();
    let outputs = ask_apt(
        build.builder,
        NAME,
        &archive,
        include_str!("../../assets/resolve.sh"),
        (&repository, &debs),
        vec![("PACKAGES", recipe.packages.join(" ")), ("KERNELS", kernels.join(" "))],
        LIMIT,
        &mut |line| build.log(NAME, line),
        &|| build.stopped(),
    )?;
    let suites = outputs.text("suites")?;
    let suites = Suites::read(archive.suite, &suites);
    let mut packages = Vec::new();
    for (part, file) in
        [(Part::Rootfs, "rootfs"), (Part::Kernel, "kernel"), (Part::Initrd, "initrd")]
    {
        let stanzas = outputs.text(file)?;
        packages.extend(packages::locked(&stanzas, part, &suites).ok_or_else(|| {
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
        epoch: published,
        packages,
        kernels: Vec::new(),
    };
    // What is unchanged must give the same bytes, whatever else the archive has published since.
    if let Some(former) = former.filter(|former| lock::packages_equal(former, &lock)) {
        build.log(NAME, "the packages are those of the former lock");
        lock.epoch = former.epoch;
    }
    Ok(lock)
}

/// The busybox that the archive has now, fetched; for what is built without a lock.
pub(crate) fn busybox<R>(
    work: &Build<'_, R>,
    recipe: &Recipe,
) -> Result<LockedPackage, BuildError> {
    const STEP: &str = "busybox";
    let observer = work.observer;
    let stop = || observer.cancelled();
    let archive = Archive::of(recipe);
    let repository = index(work.builder, &archive, &stop)?;
    let outputs = ask_apt(
        work.builder,
        STEP,
        &archive,
        include_str!("../../assets/busybox.sh"),
        (&repository, &[]),
        Vec::new(),
        LIMIT,
        &mut |line| work.log(STEP, line),
        &stop,
    )?;
    let stanza = outputs.text("initrd")?;
    let found = packages::locked(&stanza, Part::Initrd, &Suites::read(&recipe.suite, ""))
        .and_then(|found| found.into_iter().next())
        .ok_or_else(|| BuildError::Unexpected {
            step: STEP,
            what: "the index lacks fields".to_owned(),
        })?;
    let blobs = &work.builder.blobs;
    if !blobs.touch(&found.sha256)? {
        let mirror = work.builder.mirror(&archive)?;
        mirror.packages(blobs, std::slice::from_ref(&found), &|_| {}, &stop)?;
    }
    Ok(found)
}

/// An archive's indexes in a mirror's tree, in a folder of its own that is removed when dropped.
pub(crate) struct Repository {
    folder: tempfile::TempDir,
    /// When the archive's own suite was published: seconds since 1970-01-01 UTC.
    published: i64,
    /// Digest of the release files of all its suites.
    state: Digest,
}

/// The archive's indexes as they stand now.
pub(crate) fn index(
    builder: &Builder,
    archive: &Archive<'_>,
    stop: &dyn Fn() -> bool,
) -> Result<Repository, BuildError> {
    let blobs = &builder.cache.blobs;
    let mirror = builder.mirror(archive)?;
    let work = &builder.config.work_dir;
    let failed = |source| BuildError::Io { doing: "make a folder in", path: work.clone(), source };
    fs::create_dir_all(work).map_err(failed)?;
    let folder = tempfile::Builder::new()
        .prefix("index-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir_in(work)
        .map_err(failed)?;
    let (mut published, mut releases) = (None, String::new());
    for suite in archive.suites() {
        let index = mirror.index(blobs, suite, archive.components, archive.architecture, stop)?;
        mirror::lay_out(&index, blobs, suite, folder.path())?;
        published.get_or_insert(index.published);
        releases += &format!("{}\n", index.release);
    }
    let published = published.unwrap_or_default();
    Ok(Repository { folder, published, state: Digest::of(releases) })
}

/// Runs a script of ours over the archive's indexes; apt checks their signature first.
#[expect(
    clippy::too_many_arguments,
    reason = "each is another thing, and two callers name them all"
)]
pub(crate) fn ask_apt(
    builder: &Builder,
    step: &'static str,
    archive: &Archive<'_>,
    script: &str,
    (repository, own): (&Repository, &[Digest]),
    mut environment: Vec<(&'static str, String)>,
    limit: Duration,
    line: &mut dyn FnMut(&str),
    stop: &dyn Fn() -> bool,
) -> Result<Outputs, BuildError> {
    environment.extend([
        ("SUITE", archive.suites().join(" ")),
        ("COMPONENTS", archive.components.join(" ")),
        ("ARCHITECTURE", archive.architecture.to_owned()),
    ]);
    let mut inputs = vec![("repo".to_owned(), repository.folder.path().to_path_buf())];
    inputs.extend(own.iter().map(|it| (format!("debs/{it}"), builder.blobs.path(it))));
    let sandbox = Sandbox {
        script,
        inputs,
        files: vec![
            ("apt.sh".to_owned(), APT.as_bytes().to_vec()),
            ("own".to_owned(), run::package_list(own)),
        ],
        environment,
        limit,
    };
    sandbox
        .run(&builder.spawner, &builder.config.work_dir, line, stop)
        .map_err(|error| step_error(step, error))
}

/// The names of the archive's packages; kept by the digest of the suites' release files.
pub(super) fn package_index(
    builder: &Builder,
    recipe: &Recipe,
) -> Result<PackageIndex, BuildError> {
    let never = || false;
    let archive = Archive::of(recipe);
    let repository = index(builder, &archive, &never)?;
    let script = include_str!("../../assets/index.sh");
    let of = format!("{script}{:?}{}", archive.components, archive.architecture);
    let text = known_text(builder, &repository, (NAME, "names"), &of, || {
        ask_apt(
            builder,
            NAME,
            &archive,
            script,
            (&repository, &[]),
            Vec::new(),
            LIMIT,
            &mut |_| {},
            &never,
        )
    })?;
    Ok(PackageIndex::from_lines(&text))
}

/// The text in the file `name` that apt's answer to `of` had before with the same indexes, or has now.
pub(crate) fn known_text(
    builder: &Builder,
    repository: &Repository,
    (step, name): (&'static str, &str),
    of: &str,
    ask: impl FnOnce() -> Result<Outputs, BuildError>,
) -> Result<String, BuildError> {
    let cache = &builder.cache;
    let key = Digest::of(format!("{step} {} {of}", repository.state));
    let known = cache
        .get(&key)
        .and_then(|outputs| cache.blobs.open_blob(&outputs.files.get(name)?.sha256).ok())
        .and_then(|file| std::io::read_to_string(file).ok());
    if let Some(text) = known {
        return Ok(text);
    }
    let outputs = ask()?;
    let kept = run::keep(builder, step, vec![(name.to_owned(), outputs.path(name))])?;
    cache.put(&key, &kept)?;
    Ok(outputs.text(name)?)
}
