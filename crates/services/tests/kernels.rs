//! Several kernels in one release: two of Linux and a hypervisor, built from Debian's packages,
//! booted from one menu by a real iPXE, each with an entry of its own, and entries that lead
//! elsewhere. And what does not belong together is refused.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod support;

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use builder::{BuildError, KernelFiles, check_together};
use domain::{
    job::JobState,
    kernel::Flavor,
    manifest::Manifest,
    recipe,
    run::{Outcome, Run},
};
use process::Spawner;
use services::releases::Packages;
use support::World;

/// The starter with a second kernel, a hypervisor under two aliases, and entries of every kind.
fn recipe_text() -> String {
    recipe::starter().to_owned()
        + r#"
[[kernels]]
alias = "vmlinuz-dev"
package = "linux-image-amd64"

[[kernels]]
alias = "xen-4.17-amd64"
flavor = "xen"
package = "xen-hypervisor-4.17-amd64"

[[kernels]]
alias = "xen-dev"
flavor = "xen"
package = "xen-hypervisor-4.17-amd64"

[[preseeds]]
name = "preseed.cfg"
content = "d-i passwd/root-login boolean true\n"

[[menu.entries]]
label = "deb-netboot-dev"
text = "Debian stable netboot dev"
kernel = "vmlinuz-dev"
arguments = "console=ttyS0,115200"

[[menu.entries]]
label = "xen"
text = "Xen"
kind = "xen"
hypervisor = "xen-4.17-amd64"
kernel = "vmlinuz-dev"

[[menu.entries]]
label = "deb-stable-netinst"
text = "Debian stable netinst"
kind = "installer"
kernel = "http://mirror.example/debian/linux"
initrd = "http://mirror.example/debian/initrd.gz"
preseed = "preseed.cfg"
arguments = "--- console=ttyS0,115200"

[[menu.entries]]
label = "lab"
text = "Another menu of the lab"
kind = "chain"
script = "http://boot.example/menu.ipxe"
"#
}

/// The files of each Linux kernel of the release, as the blob store has them.
fn files(world: &World, manifest: &Manifest) -> Vec<(String, PathBuf, PathBuf)> {
    let path = |name: &str| world.blob(&manifest.component(name).unwrap().sha256);
    let linux = manifest.kernels.iter().filter(|it| it.flavor == Flavor::Linux);
    linux
        .map(|it| (it.release.clone(), path(&it.image), path(it.initrd.as_deref().unwrap())))
        .collect()
}

/// Swapping any of the three is refused, and the two that differ are named.
fn refuse_what_does_not_belong_together(world: &World, manifest: &Manifest) {
    let spawner = Spawner::start().unwrap();
    let work = world.folder().join("work");
    let image = world.blob(&manifest.component("rootfs.squashfs").unwrap().sha256);
    let [(a, a_kernel, a_initrd), (b, b_kernel, b_initrd)] = &files(world, manifest)[..] else {
        panic!("the release has two Linux kernels");
    };
    let check = |release: &str, kernel: &PathBuf, initrd: &PathBuf| {
        check_together(&spawner, &work, &image, &[KernelFiles { release, kernel, initrd }])
    };
    check(a, a_kernel, a_initrd).unwrap();
    check(b, b_kernel, b_initrd).unwrap();
    let refused = |result: Result<(), BuildError>| match result {
        Err(BuildError::NotTogether { one, other }) => (one, other),
        other => panic!("{other:?}"),
    };
    let (one, other) = refused(check(a, b_kernel, a_initrd));
    assert!(one.contains(&format!("vmlinuz-{a} is {b}")), "{one}");
    assert!(other.contains(&format!("rootfs below lib/modules/{a}")), "{other}");
    let (one, other) = refused(check(a, a_kernel, b_initrd));
    assert!(one.contains(&format!("vmlinuz-{a} is {a}")), "{one}");
    assert!(other.contains(&format!("initrd below lib/modules/{b}")), "{other}");
    // Another rootfs: the modules of its own kernels are the only ones that it has.
    let (one, other) = refused(check("5.10.0-1-amd64", a_kernel, a_initrd));
    assert!(one.contains("vmlinuz-5.10.0-1-amd64 is"), "{one}");
    assert!(other.contains("modules of the rootfs"), "{other}");
}

fn case<'a>(run: &'a Run, id: &str) -> &'a str {
    &run.results.iter().find(|it| it.case == id).expect("the case ran").message
}

#[test]
fn two_kernels_and_a_hypervisor_boot_from_one_menu() {
    support::run(Duration::from_secs(900), |world| async move {
        let ann = &world.developer;
        world.save(None, &recipe_text()).await;
        let (job, version) = world.build(1, Packages::Newer).await;
        assert_eq!(job.state, JobState::Succeeded, "{:?}", job.outcome);
        let release = world.services.release(ann, &version).await.unwrap();
        let manifest = world.services.contents(ann, &release).await.unwrap().manifest;
        let bound = |alias: &str| manifest.kernel(alias).unwrap();
        assert_eq!(bound("xen-dev").image, bound("xen-4.17-amd64").image);
        let names: Vec<_> = manifest.components.iter().map(|it| &it.name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
        refuse_what_does_not_belong_together(&world, &manifest);

        let (job, runs) = world.validate(&version).await;
        for run in runs.iter().filter(|run| run.outcome != Some(Outcome::Passed)) {
            world.print_console(&run.id).await;
        }
        assert_eq!(job.state, JobState::Succeeded, "{:?}", job.outcome);
        let run = |entry: &str| runs.iter().find(|run| run.entry == entry).unwrap();
        let kernels =
            ["deb-netboot-6.1.y", "deb-netboot-dev"].map(|it| case(run(it), "smoke.kernel"));
        assert_ne!(kernels[0], kernels[1]);
        let xen = run("xen");
        assert_eq!(case(xen, "smoke.kernel"), bound("vmlinuz-dev").release);
        assert_eq!(case(xen, "smoke.hypervisor"), bound("xen-4.17-amd64").release);
        assert!(case(xen, "smoke.iommu").starts_with("enabled: (XEN)"), "{xen:?}");
        assert!(case(run("deb-stable-netinst"), "smoke.menu").contains("debian/linux"));
        let menu = world.get(&format!("/release/{version}/menu.ipxe")).await;
        let preseed =
            menu.split("preseed/url=").nth(1).and_then(|it| it.split(' ').next()).unwrap();
        let path = &preseed[preseed.find("/artifacts/").unwrap()..];
        assert_eq!(world.get(path).await, "d-i passwd/root-login boolean true\n");
        world
    });
}
