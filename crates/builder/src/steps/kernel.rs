//! `kernel`: installs the kernels in the rootfs and takes out what machines load.

use domain::{
    blob::BlobRef,
    digest::Digest,
    kernel::Flavor,
    lock::{Lock, Part},
    menu::check_file_name,
    packages::pinned,
    recipe::KernelFrom,
};

use super::{
    Build,
    run::{self, Step},
    system::TREE,
};
use crate::{cache::StepOutputs, error::BuildError, packages};

const NAME: &str = "kernel";

/// What the step gives.
pub(crate) struct Kernels {
    /// The rootfs with the kernels in it.
    pub(crate) tree: BlobRef,
    /// What each alias stands for.
    pub(crate) kernels: Vec<Installed>,
}

/// A kernel that an alias of the recipe stands for.
pub(crate) struct Installed {
    pub(crate) alias: String,
    pub(crate) flavor: Flavor,
    /// What `uname -r` or `xl info` prints.
    pub(crate) release: String,
    /// Name of the file that a boot loader starts.
    pub(crate) name: String,
    pub(crate) image: BlobRef,
    /// Its configuration and the name of that; what is imported may have none.
    pub(crate) config: Option<(String, BlobRef)>,
}

impl Kernels {
    /// The Linux kernels, each once, whatever aliases stand for it.
    pub(crate) fn linux(&self) -> impl Iterator<Item = &Installed> {
        let mut seen = std::collections::BTreeSet::new();
        let linux = self.kernels.iter().filter(|it| it.flavor == Flavor::Linux);
        linux.filter(move |it| seen.insert(it.release.as_str()))
    }
}

pub(super) fn run(build: &Build<'_>, lock: &Lock, system: &BlobRef) -> Result<Kernels, BuildError> {
    let packages = packages_of(lock);
    let mut kernels = String::new();
    for kernel in &build.request.recipe.kernels {
        let package = match &kernel.from {
            KernelFrom::Package(package) => pinned(package).0,
            KernelFrom::Kernel(name) => {
                &lock.kernel(name).ok_or_else(|| BuildError::NotInLock(name.clone()))?.package
            }
        };
        kernels += &format!("{} {} {package}\n", kernel.alias, kernel.flavor.word());
    }
    let step = Step {
        name: NAME,
        script: include_str!("../../assets/kernel.sh"),
        blobs: vec![("tree.tar".to_owned(), *system)],
        files: vec![
            ("tree.sh", TREE.as_bytes().to_vec()),
            ("list", run::package_list(&packages)),
            ("kernels", kernels.into_bytes()),
        ],
        packages,
        environment: vec![("SOURCE_DATE_EPOCH", lock.epoch.to_string())],
    };
    let outputs = run::run(build, &step, |outputs| {
        let installed = lock.packages.iter().filter(|it| it.part != Part::Initrd);
        if let Some(difference) = packages::difference(&outputs.text("status")?, installed) {
            return Err(BuildError::NotAsLocked { step: NAME, difference });
        }
        let mut names = vec!["tree.tar".to_owned(), "kernels".to_owned()];
        for line in outputs.text("kernels")?.lines() {
            let Line { name, config, .. } = Line::read(line)?;
            names.extend([name, config].map(ToOwned::to_owned));
        }
        Ok(names.into_iter().map(|name| (name.clone(), outputs.path(&name))).collect())
    })?;
    let list = run::file(&outputs, NAME, "kernels")?;
    let kernels = build
        .cached_text(NAME, &list)?
        .lines()
        .map(|line| Installed::read(line, &outputs))
        .collect::<Result<_, BuildError>>()?;
    Ok(Kernels { tree: run::file(&outputs, NAME, "tree.tar")?, kernels })
}

pub(super) fn packages_of(lock: &Lock) -> Vec<Digest> {
    lock.packages.iter().filter(|it| it.part == Part::Kernel).map(|it| it.sha256).collect()
}

impl Installed {
    /// Reads a line of the list that the script writes about one.
    pub(crate) fn read(line: &str, outputs: &StepOutputs) -> Result<Self, BuildError> {
        Line::read(line)?.installed(outputs)
    }
}

/// A line of the list that the script writes.
struct Line<'a> {
    alias: &'a str,
    flavor: Flavor,
    release: &'a str,
    name: &'a str,
    config: &'a str,
}

impl<'a> Line<'a> {
    /// Releases and names become parts of file names and URLs, and come from a package: nothing but
    /// what files of a release are called passes.
    fn read(line: &'a str) -> Result<Self, BuildError> {
        let strange =
            || BuildError::Unexpected { step: NAME, what: format!("a kernel called {line:?}") };
        let words: Vec<&str> = line.split(' ').collect();
        let [alias, flavor, release, name, config] = words[..] else { return Err(strange()) };
        let flavor = Flavor::ALL.into_iter().find(|it| it.word() == flavor).ok_or_else(strange)?;
        if [release, name, config].into_iter().any(|it| check_file_name(it).is_err()) {
            return Err(strange());
        }
        Ok(Self { alias, flavor, release, name, config })
    }

    fn installed(&self, outputs: &StepOutputs) -> Result<Installed, BuildError> {
        Ok(Installed {
            alias: self.alias.to_owned(),
            flavor: self.flavor,
            release: self.release.to_owned(),
            name: self.name.to_owned(),
            image: run::file(outputs, NAME, self.name)?,
            config: Some((self.config.to_owned(), run::file(outputs, NAME, self.config)?)),
        })
    }
}
