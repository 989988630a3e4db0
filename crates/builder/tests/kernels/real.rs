//! Real trees: Debian's Linux and Xen. What they gave is kept between runs.

use std::{process::Command, sync::Mutex};

use builder::KernelOutput;
use domain::{
    job::StepState,
    kernel::{BuildMode, ConfigBase, Configuration, Definition, Flavor, KernelFileRole, Source},
};

use crate::{
    tiny::again,
    world::{SMALL, Watch, World, fragment, small},
};

/// One at a time: two compilations at once would only be slower.
static ONE: Mutex<()> = Mutex::new(());

fn configured(world: &World, definition: &Definition) -> KernelOutput {
    world.build(definition, BuildMode::Configure, &Watch::default()).unwrap()
}

#[test]
fn the_tree_says_what_became_of_a_configuration() {
    let _one = ONE.lock();
    let world = World::shared();
    let mut definition = small();
    let configuration = definition.configuration.as_mut().unwrap();
    configuration.fragments.push(fragment(
        "wishes",
        "CONFIG_DRM_I915=y\nCONFIG_VIRTIO_NETT=y\n# CONFIG_CRC32 is not set\nCONFIG_MODULE_SIG=y\n",
    ));
    let report = configured(&world, &definition).report.unwrap();
    assert!(report.release.starts_with("6.1.") && report.release.ends_with("-bootwright"));
    let why = |name: &str| {
        let found = report.not_kept.iter().find(|it| it.name == name);
        found.map(|it| (it.fragment.as_str(), it.reason.as_str()))
    };
    assert_eq!(
        why("DRM_I915"),
        Some(("wishes", "it depends on DRM: DRM is not set")),
        "{:?}",
        report.not_kept
    );
    assert_eq!(
        why("VIRTIO_NETT"),
        Some(("wishes", "the tree has no option VIRTIO_NETT; the nearest name is VIRTIO_NET"))
    );
    assert!(why("CRC32").unwrap().1.starts_with("it is selected by "), "{:?}", why("CRC32"));
    assert_eq!(report.not_kept.len(), 3, "{:?}", report.not_kept);
    assert!(report.changed.iter().any(|it| it.name == "CRC32" && it.after.is_some()));
    assert!(report.warnings.iter().any(|it| it.starts_with("MODULE_SIG signs")), "{report:?}");
}

#[test]
fn configurations_of_something_else_are_refused_before_the_tree_is_asked() {
    let _one = ONE.lock();
    let world = World::shared();
    let with = |text: &str| {
        let file = world.upload("theirs", text.as_bytes());
        let base = ConfigBase::File { file };
        Definition { configuration: Some(Configuration { base, fragments: Vec::new() }), ..small() }
    };
    let arm = with("# Linux/arm64 6.1.170 Kernel Configuration\nCONFIG_ARM64=y\n");
    let said = world.refused(&arm, BuildMode::Configure);
    assert!(said.contains("theirs") && said.contains("arm64"), "{said}");
    let narrow = with("# Linux/x86 6.1.170 Kernel Configuration\nCONFIG_X86_32=y\n");
    assert!(world.refused(&narrow, BuildMode::Configure).contains("i386"));
    let xen = with("# Xen/x86 4.17.5 Configuration\nCONFIG_X86=y\n");
    assert!(world.refused(&xen, BuildMode::Configure).contains("Xen"));
    let none = Definition {
        configuration: Some(Configuration {
            base: ConfigBase::Defconfig { target: "marvellous_defconfig".to_owned() },
            fragments: Vec::new(),
        }),
        ..small()
    };
    let said = world.refused(&none, BuildMode::Configure);
    assert!(said.contains("no configuration called marvellous_defconfig"), "{said}");
    let capital = Definition {
        configuration: Some(Configuration {
            base: ConfigBase::Defconfig { target: "tinyconfig".to_owned() },
            fragments: vec![fragment("name", "CONFIG_LOCALVERSION=\"-LAB\"\n")],
        }),
        ..small()
    };
    let said = world.refused(&capital, BuildMode::Configure);
    assert!(said.contains("-LAB") && said.contains("CONFIG_LOCALVERSION"), "{said}");
}

#[test]
fn patches_that_do_not_apply_and_code_that_does_not_compile_are_named() {
    let _one = ONE.lock();
    let world = World::shared();
    let mut definition = small();
    let wrong = "--- a/kernel/bounds.c\n+++ b/kernel/bounds.c\n@@ -10,2 +10,3 @@\n nowhere\n+x\n in the file\n";
    definition.patches = vec![world.upload("wrong.patch", wrong.as_bytes())];
    let said = world.refused(&definition, BuildMode::Release);
    assert!(said.contains("the patch wrong.patch does not apply"), "{said}");
    assert!(said.contains("kernel/bounds.c, hunk #1"), "{said}");

    let broken = "--- a/kernel/bounds.c\n+++ b/kernel/bounds.c\n@@ -1,2 +1,3 @@\n // SPDX-License-Identifier: GPL-2.0\n+#error this cannot be compiled\n /*\n";
    definition.patches = vec![world.upload("broken.patch", broken.as_bytes())];
    let said = world.refused(&definition, BuildMode::Release);
    assert!(said.contains("kernel/bounds.c:2:2: error: #error this cannot be compiled"), "{said}");
}

/// The kernel that other tests boot. With `BOOTWRIGHT_REPRODUCE=1` the commands of its record build it
/// once more, outside of the sandbox and of every cache.
#[test]
fn a_small_linux_is_compiled() {
    let _one = ONE.lock();
    let world = World::shared();
    let watch = Watch::default();
    let output = world.build(&small(), BuildMode::Release, &watch).unwrap();
    let report = output.report.unwrap();
    assert!(report.not_kept.is_empty(), "{:?}", report.not_kept);
    assert!(SMALL.lines().filter(|it| it.starts_with("CONFIG_")).count() > 50);
    let record = output.record.unwrap();
    let packages: Vec<&str> =
        record.packages.iter().filter_map(|it| it.name.split("-6.").next()).collect();
    assert_eq!(packages, ["linux-headers", "linux-image", "linux-libc-dev"]);
    assert_eq!(record.kernel_package().unwrap().name, format!("linux-image-{}", record.release));
    assert_eq!(
        record.file(KernelFileRole::Image).unwrap().name,
        format!("vmlinuz-{}", record.release)
    );
    assert!(record.toolchain.iter().any(|it| it.starts_with("gcc-")));
    for file in &record.files {
        world.blobs.verify(&file.sha256).unwrap();
    }
    // An unchanged kernel costs nothing.
    let watch = Watch::default();
    let second = world.build(&small(), BuildMode::Release, &watch).unwrap();
    assert_eq!(second.record.as_ref(), Some(&record));
    assert_eq!(watch.state("compile"), Some(StepState::Reused));
    if std::env::var_os("BOOTWRIGHT_REPRODUCE").is_some() {
        let archive = world.builder.blob_path(&record.source.sha256);
        let line = record.commands.lines().find_map(|it| it.strip_prefix("archive=")).unwrap();
        again(&world, &record, &archive, line.trim_matches('\''), 3);
    }
}

#[test]
fn packages_of_debian_are_looked_into() {
    let _one = ONE.lock();
    let world = World::shared();
    for (flavor, package, release) in [
        (Flavor::Linux, "linux-image-cloud-amd64", "6.1."),
        (Flavor::Xen, "xen-hypervisor-4.17-amd64", "4.17."),
    ] {
        let source = Source::DebianBinary {
            suite: "bookworm".to_owned(),
            package: package.to_owned(),
            version: None,
        };
        let definition =
            Definition { flavor, source, configuration: None, patches: Vec::new(), debug: false };
        let output = world.build(&definition, BuildMode::Release, &Watch::default()).unwrap();
        let record = output.record.unwrap();
        assert!(record.release.starts_with(release), "{}", record.release);
        assert!(record.kernel_package().is_some() && record.commands.is_empty());
        let config = world.blobs.open_blob(&output.config.unwrap().sha256).unwrap();
        let config = std::io::read_to_string(config).unwrap();
        domain::kernel::Config::parse(&config).unwrap().fits(flavor).unwrap();
    }
}

/// The newest source of Xen in Debian: URL and digest, from the index of sources.
fn xen_source() -> Source {
    let script = r#"
set -e
base=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 'Created-By: Packages' | head -n 1)
python3 - "$base" <<'END'
import lzma, re, sys, urllib.request
base = sys.argv[1].rstrip("/")
index = lzma.decompress(urllib.request.urlopen(base + "/dists/bookworm/main/source/Sources.xz").read()).decode()
stanza = next(it for it in index.split("\n\n") if it.startswith("Package: xen\n"))
folder = re.search(r"^Directory: (.*)$", stanza, re.M)[1]
sums = stanza.split("Checksums-Sha256:")[1]
digest, name = re.search(r"([0-9a-f]{64}) \d+ (\S+\.orig\.tar\.\w+)$", sums, re.M).groups()
print(f"{base}/{folder}/{name}", digest)
END
"#;
    let output = Command::new("sh").args(["-c", script]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (url, sha256) = text.trim().split_once(' ').unwrap_or_else(|| {
        panic!("{text} {}", String::from_utf8_lossy(&output.stderr));
    });
    Source::Archive { url: url.to_owned(), sha256: sha256.parse().unwrap() }
}

#[test]
fn a_hypervisor_is_compiled() {
    let _one = ONE.lock();
    let world = World::shared();
    let definition = Definition {
        flavor: Flavor::Xen,
        source: xen_source(),
        configuration: Some(Configuration {
            base: ConfigBase::Defconfig { target: "defconfig".to_owned() },
            fragments: vec![fragment("small", "# CONFIG_LIVEPATCH is not set\nCONFIG_NOTHING=y\n")],
        }),
        patches: Vec::new(),
        debug: false,
    };
    let output = world.build(&definition, BuildMode::Release, &Watch::default()).unwrap();
    let report = output.report.unwrap();
    assert!(report.not_kept[0].reason.starts_with("the tree has no option NOTHING"));
    let record = output.record.unwrap();
    assert!(record.release.starts_with("4.17."), "{}", record.release);
    let names: Vec<&str> = record.files.iter().map(|it| it.name.as_str()).collect();
    let xen = format!("xen-{}", record.release);
    assert!(names.contains(&xen.as_str()), "{names:?}");
    let package = record.kernel_package().unwrap();
    assert_eq!(package.name, format!("xen-hypervisor-{}", record.release));
    // As the step that installs kernels looks for it.
    let deb = world.blobs.path(&record.file(KernelFileRole::Package).unwrap().sha256);
    let listed = Command::new("dpkg-deb").arg("--contents").arg(deb).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains(&format!("./boot/{xen}.gz\n")), "{listed}");
    assert!(listed.contains(&format!("./boot/{xen}.config\n")), "{listed}");
    let config = record.file(KernelFileRole::Config).unwrap();
    let text = std::fs::read_to_string(world.blobs.path(&config.sha256)).unwrap();
    assert!(text.contains(&format!("# Xen/x86 {} Configuration\n", record.release)), "{text}");
    if std::env::var_os("BOOTWRIGHT_REPRODUCE").is_some() {
        let archive = world.builder.blob_path(&record.source.sha256);
        let line = record.commands.lines().find_map(|it| it.strip_prefix("archive=")).unwrap();
        again(&world, &record, &archive, line.trim_matches('\''), 1);
    }
}
