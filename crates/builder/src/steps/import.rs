//! From a rootfs, kernels and a menu that exist already to a signed release.
//!
//! `unpack` reads the archive in a sandbox, refuses what must not be unpacked, and writes the same
//! tree anew; `kernel` finds out what each kernel is and installs the packages of those that the
//! rootfs has no modules of; the rest is as of a build. Nothing is taken out of the rootfs and
//! nothing changed in it: it is somebody's, and boots as it is.

mod facts;

use domain::{
    blob::BlobRef,
    import::{ConsoleLogin, ImportedKernel},
    kernel::{Flavor, UploadedFile},
    lock::LockedPackage,
    manifest::Manifest,
    menu::reader::ReadMenu,
    packages::HeldPackage,
    recipe::{self, BroughtKernel, Menu, Recipe},
    version::TargetVersion,
};
use sandbox::Outputs;

use super::{
    Build, Builder, check, initrd,
    kernel::Installed,
    kernel::Kernels,
    manifest, pack, resolve,
    run::{self, Step},
    system::TREE,
};
use crate::{
    cache::StepOutputs, error::BuildError, mirror::MirrorError, observer::BuildObserver, packages,
};

/// Names of the steps of an import, in order.
pub const IMPORT_STEPS: [&str; 8] =
    ["unpack", "kernel", "busybox", "initrd", "pack", "check", "manifest", "sign"];

const UNPACK: &str = "unpack";
const KERNEL: &str = "kernel";
const BUSYBOX: &str = "busybox";

/// How long everything in the archive may be together, in bytes.
const MOST_BYTES: u64 = 4 << 30;
/// How many entries the archive may have.
const MOST_ENTRIES: u64 = 1_000_000;
/// How many bytes may come out of each byte of the archive: text is seldom compressed to a tenth.
const MOST_RATIO: u64 = 100;
/// The one architecture so far.
const ARCHITECTURE: &str = "amd64";

/// What is to be imported. Uploads are blobs of the builder's store.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// What it is to be called once it is released.
    pub target: TargetVersion,
    /// The rootfs: a tar archive with the top folder `rootfs/`.
    pub rootfs: UploadedFile,
    /// The kernels that the menu names.
    pub kernels: Vec<ImportedKernel>,
    /// The menu, read with these kernels.
    pub menu: ReadMenu,
    /// The account of the console: the proposed recipe has it.
    pub login: ConsoleLogin,
}

/// What an import came to. All blobs are in the builder's blob store.
#[derive(Debug, Clone)]
pub struct ImportOutput {
    /// What the release consists of.
    pub manifest: Manifest,
    /// The manifest's canonical JSON.
    pub manifest_blob: BlobRef,
    /// The signature over it.
    pub signature: BlobRef,
    /// The packages that the rootfs says are installed, and the initrd's.
    pub packages: Vec<HeldPackage>,
    /// What the rootfs calls itself, where it says so.
    pub hostname: Option<String>,
    /// A recipe for such a rootfs.
    pub proposal: String,
}

/// What the first steps found out.
struct Taken {
    kernels: Kernels,
    /// The Debian package that each kernel is of.
    brought: Vec<BroughtKernel>,
    modules: BlobRef,
    epoch: i64,
    facts: facts::Facts,
}

/// One import under way.
type Import<'a> = Build<'a, ImportRequest>;

impl Builder {
    /// Makes a release of what was put together elsewhere. Called again after an interruption it
    /// goes on where it was: finished steps come from the step cache.
    ///
    /// # Errors
    /// The step that failed, why, and its last lines; [`BuildError::Refused`] for an archive that is
    /// not taken, [`BuildError::NotTogether`] for kernels that are not those of the rootfs.
    pub fn import(
        &self,
        request: &ImportRequest,
        observer: &dyn BuildObserver,
    ) -> Result<ImportOutput, BuildError> {
        let _building = self.cache.hold()?;
        let work = Import { builder: self, request, observer };
        let (tree, epoch) = unpack(&work, request)?;
        let taken = kernels(&work, request, &tree, epoch)?;
        let found = &taken.facts.rootfs;
        let proposal = recipe::propose(found, &request.login, &taken.brought, &request.menu);
        let read = recipe::parse(&proposal).map_err(|problems| BuildError::Unexpected {
            step: KERNEL,
            what: format!("a proposal that is no recipe: {problems:?}"),
        })?;
        let busybox = busybox(&work, &read)?;
        let sources = initrd::Sources {
            busybox: busybox.sha256,
            packages: Vec::new(),
            modules: Some(taken.modules),
            epoch: taken.epoch,
        };
        let initrds = initrd::run(&work, &taken.kernels, &sources)?;
        let image = pack::run(&work, taken.epoch, &taken.kernels.tree)?;
        check::run(&work, &taken.kernels, &initrds, &check::Modules::Image(image))?;
        let menu = Menu {
            default: request.menu.default.clone(),
            timeout_ms: request.menu.timeout_ms,
            entries: request.menu.entries.clone(),
        };
        let parts = manifest::Parts {
            version: &request.target,
            architecture: ARCHITECTURE,
            kernels: &taken.kernels,
            initrds: &initrds,
            image,
            preseeds: &[],
            packages: Vec::new(),
            menu: &menu,
            lock: None,
        };
        let (manifest, manifest_blob) = manifest::run(&work, &parts)?;
        let signature = manifest::sign(&work, &manifest, &manifest_blob)?;
        let mut packages: Vec<HeldPackage> = packages::installed(&found.status)
            .into_iter()
            .map(|(name, version, architecture)| HeldPackage::imported(name, version, architecture))
            .collect();
        packages.push(busybox.into());
        let hostname = taken.facts.hostname;
        Ok(ImportOutput { manifest, manifest_blob, signature, packages, hostname, proposal })
    }
}

/// Writes the tree of the archive anew; gives it and the newest time in it.
fn unpack(work: &Import<'_>, request: &ImportRequest) -> Result<(BlobRef, i64), BuildError> {
    let rootfs = request.rootfs.sha256;
    let step = Step {
        name: UNPACK,
        script: "set -eu\nexec python3 /in/unpack.py\n",
        blobs: Vec::new(),
        packages: vec![rootfs],
        files: vec![("unpack.py", include_bytes!("../../assets/import-unpack.py").to_vec())],
        environment: vec![
            ("ARCHIVE", format!("/in/debs/{rootfs}")),
            ("MOST_BYTES", MOST_BYTES.to_string()),
            ("MOST_ENTRIES", MOST_ENTRIES.to_string()),
            ("MOST_RATIO", MOST_RATIO.to_string()),
        ],
    };
    let outputs = run::run(work, &step, |outputs| {
        refused(outputs, &request.rootfs.name)?;
        let names = ["tree.tar", "epoch"];
        Ok(names.map(|name| (name.to_owned(), outputs.path(name))).into())
    })?;
    let text = facts::text(work, UNPACK, &outputs, "epoch")?;
    let epoch = text.trim().parse().map_err(|_| BuildError::Unexpected {
        step: UNPACK,
        what: format!("a time that is no number: {text:?}"),
    })?;
    Ok((run::file(&outputs, UNPACK, "tree.tar")?, epoch))
}

/// The one sentence of a script that does not take what it was given.
fn refused(outputs: &Outputs, what: &str) -> Result<(), BuildError> {
    if !outputs.path("refused").exists() {
        return Ok(());
    }
    let why = outputs.text("refused")?.trim().to_owned();
    Err(BuildError::Refused { what: what.to_owned(), why })
}

/// Finds out what each kernel is, and what the rootfs says of itself.
fn kernels(
    work: &Import<'_>,
    request: &ImportRequest,
    tree: &BlobRef,
    epoch: i64,
) -> Result<Taken, BuildError> {
    let uploads = || {
        let of = |it: &'_ ImportedKernel| {
            it.image.iter().chain(&it.packages).cloned().collect::<Vec<_>>()
        };
        request.kernels.iter().flat_map(of)
    };
    let names: String = uploads().map(|it| format!("{} {}\n", it.sha256, it.name)).collect();
    let mut packages: Vec<_> = uploads().map(|it| it.sha256).collect();
    packages.sort();
    packages.dedup();
    let step = Step {
        name: KERNEL,
        script: include_str!("../../assets/import-kernels.sh"),
        blobs: vec![("tree.tar".to_owned(), *tree)],
        packages,
        files: vec![
            ("tree.sh", TREE.as_bytes().to_vec()),
            ("uploads", names.into_bytes()),
            ("kernels", list(&request.kernels).into_bytes()),
        ],
        environment: vec![("SOURCE_DATE_EPOCH", epoch.to_string())],
    };
    let outputs = run::run(work, &step, |outputs| {
        refused(outputs, "the import")?;
        let mut names: Vec<String> = facts::FILES.map(ToOwned::to_owned).into();
        names.extend(["kernels", "modules.tar"].map(ToOwned::to_owned));
        if outputs.path("tree.tar").exists() {
            names.push("tree.tar".to_owned());
        }
        for line in outputs.text("kernels")?.lines() {
            let line = facts::KernelLine::read(KERNEL, line)?;
            names.push(line.name.to_owned());
            names.extend(line.config.map(ToOwned::to_owned));
        }
        names.sort();
        names.dedup();
        Ok(names.into_iter().map(|name| (name.clone(), outputs.path(&name))).collect())
    })?;
    taken(work, &outputs, tree, epoch)
}

/// A line for each kernel, as the script reads it.
fn list(kernels: &[ImportedKernel]) -> String {
    let one = |(number, kernel): (usize, &ImportedKernel)| {
        let image =
            kernel.image.as_ref().map_or_else(|| "-".to_owned(), |it| it.sha256.to_string());
        let packages: Vec<String> =
            kernel.packages.iter().map(|it| it.sha256.to_string()).collect();
        let packages = if packages.is_empty() { "-".to_owned() } else { packages.join(",") };
        let flavor = kernel.flavor.word();
        format!("{number} {} {flavor} {image} {packages}\n", kernel.alias)
    };
    kernels.iter().enumerate().map(one).collect()
}

/// Reads what the script found.
fn taken(
    work: &Import<'_>,
    outputs: &StepOutputs,
    tree: &BlobRef,
    epoch: i64,
) -> Result<Taken, BuildError> {
    let text = facts::text(work, KERNEL, outputs, "kernels")?;
    let (mut kernels, mut brought) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let line = facts::KernelLine::read(KERNEL, line)?;
        let config = line
            .config
            .map(|name| Ok::<_, BuildError>((name.to_owned(), run::file(outputs, KERNEL, name)?)))
            .transpose()?;
        kernels.push(Installed {
            alias: line.alias.to_owned(),
            flavor: line.flavor,
            release: line.release.to_owned(),
            name: line.name.to_owned(),
            image: run::file(outputs, KERNEL, line.name)?,
            config,
        });
        brought.push(BroughtKernel {
            alias: line.alias.to_owned(),
            flavor: line.flavor,
            package: line.package.to_owned(),
        });
    }
    let linux = kernels.iter().filter(|it| it.flavor == Flavor::Linux).count();
    work.log(KERNEL, &format!("{} kernels, {linux} of them Linux", kernels.len()));
    // Where nothing was installed, the tree is what it was.
    let tree = outputs.files.get("tree.tar").copied().unwrap_or(*tree);
    Ok(Taken {
        kernels: Kernels { tree, kernels },
        brought,
        modules: run::file(outputs, KERNEL, "modules.tar")?,
        epoch,
        facts: facts::Facts::read(work, KERNEL, outputs)?,
    })
}

/// The busybox of the rootfs's own suite, or of this host's where the mirror does not have that
/// suite any more: it is static, so it runs below any.
fn busybox(work: &Import<'_>, proposal: &Recipe) -> Result<LockedPackage, BuildError> {
    work.unkeyed(BUSYBOX, || {
        let found = match resolve::busybox(work, proposal) {
            Err(BuildError::Mirror(error @ MirrorError::Unreachable { .. })) => {
                let Some(suite) = crate::host::own_suite().filter(|it| *it != proposal.suite)
                else {
                    return Err(error.into());
                };
                work.log(BUSYBOX, &format!("{error}; taking that of {suite}"));
                let components = vec!["main".to_owned()];
                let other = Recipe { suite, components, ..proposal.clone() };
                resolve::busybox(work, &other)?
            }
            found => found?,
        };
        let message = format!("{} {} of {}", found.name, found.version, found.origin);
        Ok((found, Some(message)))
    })
}
