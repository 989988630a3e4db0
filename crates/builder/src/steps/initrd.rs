//! `initrd`: a small initrd for each kernel, with the lock's busybox.

use domain::{
    blob::BlobRef,
    digest::Digest,
    lock::{Lock, Part},
};

use super::{
    Build,
    kernel::{self, Kernels},
    run::{self, Step},
};
use crate::error::BuildError;

const NAME: &str = "initrd";

/// What initrds are made of.
pub(crate) struct Sources {
    /// The package of busybox.
    pub(crate) busybox: Digest,
    /// The packages of kernels, which hold their modules.
    pub(crate) packages: Vec<Digest>,
    /// A tar of `lib/modules`, where the rootfs alone has the modules.
    pub(crate) modules: Option<BlobRef>,
    /// The time that everything in them has, in seconds since 1970.
    pub(crate) epoch: i64,
}

impl Sources {
    /// Those that a lock names.
    pub(super) fn of_lock(lock: &Lock) -> Result<Self, BuildError> {
        let busybox = lock.packages.iter().find(|it| it.part == Part::Initrd).ok_or_else(|| {
            BuildError::Unexpected { step: NAME, what: "no busybox in the lock".to_owned() }
        })?;
        Ok(Self {
            busybox: busybox.sha256,
            packages: kernel::packages_of(lock),
            modules: None,
            epoch: lock.epoch,
        })
    }
}

/// Gives the kernel release and the initrd of each kernel.
pub(crate) fn run<R>(
    build: &Build<'_, R>,
    kernels: &Kernels,
    sources: &Sources,
) -> Result<Vec<(String, BlobRef)>, BuildError> {
    let busybox = sources.busybox;
    let releases: Vec<&str> = kernels.linux().map(|it| it.release.as_str()).collect();
    let mut packages = sources.packages.clone();
    let list = run::package_list(&packages);
    packages.push(busybox);
    let step = Step {
        name: NAME,
        script: include_str!("../../assets/initrd.sh"),
        blobs: sources.modules.map(|it| ("modules.tar".to_owned(), it)).into_iter().collect(),
        packages,
        files: vec![
            ("list", list),
            ("busybox", format!("/in/debs/{busybox}\n").into_bytes()),
            ("init", include_bytes!("../../assets/initrd-init.sh").to_vec()),
            (
                "releases",
                releases.iter().map(|it| format!("{it}\n")).collect::<String>().into_bytes(),
            ),
        ],
        environment: vec![("SOURCE_DATE_EPOCH", sources.epoch.to_string())],
    };
    let name = |release: &str| format!("initrd-{release}.img");
    let outputs = run::run(build, &step, |outputs| {
        Ok(releases.iter().map(|it| (name(it), outputs.path(&name(it)))).collect())
    })?;
    releases
        .iter()
        .map(|it| Ok(((*it).to_owned(), run::file(&outputs, NAME, &name(it))?)))
        .collect()
}
