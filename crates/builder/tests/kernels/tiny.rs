//! What does not need a real kernel: a tree that has every cause of different bytes, builds that are
//! cancelled or have no room, and compiler caches.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path, process::Command};

use builder::{BuildError, KernelOutput};
use domain::{
    job::StepState,
    kernel::{BuildMode, Definition, KernelFile, Record, Source},
};

use crate::{
    packed,
    world::{Watch, World, fragment, python, tiny},
};

/// The tree beside this file, with one file more.
fn tree(world: &World, extra: (&str, &str)) -> Definition {
    let file = world.upload("linux-6.1.7.tar.xz", &packed::tree(extra));
    tiny(Source::UploadedArchive { file }, vec![fragment("debug", "CONFIG_DEBUG_INFO=y\n")])
}

fn made(output: &KernelOutput) -> &Record {
    output.record.as_ref().unwrap()
}

/// Two builders with empty caches in folders of their own and with other numbers of compilers, and
/// the commands of the record as another user, without a sandbox.
#[test]
fn a_kernel_comes_to_the_same_bytes_wherever_it_is_built() {
    let (one, other) = (World::empty(1), World::empty(3));
    let first = one.build(&tree(&one, ("", "")), BuildMode::Release, &Watch::default()).unwrap();
    let second =
        other.build(&tree(&other, ("", "")), BuildMode::Release, &Watch::default()).unwrap();
    assert_eq!(made(&first), made(&second));
    let record = made(&first);
    assert_eq!((record.release.as_str(), record.epoch), ("6.1.7-tiny", 1_700_000_000));
    assert_eq!(record.files.len(), 4, "{:?}", record.files);
    again(&one, record, &one.blobs.path(&record.source.sha256), "linux-6.1.7.tar.xz", 2);
}

/// Runs a record's commands: they compare what comes out with the record by themselves.
pub(crate) fn again(world: &World, record: &Record, archive: &Path, name: &str, jobs: u32) {
    let folder = world.folder().join("commands of a record");
    fs::create_dir(&folder).unwrap();
    fs::copy(archive, folder.join(name)).unwrap();
    fs::write(folder.join("rebuild.sh"), &record.commands).unwrap();
    let config = record.file(domain::kernel::KernelFileRole::Config).unwrap();
    fs::copy(world.blobs.path(&config.sha256), folder.join(&config.name)).unwrap();
    let place = world.folder().join("a/quite/other/place");
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    let status = Command::new("sh")
        .arg(folder.join("rebuild.sh"))
        .arg(&place)
        .env("JOBS", jobs.to_string())
        .env("KCFLAGS", "-O0")
        .env("MAKEFLAGS", "-k")
        .status()
        .unwrap();
    assert!(status.success());
    for KernelFile { name, sha256, .. } in &record.files {
        let bytes = fs::read(place.join("out").join(name)).unwrap();
        assert_eq!(domain::digest::Digest::of(bytes), *sha256, "{name}");
    }
}

#[test]
fn a_build_that_is_cancelled_while_it_links_leaves_nothing_and_goes_on_later() {
    let world = World::empty(2);
    let definition = tree(&world, ("slow", "links for a long time"));
    for state in [StepState::Succeeded, StepState::Reused] {
        let watch = Watch::stopping_at("LD      vmlinux");
        let result = world.build(&definition, BuildMode::Release, &watch);
        assert!(matches!(result, Err(BuildError::Cancelled)), "{result:?}");
        assert_eq!(watch.state("prepare"), Some(state));
        assert_eq!(watch.state("configure"), Some(state));
        assert_eq!(watch.state("compile"), Some(StepState::Cancelled));
        nothing_is_left(&world);
    }
}

/// Neither files of a compilation that did not come to its end, nor anything that runs.
fn nothing_is_left(world: &World) {
    let work = world.folder().join("work");
    assert_eq!(fs::read_dir(&work).unwrap().count(), 0, "a step left something behind");
    let steps = world.builder.cache().steps().unwrap();
    assert!(steps.iter().all(|it| it.step != "compile"), "half a kernel is cached");
    let inside = work.to_str().unwrap().to_owned();
    let runs = fs::read_dir("/proc").unwrap().flatten().any(|process| {
        let line = fs::read_to_string(process.path().join("cmdline")).unwrap_or_default();
        line.contains(&inside)
    });
    assert!(!runs, "something of the build runs on");
}

#[test]
fn a_build_that_outgrows_its_memory_says_so_leaves_nothing_and_can_be_tried_again() {
    let world = World::empty(2);
    let definition = tree(&world, ("full", "links for more than there is"));
    for state in [StepState::Succeeded, StepState::Reused] {
        let watch = Watch::default();
        let said = world.build(&definition, BuildMode::Release, &watch).unwrap_err().to_string();
        assert!(said.starts_with("the step compile failed: it needs more than the "), "{said}");
        let line = " MiB that its files may take in memory here (fallocate: ";
        assert!(said.contains(line) && said.contains("No space left on device"), "{said}");
        assert!(said.ends_with("or give the machine more memory"), "{said}");
        assert_eq!(watch.state("prepare"), Some(state));
        assert_eq!(watch.state("configure"), Some(state));
        assert_eq!(watch.state("compile"), Some(StepState::Failed));
        nothing_is_left(&world);
    }
}

#[test]
fn what_a_development_build_cached_never_reaches_a_release() {
    let world = World::empty(2);
    let definition = tree(&world, ("", ""));
    let cache = world.folder().join("cache/ccache");
    world.build(&definition, BuildMode::Release, &Watch::default()).unwrap();
    assert!(!cache.exists(), "a release build made a compiler cache");
    let first = Watch::default();
    world.build(&definition, BuildMode::Development, &first).unwrap();
    assert_eq!(first.state("compile"), Some(StepState::Succeeded), "a release's step was reused");
    assert!(first.line("compiler cache: 0 of 3").is_some());
    // Another sandbox, with other ids, and a tree that lies there anew with one line changed.
    let changed = tree(&world, ("three.h", "/* new */\n"));
    let second = Watch::default();
    world.build(&changed, BuildMode::Development, &second).unwrap();
    assert!(second.line("compiler cache: 3 of 3").is_some(), "{:?}", second.line("compiler cache"));
    let watch = Watch::default();
    world.build(&changed, BuildMode::Release, &watch).unwrap();
    assert_eq!(watch.state("compile"), Some(StepState::Succeeded), "a development build's step");
    assert!(watch.line("compiler cache").is_none());
    // The same again costs nothing.
    let watch = Watch::default();
    world.build(&changed, BuildMode::Release, &watch).unwrap();
    assert_eq!(watch.state("compile"), Some(StepState::Reused));

    let own = cache.join(world.kernel.to_string());
    assert_eq!(fs::metadata(&cache).unwrap().mode() & 0o777, 0o711);
    assert!(fs::read_dir(&own).unwrap().count() > 0);
    world.builder.forget_compiler_cache(&world.kernel).unwrap();
    assert!(!own.exists());
    world.builder.forget_compiler_cache(&world.kernel).unwrap();
}

#[test]
fn a_compiler_error_is_named_with_its_place() {
    let world = World::empty(2);
    let mut definition = tree(&world, ("", ""));
    let patch = "--- a/two.c\n+++ b/two.c\n@@ -1,4 +1,5 @@\n const char *two(void)\n {\n+\tbroken\n \treturn __FILE__;\n }\n";
    definition.patches = vec![world.upload("break.patch", patch.as_bytes())];
    let said = world.refused(&definition, BuildMode::Release);
    assert!(said.starts_with("the step compile failed: two.c:3:9: error: "), "{said}");
    assert!(said.contains("(make gave up ") && !said.contains("last lines"), "{said}");
    nothing_is_left(&world);
}

#[test]
fn packages_are_looked_into() {
    let world = World::empty(2);
    let output =
        world.build(&tree(&world, ("", "")), BuildMode::Release, &Watch::default()).unwrap();
    let record = made(&output);
    let package = record.file(domain::kernel::KernelFileRole::Package).unwrap();
    let image = record.file(domain::kernel::KernelFileRole::Image).unwrap();
    let uploaded = |file: &KernelFile| domain::kernel::UploadedFile {
        name: file.name.clone(),
        sha256: file.sha256,
    };
    let of = |image: Option<domain::kernel::UploadedFile>| {
        let packages = vec![uploaded(package)];
        let source = Source::UploadedPackages { packages, image };
        Definition { configuration: None, ..tiny(source, Vec::new()) }
    };
    let watch = Watch::default();
    let found = world.build(&of(Some(uploaded(image))), BuildMode::Release, &watch).unwrap();
    let found = made(&found);
    assert_eq!(found.release, record.release);
    assert_eq!(found.packages, record.packages);
    assert!(found.kernel_package().is_some() && found.commands.is_empty());
    assert_eq!(found.file(image.role).unwrap().sha256, image.sha256);

    let mut other = fs::read(world.blobs.path(&image.sha256)).unwrap();
    let at = other.windows(5).position(|it| it == b"6.1.7").unwrap();
    other[at + 4] = b'8';
    let other = world.upload("bzImage", &other);
    let said = world.refused(&of(Some(other)), BuildMode::Release);
    assert!(said.contains("the uploaded bzImage is 6.1.8-tiny"), "{said}");
    assert!(said.contains("the kernel in the package is 6.1.7-tiny"), "{said}");

    // A package whose kernel, and whose module's folder, are of another release.
    let folder = world.folder().join("other");
    fs::create_dir(&folder).unwrap();
    python(OTHER, &folder);
    let file = world.upload("modules.deb", &fs::read(folder.join("modules.deb")).unwrap());
    let packages = vec![uploaded(package), file];
    let source = Source::UploadedPackages { packages, image: None };
    let definition = Definition { configuration: None, ..tiny(source, Vec::new()) };
    let said = world.refused(&definition, BuildMode::Release);
    assert!(said.contains("the kernel is 6.1.7-tiny"), "{said}");
    assert!(said.contains("the modules in modules.deb are for 6.1.9-tiny"), "{said}");
}

/// A package with nothing but a folder of modules for another kernel.
const OTHER: &str = r#"
import os, subprocess, sys
os.chdir(sys.argv[1])
os.makedirs("m/DEBIAN")
os.makedirs("m/lib/modules/6.1.9-tiny")
open("m/DEBIAN/control", "w").write(
    "Package: modules\nVersion: 1\nArchitecture: amd64\nMaintainer: x <x@localhost>\nDescription: x\n")
subprocess.run(["dpkg-deb", "--root-owner-group", "--build", "m", "modules.deb"], check=True)
"#;
