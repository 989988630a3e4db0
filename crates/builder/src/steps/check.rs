//! `check`: proves that what each boot entry starts belongs together, from the files themselves.
//!
//! Modules fit one kernel only, and a kernel without its modules finds no network card. So before a
//! release becomes a candidate, the header of each kernel and the vermagic of all modules of the
//! rootfs and of its initrd are compared; and a hypervisor must be one that iPXE can start.

use std::{collections::BTreeSet, path::Path, time::Duration};

use domain::{blob::BlobRef, kernel::Flavor};
use process::Spawner;
use sandbox::Sandbox;

use super::{
    Build,
    kernel::Kernels,
    pack::IMAGE,
    run::{self, Step, step_error},
};
use crate::{
    boot_image::{is_multiboot, linux_version},
    error::BuildError,
};

const NAME: &str = "check";
const SCRIPT: &str = include_str!("../../assets/check.sh");
/// How long the modules of a rootfs may take.
const LIMIT: Duration = Duration::from_secs(600);

/// A Linux kernel with the initrd that is loaded with it.
#[derive(Debug, Clone, Copy)]
pub struct KernelFiles<'a> {
    /// What the release calls it: what `uname -r` is to print.
    pub release: &'a str,
    /// The bzImage.
    pub kernel: &'a Path,
    /// The initrd, a cpio archive compressed by gzip.
    pub initrd: &'a Path,
}

/// What says for which kernels the modules of a rootfs are.
pub(crate) enum Modules {
    /// An image, to be looked into.
    Image(BlobRef),
    /// What was found in a tree already, as check.sh writes it.
    Facts(BlobRef),
}

pub(crate) fn run<R>(
    build: &Build<'_, R>,
    kernels: &Kernels,
    initrds: &[(String, BlobRef)],
    modules: &Modules,
) -> Result<(), BuildError> {
    let builder = build.builder;
    let mut inputs = vec![match modules {
        Modules::Image(image) => (IMAGE.to_owned(), *image),
        Modules::Facts(facts) => ("facts".to_owned(), *facts),
    }];
    inputs.extend(initrds.iter().map(|(release, it)| (format!("initrds/{release}"), *it)));
    // The headers are read by us: they are part of what the step's key stands for.
    let headers: String =
        kernels.kernels.iter().map(|it| format!("{} {}\n", it.name, it.image.sha256)).collect();
    let step = Step {
        name: NAME,
        script: SCRIPT,
        blobs: inputs,
        packages: Vec::new(),
        files: vec![("headers", headers.into_bytes())],
        environment: Vec::new(),
    };
    run::run(build, &step, |outputs| {
        let facts = outputs.text("facts")?;
        for kernel in kernels.kernels.iter().filter(|it| it.flavor == Flavor::Xen) {
            hypervisor(&kernel.name, &builder.blob_path(&kernel.image.sha256))?;
        }
        for (kernel, (_, initrd)) in kernels.linux().zip(initrds) {
            let (image, initrd) =
                (builder.blob_path(&kernel.image.sha256), builder.blob_path(&initrd.sha256));
            linux(
                &KernelFiles { release: &kernel.release, kernel: &image, initrd: &initrd },
                &facts,
            )?;
        }
        Ok(vec![("facts".to_owned(), outputs.path("facts"))])
    })?;
    Ok(())
}

/// Proves of files that no build of ours put together that each kernel, its initrd and the modules
/// of the image belong together.
///
/// # Errors
/// [`BuildError::NotTogether`] names the two that differ.
pub fn check_together(
    spawner: &Spawner,
    work_dir: &Path,
    image: &Path,
    kernels: &[KernelFiles<'_>],
) -> Result<(), BuildError> {
    let mut inputs = vec![(IMAGE.to_owned(), image.to_path_buf())];
    inputs.extend(
        kernels.iter().map(|it| (format!("initrds/{}", it.release), it.initrd.to_path_buf())),
    );
    let sandbox = Sandbox {
        script: SCRIPT,
        inputs,
        files: Vec::new(),
        environment: Vec::new(),
        limit: LIMIT,
    };
    let outputs = sandbox
        .run(spawner, work_dir, &mut |_| {}, &|| false)
        .map_err(|error| step_error(NAME, error))?;
    let facts = outputs.text("facts")?;
    kernels.iter().try_for_each(|kernel| linux(kernel, &facts))
}

fn hypervisor(name: &str, path: &Path) -> Result<(), BuildError> {
    if is_multiboot(path).map_err(unreadable(path))? {
        return Ok(());
    }
    Err(BuildError::NotTogether {
        one: format!("the hypervisor {name} has no multiboot header"),
        other: "iPXE starts nothing else with a dom0".to_owned(),
    })
}

fn linux(files: &KernelFiles<'_>, facts: &str) -> Result<(), BuildError> {
    let header = linux_version(files.kernel).map_err(unreadable(files.kernel))?;
    judge(files.release, header.as_deref(), facts)
}

fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> BuildError {
    let path = path.to_path_buf();
    move |source| BuildError::Io { doing: "read", path, source }
}

/// Judges one kernel by the version in its header and what check.sh found.
fn judge(release: &str, header: Option<&str>, facts: &str) -> Result<(), BuildError> {
    let differ = |one: String, other: String| Err(BuildError::NotTogether { one, other });
    let modules = |of: &str| -> BTreeSet<(&str, &str)> {
        let lines = facts.lines().filter_map(|line| line.strip_prefix(of)?.strip_prefix(' '));
        lines.filter_map(|line| line.split_once(' ')).map(|(at, it)| (at, it.trim())).collect()
    };
    let said = header.and_then(|it| it.split(' ').next()).unwrap_or_default();
    let kernel = match said {
        "" => format!("the kernel vmlinuz-{release} names no version in its header"),
        said => format!("the kernel vmlinuz-{release} is {said}"),
    };
    let rootfs = modules("rootfs");
    let own: BTreeSet<_> = rootfs.iter().copied().filter(|(at, _)| *at == release).collect();
    let in_rootfs = || match own.first().or_else(|| rootfs.first()) {
        None => "the rootfs has no modules".to_owned(),
        Some((at, vermagic)) => {
            format!("the modules of the rootfs below lib/modules/{at} are for {vermagic:?}")
        }
    };
    let initrd = modules(&format!("initrd {release}"));
    let in_initrd = || match initrd.first() {
        None => format!("the initrd of {release} has no folder of modules"),
        Some((at, vermagic)) => {
            format!("the modules of the initrd below lib/modules/{at} are for {vermagic:?}")
        }
    };
    // What is not there at all belongs to nothing: a kernel without modules still has the folder.
    let of_kernel = |modules: &BTreeSet<(&str, &str)>| {
        !modules.is_empty()
            && modules.iter().all(|(at, vermagic)| {
                *at == said && (vermagic.is_empty() || vermagic.split(' ').next() == Some(said))
            })
    };
    let magic = |modules: &BTreeSet<(&str, &str)>| -> BTreeSet<String> {
        modules.iter().map(|(_, it)| (*it).to_owned()).filter(|it| !it.is_empty()).collect()
    };
    if !of_kernel(&own) {
        return differ(kernel, in_rootfs());
    }
    if !of_kernel(&initrd) {
        return differ(kernel, in_initrd());
    }
    if !magic(&initrd).is_subset(&magic(&own)) || magic(&own).len() > 1 {
        return differ(in_rootfs(), in_initrd());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "6.1.0-1-amd64";
    const FACTS: &str = "rootfs 6.1.0-1-amd64 6.1.0-1-amd64 SMP preempt mod_unload modversions \n\
        rootfs 6.1.0-1-cloud-amd64 6.1.0-1-cloud-amd64 SMP preempt mod_unload modversions \n\
        initrd 6.1.0-1-amd64 6.1.0-1-amd64 6.1.0-1-amd64 SMP preempt mod_unload modversions \n\
        initrd 6.1.0-1-cloud-amd64 6.1.0-1-cloud-amd64 \n";

    fn refused(release: &str, header: Option<&str>, facts: &str) -> String {
        judge(release, header, facts).unwrap_err().to_string()
    }

    #[test]
    fn what_belongs_together_passes() {
        judge(A, Some("6.1.0-1-amd64 (x@y) #1"), FACTS).unwrap();
        // Everything it needs early is built in.
        judge("6.1.0-1-cloud-amd64", Some("6.1.0-1-cloud-amd64 (x@y)"), FACTS).unwrap();
    }

    #[test]
    fn each_of_the_three_is_missed_where_it_is_another() {
        let kernel = refused(A, Some("6.1.0-1-cloud-amd64 (x@y)"), FACTS);
        assert!(kernel.contains("vmlinuz-6.1.0-1-amd64 is 6.1.0-1-cloud-amd64"), "{kernel}");
        assert!(kernel.contains("rootfs below lib/modules/6.1.0-1-amd64"), "{kernel}");
        let other = FACTS.replace(
            "initrd 6.1.0-1-amd64 6.1.0-1-amd64 6.1.0-1-amd64",
            "initrd 6.1.0-1-amd64 6.1.0-2-amd64 6.1.0-2-amd64",
        );
        let initrd = refused(A, Some("6.1.0-1-amd64 (x@y)"), &other);
        assert!(initrd.contains("is 6.1.0-1-amd64"), "{initrd}");
        assert!(initrd.contains("initrd below lib/modules/6.1.0-2-amd64"), "{initrd}");
        let other = FACTS
            .replace("rootfs 6.1.0-1-amd64 6.1.0-1-amd64", "rootfs 6.1.0-3-amd64 6.1.0-3-amd64");
        let rootfs = refused(A, Some("6.1.0-1-amd64 (x@y)"), &other);
        assert!(rootfs.contains("rootfs below lib/modules/6.1.0-1-cloud-amd64"), "{rootfs}");
        let built_otherwise = FACTS.replacen("SMP preempt", "SMP", 1);
        let magic = refused(A, Some("6.1.0-1-amd64 (x@y)"), &built_otherwise);
        assert!(magic.contains("rootfs") && magic.contains("initrd"), "{magic}");
    }

    #[test]
    fn what_says_nothing_is_refused() {
        assert!(refused(A, None, FACTS).contains("no version in its header"));
        assert!(refused(A, Some("6.1.0-1-amd64 x"), "").contains("the rootfs has no modules"));
        let bare =
            FACTS.lines().filter(|it| it.starts_with("rootfs")).collect::<Vec<_>>().join("\n");
        assert!(refused(A, Some("6.1.0-1-amd64 x"), &bare).contains("no folder of modules"));
    }
}
