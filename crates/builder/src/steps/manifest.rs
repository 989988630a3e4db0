//! `manifest` and `sign`: names every component, and says that this installation built it.

use domain::{
    blob::BlobRef,
    kernel::Flavor,
    lock::Lock,
    manifest::{BoundKernel, Component, ComponentRole, Manifest},
};

use super::{Build, kernel::Kernels, pack::IMAGE};
use crate::error::BuildError;

/// Final outputs become blobs that are kept with the release.
pub(super) fn run(
    build: &Build<'_>,
    lock: &Lock,
    kernels: &Kernels,
    initrds: &[(String, BlobRef)],
    image: BlobRef,
) -> Result<(Manifest, BlobRef), BuildError> {
    build.unkeyed("manifest", || {
        let recipe = &build.request.recipe;
        let mut components = vec![component(ComponentRole::Image, IMAGE.to_owned(), image)];
        let mut bound = Vec::new();
        for kernel in &kernels.kernels {
            let (role, initrd) = match kernel.flavor {
                Flavor::Linux => (ComponentRole::Kernel, Some(initrd_name(&kernel.release))),
                Flavor::Xen => (ComponentRole::Hypervisor, None),
            };
            components.push(component(role, kernel.name.clone(), kernel.image));
            components.push(component(
                ComponentRole::Config,
                kernel.config_name.clone(),
                kernel.config,
            ));
            bound.push(BoundKernel {
                alias: kernel.alias.clone(),
                flavor: kernel.flavor,
                release: kernel.release.clone(),
                image: kernel.name.clone(),
                initrd,
                config: kernel.config_name.clone(),
            });
        }
        for (release, initrd) in initrds {
            components.push(component(ComponentRole::Initrd, initrd_name(release), *initrd));
        }
        let builder = build.builder;
        for preseed in &recipe.preseeds {
            let blob = builder.cache.blobs.put(preseed.content.as_bytes())?;
            components.push(component(ComponentRole::Preseed, preseed.name.clone(), blob));
        }
        for file in lock.kernels.iter().flat_map(|kernel| &kernel.files) {
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
            version: build.request.target.clone(),
            architecture: lock.architecture.clone(),
            components,
            images: vec![IMAGE.to_owned()],
            kernels: bound,
            entries: recipe.menu.entries.clone(),
            default_entry: recipe.menu.default.clone(),
            timeout_ms: recipe.menu.timeout_ms,
            lock: lock.digest()?,
        };
        let blob = builder.blobs.put(manifest.to_bytes()?.as_slice())?;
        let message = format!("manifest {}", blob.sha256);
        build.log("manifest", &message);
        Ok(((manifest, blob), Some(message)))
    })
}

fn initrd_name(release: &str) -> String {
    format!("initrd-{release}.img")
}

fn component(role: ComponentRole, name: String, blob: BlobRef) -> Component {
    Component { role, name, size: blob.size, sha256: blob.sha256 }
}

pub(super) fn sign(
    build: &Build<'_>,
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
