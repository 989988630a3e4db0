//! `initrd` and `check`: what boots a variant's kernels.

use domain::{blob::BlobRef, kernel::Flavor, menu::check_file_name, variant::VariantLock};

use super::{
    VariantBuilding,
    layer::{BareKernel, Layer},
};
use crate::{
    BuildError,
    steps::{
        check::{self, Modules},
        initrd::{self, Sources},
        kernel::{Installed, Kernels},
        run,
    },
};

const NAME: &str = "initrd";

/// The kernels of a variant that are not its base's.
pub(super) struct Swapped {
    pub(super) kernels: Kernels,
    /// Kernel release and initrd.
    pub(super) initrds: Vec<(String, BlobRef)>,
}

pub(super) fn run(
    build: &VariantBuilding<'_>,
    lock: &VariantLock,
    layer: &Layer,
) -> Result<Option<Swapped>, BuildError> {
    if build.request.definition.kernels.is_empty() {
        return Ok(None);
    }
    let list = run::file(&layer.outputs, NAME, "kernels")?;
    let mut kernels: Vec<Installed> = build
        .cached_text(NAME, &list)?
        .lines()
        .map(|line| Installed::read(line, &layer.outputs))
        .collect::<Result<_, _>>()?;
    for BareKernel { alias, release, image } in &layer.bare {
        kernels.push(Installed {
            alias: alias.clone(),
            flavor: Flavor::Linux,
            release: release.clone(),
            name: format!("vmlinuz-{release}"),
            image: *image,
            config: None,
        });
    }
    let kernels = Kernels { tree: layer.image, kernels };
    let busybox = lock.busybox.as_ref().ok_or_else(|| BuildError::Unexpected {
        step: NAME,
        what: "no busybox in the lock".to_owned(),
    })?;
    let sources = Sources {
        busybox: busybox.sha256,
        // Those of kernels are told by their contents.
        packages: lock
            .install
            .iter()
            .filter(|it| it.name.starts_with("linux-image-"))
            .map(|it| it.sha256)
            .collect(),
        modules: layer.outputs.files.get("modules.tar").copied(),
        epoch: lock.epoch,
    };
    let initrds = if kernels.linux().next().is_some() {
        initrd::run(build, &kernels, &sources)?
    } else {
        build.unkeyed(NAME, || Ok(((), Some("no Linux kernel is swapped".to_owned()))))?;
        Vec::new()
    };
    let facts = run::file(&layer.outputs, NAME, "facts")?;
    check::run(build, &kernels, &initrds, &Modules::Facts(facts))?;
    Ok(Some(Swapped { kernels, initrds }))
}

/// The files of a line that the script wrote about a kernel.
pub(super) fn file_names(line: &str) -> Result<[String; 2], BuildError> {
    let strange = || BuildError::Unexpected { step: NAME, what: format!("a kernel {line:?}") };
    let words: Vec<&str> = line.split(' ').collect();
    let [_, _, _, name, config] = words[..] else { return Err(strange()) };
    if [name, config].into_iter().any(|it| check_file_name(it).is_err()) {
        return Err(strange());
    }
    Ok([name, config].map(ToOwned::to_owned))
}
