//! `manifest` and `sign`: names every component, and says that this installation built it.

use domain::{
    blob::BlobRef,
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
        let mut components = vec![component(ComponentRole::Image, IMAGE.to_owned(), image)];
        let mut bound = Vec::new();
        for (alias, release, kernel, config) in &kernels.kernels {
            let names = BoundKernel {
                alias: alias.clone(),
                release: release.clone(),
                image: format!("vmlinuz-{release}"),
                initrd: format!("initrd-{release}.img"),
                config: format!("config-{release}"),
            };
            components.push(component(ComponentRole::Kernel, names.image.clone(), *kernel));
            components.push(component(ComponentRole::Config, names.config.clone(), *config));
            bound.push(names);
        }
        for (release, initrd) in initrds {
            components.push(component(
                ComponentRole::Initrd,
                format!("initrd-{release}.img"),
                *initrd,
            ));
        }
        components.sort_by(|a, b| a.name.cmp(&b.name));
        bound.sort_by(|a, b| a.alias.cmp(&b.alias));
        let builder = build.builder;
        for component in &components {
            builder.blobs.take_from(&builder.cache.blobs, &component.sha256)?;
        }
        let recipe = &build.request.recipe;
        let manifest = Manifest {
            schema: 1,
            version: build.request.target.clone(),
            architecture: lock.architecture.clone(),
            components,
            images: vec![IMAGE.to_owned()],
            kernels: bound,
            entries: Manifest::entries_of(&recipe.menu),
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
