//! `manifest`: the base's files and the layer, as one thing that machines boot.

use domain::{
    blob::BlobRef,
    kernel::Flavor,
    manifest::{BoundKernel, Component, ComponentRole, Manifest},
    variant::{self, LAYER, VariantLock},
};

use super::{VariantBuilding, kernels::Swapped, layer::Layer};
use crate::{BuildError, steps::initrd_name};

const NAME: &str = "manifest";

pub(super) fn run(
    build: &VariantBuilding<'_>,
    lock: &VariantLock,
    layer: &Layer,
    swapped: &Option<Swapped>,
) -> Result<(Manifest, BlobRef), BuildError> {
    build.unkeyed(NAME, || {
        let base = &build.request.base;
        let menu = variant::menu(&base.manifest, &build.request.definition)
            .map_err(|why| BuildError::Base { base: base.name.clone(), why: why.to_string() })?;
        let builder = build.builder;
        let mut manifest = base.manifest.clone();
        manifest.entries = menu.entries;
        manifest.default_entry = menu.default_entry;
        manifest.lock = Some(lock.digest()?);
        manifest.images.push(LAYER.to_owned());
        let mut added = vec![component(ComponentRole::Image, LAYER.to_owned(), layer.image)];
        for kernel in swapped.iter().flat_map(|it| &it.kernels.kernels) {
            let (role, initrd) = match kernel.flavor {
                Flavor::Linux => (ComponentRole::Kernel, Some(initrd_name(&kernel.release))),
                Flavor::Xen => (ComponentRole::Hypervisor, None),
            };
            added.push(component(role, kernel.name.clone(), kernel.image));
            if let Some((name, config)) = &kernel.config {
                added.push(component(ComponentRole::Config, name.clone(), *config));
            }
            manifest.kernels.retain(|it| it.alias != kernel.alias);
            manifest.kernels.push(BoundKernel {
                alias: kernel.alias.clone(),
                flavor: kernel.flavor,
                release: kernel.release.clone(),
                image: kernel.name.clone(),
                initrd,
                config: kernel.config.as_ref().map(|(name, _)| name.clone()),
            });
        }
        for (release, initrd) in swapped.iter().flat_map(|it| &it.initrds) {
            added.push(component(ComponentRole::Initrd, initrd_name(release), *initrd));
        }
        manifest.kernels.sort_by(|a, b| a.alias.cmp(&b.alias));
        keep_what_boots(&mut manifest, &added)?;
        for component in &added {
            // What somebody uploaded is kept already.
            if !builder.blobs.touch(&component.sha256)? {
                builder.blobs.take_from(&builder.cache.blobs, &component.sha256)?;
            }
        }
        let blob = builder.blobs.put(manifest.to_bytes()?.as_slice())?;
        let message = format!("manifest {}", blob.sha256);
        build.log(NAME, &message);
        Ok(((manifest, blob), Some(message)))
    })
}

/// Puts the new files in the place of the base's that have their names, and leaves out what no kernel
/// of it needs any more. Two kernels that differ and are called the same cannot both be there: the
/// rootfs has one folder of modules for them.
fn keep_what_boots(manifest: &mut Manifest, added: &[Component]) -> Result<(), BuildError> {
    let mut components: Vec<Component> = added.to_vec();
    for component in &manifest.components {
        match components.iter().find(|it| it.name == component.name) {
            None => components.push(component.clone()),
            Some(new) if new.sha256 == component.sha256 => {}
            Some(_) if component.role == ComponentRole::Image => {
                return Err(BuildError::Unexpected {
                    step: NAME,
                    what: format!("a base with an image {}", component.name),
                });
            }
            Some(_) => {}
        }
    }
    let needed = |component: &Component| match component.role {
        ComponentRole::Image => true,
        ComponentRole::Kernel | ComponentRole::Hypervisor => {
            manifest.kernels.iter().any(|it| it.image == component.name)
        }
        ComponentRole::Initrd => {
            manifest.kernels.iter().any(|it| it.initrd.as_ref() == Some(&component.name))
        }
        ComponentRole::Config => {
            manifest.kernels.iter().any(|it| it.config.as_ref() == Some(&component.name))
        }
        // Only installers load preseeds, and packages are handed out with releases.
        ComponentRole::Preseed | ComponentRole::Package => false,
    };
    components.retain(needed);
    components.sort_by(|a, b| a.name.cmp(&b.name));
    components.dedup();
    manifest.components = components;
    Ok(())
}

fn component(role: ComponentRole, name: String, blob: BlobRef) -> Component {
    Component { role, name, size: blob.size, sha256: blob.sha256 }
}
