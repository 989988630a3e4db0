//! Several kernels in one release: Debian's Linux and a hypervisor from packages, and a Linux that is
//! compiled beside the rootfs. What does not belong together is refused, and everything can be taken
//! away. The browser's tests boot the same kernels, from the same steps of the cache.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod support;

use std::{collections::BTreeSet, path::PathBuf, process::Command, time::Duration};

use builder::{BuildError, KernelFiles, check_together};
use domain::{
    digest::Digest,
    job::{Job, JobState, StepState},
    kernel::{
        BuildMode, ConfigBase, Configuration, Definition, Flavor, Fragment, KernelFileRole,
        KernelState, Source,
    },
    manifest::{ComponentRole, Manifest},
    page::Slice,
};
use process::Spawner;
use services::{downloads::Download, releases::Packages};
use support::World;

/// The example with a kernel of our own, a hypervisor under two aliases, and entries of every kind.
fn recipe_text() -> String {
    include_str!("../../../examples/debian-and-xen.toml").to_owned()
        + r#"
[[kernels]]
alias = "xen-dev"
flavor = "xen"
package = "xen-hypervisor-4.17-amd64"

[[kernels]]
alias = "vmlinuz-own"
kernel = "linux-small"

[[preseeds]]
name = "preseed.cfg"
content = "d-i passwd/root-login boolean true\n"

[[menu.entries]]
label = "deb-netboot-own"
text = "Debian stable netboot own"
kernel = "vmlinuz-own"
arguments = "console=ttyS0,115200"

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

/// The small kernel of the builder's own tests, from the same entries of the step cache.
fn small_linux() -> Definition {
    Definition {
        flavor: Flavor::Linux,
        source: Source::DebianSource {
            suite: "bookworm".to_owned(),
            package: "linux-source-6.1".to_owned(),
            version: None,
        },
        configuration: Some(Configuration {
            base: ConfigBase::Defconfig { target: "tinyconfig".to_owned() },
            fragments: vec![Fragment {
                name: "small".to_owned(),
                content: include_str!("../../../examples/small-linux.config").to_owned(),
            }],
        }),
        patches: Vec::new(),
        debug: false,
    }
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
    let [(a, a_kernel, a_initrd), (b, b_kernel, b_initrd), ..] = &files(world, manifest)[..] else {
        panic!("the release has several Linux kernels");
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

/// What a job's steps of a kernel came to.
async fn steps_of_kernel(world: &World, job: &Job, kernel: &str) -> Vec<(String, StepState)> {
    let steps = world.services.steps(&world.developer, &job.id).await.unwrap();
    let own = |name: &str| name.strip_prefix(&format!("{kernel}: ")).map(ToOwned::to_owned);
    steps.into_iter().filter_map(|it| Some((own(&it.name)?, it.state))).collect()
}

/// The kernel is one of the page Kernels too, and everything of it is handed out with the release.
async fn a_kernel_of_our_own_is_known_by_its_release(
    world: &World,
    version: &str,
    manifest: &Manifest,
) {
    let ann = &world.developer;
    let kernel = world.services.kernel(ann, "linux-small").await.unwrap();
    assert_eq!(kernel.state, KernelState::Built);
    assert_eq!(kernel.uses.releases, [version]);
    assert_eq!(kernel.uses.recipes, ["starter"]);
    let build = kernel.built.unwrap();
    assert_eq!(build.mode, BuildMode::Release);
    let record = build.record.unwrap();
    assert_eq!(record.release, manifest.kernel("vmlinuz-own").unwrap().release);
    for file in record.files.iter().filter(|it| it.role == KernelFileRole::Package) {
        let component = manifest.component(&file.name).expect("each .deb is a component");
        assert_eq!((component.role, component.sha256), (ComponentRole::Package, file.sha256));
    }
    let refused = world.services.delete_kernel(ann, "linux-small").await.unwrap_err();
    assert!(refused.to_string().contains("starter"), "{refused}");
}

/// The team's own package: the same archive each time, and sums of everything.
async fn the_release_can_be_taken_away(world: &World, version: &str, manifest: &Manifest) {
    let read = async |name: &str| {
        let file = world.services.release_file(&world.developer, version, name).await.unwrap();
        match file {
            Download::Bytes { bytes, .. } => bytes,
            Download::File { mut file, .. } => {
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
                bytes
            }
        }
    };
    let name = format!("rootfs-{}.tar.gz", manifest.version);
    let archive = read(&name).await;
    let sums = String::from_utf8(read("SHA256SUMS").await).unwrap();
    let expected = format!("{}  {name}\n", Digest::of(&archive));
    assert!(sums.contains(&expected), "{expected}{sums}");
    for component in &manifest.components {
        assert!(sums.contains(&format!("{}  {}\n", component.sha256, component.name)));
    }
    let path = world.folder().join(&name);
    std::fs::write(&path, &archive).unwrap();
    let tar = |more: &[&str]| {
        let output = Command::new("tar").arg("-tzf").arg(&path).args(more).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(tar(&[]).lines().all(|it| it == "rootfs/" || it.starts_with("rootfs/")));
    // Owners as numbers, and setuid programs are still that.
    let su = tar(&["-v", "--numeric-owner", "rootfs/usr/bin/su"]);
    assert!(su.starts_with("-rwsr-xr-x 0/0 "), "{su}");
    // Derived anew it has the same bytes.
    let cached = world.cached(&Digest::of(&archive));
    std::fs::remove_file(cached).unwrap();
    assert_eq!(Digest::of(read(&name).await), Digest::of(&archive));
}

#[test]
fn kernels_and_a_hypervisor_come_together_in_a_release() {
    support::run(Duration::from_secs(900), |world| async move {
        let ann = &world.developer;
        let unknown = world.services.check_recipe(ann, &recipe_text()).await.unwrap().unwrap_err();
        assert!(unknown[0].message.contains("no kernel called \"linux-small\""), "{unknown:?}");
        world.services.create_kernel(ann, "linux-small", small_linux()).await.unwrap();
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
        a_kernel_of_our_own_is_known_by_its_release(&world, &version, &manifest).await;
        the_release_can_be_taken_away(&world, &version, &manifest).await;

        // An unchanged kernel costs nothing in the next release, which is the same one.
        let (again, _) = world.build(1, Packages::Newer).await;
        assert_eq!(again.outcome, Some(format!("identical to {version}")));
        for (step, state) in steps_of_kernel(&world, &again, "linux-small").await {
            let asks = matches!(step.as_str(), "source" | "record");
            let expected = if asks { StepState::Succeeded } else { StepState::Reused };
            assert_eq!(state, expected, "{step}");
        }
        let builds =
            world.services.kernel_builds(ann, "linux-small", &Slice::first()).await.unwrap();
        assert_eq!(builds.items.len(), 1, "{builds:?}");

        let menu = world.get(&format!("/release/{version}/menu.ipxe")).await;
        let preseed =
            menu.split("preseed/url=").nth(1).and_then(|it| it.split(' ').next()).unwrap();
        let path = &preseed[preseed.find("/artifacts/").unwrap()..];
        assert_eq!(world.get(path).await, "d-i passwd/root-login boolean true\n");
        world
    });
}
