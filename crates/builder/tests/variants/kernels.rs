//! Kernels that a variant swaps: of the list, uploaded as a package of Debian, and as an image alone.

use builder::{BuildRequest, KernelRequest, LockChoice};
use domain::{
    ids::KernelId,
    kernel::{
        BuildMode, ConfigBase, Configuration, Definition, Flavor, Fragment, KernelFileRole, Source,
    },
    recipe,
    variant::{Kernel, LAYER},
    version::TargetVersion,
};

use super::world::{Watch, world};

/// The small kernel that other tests boot as well: from the same entries of the step cache.
fn small() -> KernelRequest {
    let content = include_str!("../../../../examples/small-linux.config").to_owned();
    KernelRequest {
        kernel: KernelId::from("0195d1a4-7c3b-7000-8000-000000000001"),
        name: "small".to_owned(),
        definition: Definition {
            flavor: Flavor::Linux,
            source: Source::DebianSource {
                suite: "bookworm".to_owned(),
                package: "linux-source-6.1".to_owned(),
                version: None,
            },
            configuration: Some(Configuration {
                base: ConfigBase::Defconfig { target: "tinyconfig".to_owned() },
                fragments: vec![Fragment { name: "small".to_owned(), content }],
            }),
            patches: Vec::new(),
            debug: false,
        },
        mode: BuildMode::Release,
    }
}

fn kernel(alias: &str) -> Kernel {
    Kernel {
        alias: alias.to_owned(),
        flavor: Flavor::Linux,
        package: None,
        kernel: None,
        packages: Vec::new(),
        image: None,
    }
}

#[test]
fn a_kernel_of_the_list_takes_the_place_of_the_bases() {
    let world = world();
    let mut request = world.request("");
    request.kernels = vec![small()];
    request.definition.kernels =
        vec![Kernel { kernel: Some("small".to_owned()), ..kernel("vmlinuz-6.1.y") }];
    let built = world.build(&request, &Watch::default()).unwrap();
    let manifest = &built.manifest;
    let bound = manifest.kernel("vmlinuz-6.1.y").unwrap();
    assert_ne!(bound.release, world.base().kernels[0].release);
    for name in [&bound.image, bound.initrd.as_ref().unwrap(), bound.config.as_ref().unwrap()] {
        assert!(manifest.component(name).is_some(), "{name}");
    }
    // What nothing boots any more is no part of it.
    let old = &world.base().kernels[0];
    assert!(manifest.component(&old.image).is_none());
    assert_eq!(manifest.entries, world.base().entries);
    assert_eq!(built.lock.kernels[0].name, "small");
    // Its package asks for an initrd in the rootfs, which no machine would load.
    let layer = manifest.component(LAYER).unwrap();
    let listing = world.look(
        "unsquashfs -l /in/image >/out/listing",
        vec![("image".to_owned(), world.path(&layer.sha256))],
    );
    assert!(listing.contains("/boot/vmlinuz-") && !listing.contains("/boot/initrd"), "{listing}");

    // The same kernel as an image alone, beside the base's: with an entry of its own.
    let record = world.builder.build_kernel(&small(), &Watch::default()).unwrap().record.unwrap();
    let image = record.file(KernelFileRole::Image).unwrap();
    let bytes = std::fs::read(world.path(&image.sha256)).unwrap();
    let mut bare = world.request("");
    bare.definition.kernels =
        vec![Kernel { image: Some(world.upload("bzImage", &bytes)), ..kernel("vmlinuz-dev") }];
    let built = world.build(&bare, &Watch::default()).unwrap();
    let manifest = &built.manifest;
    assert_eq!(manifest.kernel("vmlinuz-dev").unwrap().release, record.release);
    assert_eq!(manifest.kernel("vmlinuz-6.1.y"), Some(old));
    assert_eq!(manifest.entries.last().unwrap().kernel(), Some("vmlinuz-dev"));
    let layer = manifest.component(LAYER).unwrap();
    assert!(layer.size < 16 * 1024, "{} bytes", layer.size);

    let nothing = world.upload("bzImage", b"no kernel at all");
    bare.definition.kernels[0].image = Some(nothing);
    let refused = world.build(&bare, &Watch::default()).unwrap_err().to_string();
    assert!(refused.contains("no bzImage"), "{refused}");
}

#[test]
fn a_kernel_of_another_suite_takes_the_place_of_the_bases() {
    let world = world();
    let mut request = world.request("");
    let package = Some("linux-image-cloud-amd64/bookworm-backports".to_owned());
    request.definition.kernels = vec![Kernel { package, ..kernel("vmlinuz-6.1.y") }];
    let built = world.build(&request, &Watch::default()).unwrap();
    let locked = built.lock.install.iter().find(|it| it.name == "linux-image-cloud-amd64").unwrap();
    assert_eq!(locked.origin, "bookworm-backports/main");
    let bound = built.manifest.kernel("vmlinuz-6.1.y").unwrap();
    assert_ne!(bound.release, world.base().kernels[0].release);
    assert!(built.manifest.component(bound.initrd.as_ref().unwrap()).is_some());

    // What the variant tried, the recipe says as well.
    let change = recipe::with_variant(recipe::starter(), &request.definition).unwrap();
    let request = BuildRequest {
        recipe: recipe::parse(&change.text).unwrap(),
        target: TargetVersion::new(1, 1, 0),
        choice: LockChoice::Newer { former: None },
        kernels: Vec::new(),
    };
    let release = world.builder.build(&request, &Watch::default()).unwrap();
    assert_eq!(release.manifest.kernel("vmlinuz-6.1.y").unwrap().release, bound.release);
}

#[test]
fn a_hypervisor_of_the_suite_gets_an_entry_of_its_own() {
    let world = world();
    let mut request = world.request("");
    let package = Some("xen-hypervisor-4.17-amd64".to_owned());
    request.definition.kernels = vec![Kernel { flavor: Flavor::Xen, package, ..kernel("xen-dev") }];
    let manifest = world.build(&request, &Watch::default()).unwrap().manifest;
    let bound = manifest.kernel("xen-dev").unwrap();
    assert_eq!(bound.flavor, Flavor::Xen);
    assert!(bound.release.starts_with("4.17"), "{}", bound.release);
    assert!(manifest.component(&bound.image).is_some());
    let entry = manifest.entries.last().unwrap();
    assert_eq!((entry.hypervisor(), entry.kernel()), (Some("xen-dev"), Some("vmlinuz-6.1.y")));
}
