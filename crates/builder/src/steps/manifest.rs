//! `manifest` and `sign`: names every component, and says that this installation built it.

use domain::{
    blob::BlobRef,
    digest::Digest,
    kernel::Flavor,
    lock::LockedFile,
    manifest::{BoundKernel, Component, ComponentRole, Manifest},
    recipe::{Menu, Preseed},
    version::TargetVersion,
};

use super::{Build, kernel::Kernels, pack::IMAGE};
use crate::error::BuildError;

/// What a release is put together from.
pub(super) struct Parts<'a> {
    pub(super) version: &'a TargetVersion,
    pub(super) architecture: &'a str,
    pub(super) kernels: &'a Kernels,
    /// Kernel release and initrd.
    pub(super) initrds: &'a [(String, BlobRef)],
    pub(super) image: BlobRef,
    pub(super) preseeds: &'a [Preseed],
    /// `.deb`s of kernels of our own.
    pub(super) packages: Vec<&'a LockedFile>,
    pub(super) menu: &'a Menu,
    /// What it was built from, where it was built.
    pub(super) lock: Option<Digest>,
}

/// Final outputs become blobs that are kept with the release.
pub(super) fn run<R>(
    build: &Build<'_, R>,
    parts: &Parts<'_>,
) -> Result<(Manifest, BlobRef), BuildError> {
    build.unkeyed("manifest", || {
        let mut components = vec![component(ComponentRole::Image, IMAGE.to_owned(), parts.image)];
        let mut bound = Vec::new();
        for kernel in &parts.kernels.kernels {
            let (role, initrd) = match kernel.flavor {
                Flavor::Linux => (ComponentRole::Kernel, Some(initrd_name(&kernel.release))),
                Flavor::Xen => (ComponentRole::Hypervisor, None),
            };
            components.push(component(role, kernel.name.clone(), kernel.image));
            if let Some((name, config)) = &kernel.config {
                components.push(component(ComponentRole::Config, name.clone(), *config));
            }
            bound.push(BoundKernel {
                alias: kernel.alias.clone(),
                flavor: kernel.flavor,
                release: kernel.release.clone(),
                image: kernel.name.clone(),
                initrd,
                config: kernel.config.as_ref().map(|(name, _)| name.clone()),
            });
        }
        for (release, initrd) in parts.initrds {
            components.push(component(ComponentRole::Initrd, initrd_name(release), *initrd));
        }
        let builder = build.builder;
        for preseed in parts.preseeds {
            let blob = builder.cache.blobs.put(preseed.content.as_bytes())?;
            components.push(component(ComponentRole::Preseed, preseed.name.clone(), blob));
        }
        for file in &parts.packages {
            let blob = BlobRef { sha256: file.sha256, size: file.size };
            components.push(component(ComponentRole::Package, file.name.clone(), blob));
        }
        // Several aliases may stand for one kernel.
        components.sort_by(|a, b| a.name.cmp(&b.name));
        components.dedup();
        bound.sort_by(|a, b| a.alias.cmp(&b.alias));
        // Packages of kernels are kept already.
        for component in components.iter().filter(|it| it.role != ComponentRole::Package) {
            builder.blobs.take_from(&builder.cache.blobs, &component.sha256)?;
        }
        let manifest = Manifest {
            schema: 1,
            version: parts.version.clone(),
            architecture: parts.architecture.to_owned(),
            components,
            images: vec![IMAGE.to_owned()],
            kernels: bound,
            entries: parts.menu.entries.clone(),
            default_entry: parts.menu.default.clone(),
            timeout_ms: parts.menu.timeout_ms,
            lock: parts.lock,
        };
        let blob = builder.blobs.put(manifest.to_bytes()?.as_slice())?;
        let message = format!("manifest {}", blob.sha256);
        build.log("manifest", &message);
        Ok(((manifest, blob), Some(message)))
    })
}

pub(crate) fn initrd_name(release: &str) -> String {
    format!("initrd-{release}.img")
}

fn component(role: ComponentRole, name: String, blob: BlobRef) -> Component {
    Component { role, name, size: blob.size, sha256: blob.sha256 }
}

pub(super) fn sign<R>(
    build: &Build<'_, R>,
    manifest: &Manifest,
    blob: &BlobRef,
) -> Result<BlobRef, BuildError> {
    build.unkeyed("sign", || {
        let key = &build.builder.key;
        let comment = format!("bootwright manifest {}", blob.sha256);
        let signature = key.sign(&manifest.to_bytes()?, &comment)?;
        let kept = build.builder.blobs.put(signature.as_bytes())?;
        Ok((kept, Some(format!("key {}", key.key_id()))))
    })
}
