//! What an import takes and what it refuses: archives of a small rootfs, in the real sandbox, as the
//! system user. Whether an imported release boots is proved where guests are (crate services).
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod support;

use std::{fs, path::Path, process::Command};

use builder::{BuildError, ImportRequest};
use domain::{
    import::{ConsoleLogin, ImportedKernel},
    job::StepState,
    kernel::{Flavor, UploadedFile},
    menu::reader,
    version::TargetVersion,
};

use crate::support::{Bench, Watch, become_system_user_with};

/// Nobody listens there: an import that comes as far as asking for busybox has taken the rest.
const NO_MIRROR: &str = "http://127.0.0.1:9/debian";

struct Importing(Bench);

impl Importing {
    fn upload(&self, name: &str) -> UploadedFile {
        self.0.upload(name, &fs::read(self.0.folder().join(name)).unwrap())
    }

    fn kernel(&self, alias: &str, flavor: Flavor, image: &str) -> ImportedKernel {
        let (alias, image) = (alias.to_owned(), Some(self.upload(image)));
        ImportedKernel { alias, flavor, image, packages: Vec::new() }
    }

    /// Imports an archive with a kernel; gives why it ended, and how its steps did.
    fn import(&self, rootfs: &str, image: &str) -> (BuildError, Watch) {
        self.import_with(rootfs, vec![self.kernel("vmlinuz-dev", Flavor::Linux, image)])
    }

    fn import_with(&self, rootfs: &str, kernels: Vec<ImportedKernel>) -> (BuildError, Watch) {
        let menu = "item a Debian\nchoose x\n:a\nkernel kernels/vmlinuz-dev nfsroot=h:/d\nboot\n";
        let request = ImportRequest {
            target: TargetVersion::new(1, 0, 0),
            rootfs: self.upload(rootfs),
            menu: reader::read(menu, &domain::import::check_kernels(&kernels).unwrap()),
            kernels,
            login: ConsoleLogin { user: "root".to_owned(), password: "debian".to_owned() },
        };
        let watch = Watch::default();
        let error = self.0.builder.import(&request, &watch).unwrap_err();
        (error, watch)
    }
}

/// One test: the change of user is one of the whole process, and comes first.
#[test]
fn what_is_brought_along_is_looked_at() {
    let folder = support::folder("import");
    let maker = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import/archives.py");
    let made = Command::new("python3").arg(maker).arg(folder.path()).status().unwrap();
    assert!(made.success());
    become_system_user_with(&[folder.path()]);
    let bench = Importing(Bench::in_folder(folder, |config| {
        config.mirror = Some(NO_MIRROR.to_owned());
        config.sources.networks = Vec::new();
    }));
    bench.0.builder.check().unwrap();

    archives_are_taken_or_refused_in_one_sentence(&bench);
    a_tree_keeps_what_it_was(&bench);
    kernels_must_be_those_of_the_rootfs(&bench);
    hypervisors_are_known_by_their_bytes(&bench);
    bench.0.assert_nothing_left();
}

fn archives_are_taken_or_refused_in_one_sentence(bench: &Importing) {
    let cases = fs::read_to_string(bench.0.folder().join("cases")).unwrap();
    assert!(cases.lines().count() > 20);
    for (name, words) in cases.lines().filter_map(|line| line.split_once('\t')) {
        println!("{name}");
        let (error, watch) = bench.import(name, "vmlinuz");
        let unpacked = watch.state("unpack");
        match &error {
            BuildError::Mirror(_) => {
                assert_eq!(words, "", "{name} was taken");
                let done = matches!(unpacked, Some(StepState::Succeeded | StepState::Reused));
                assert!(done, "{name}: {unpacked:?}");
            }
            BuildError::Refused { what, why } => {
                assert!(!words.is_empty() && why.contains(words), "{name}: {why}");
                assert_eq!((what.as_str(), why.lines().count()), (name, 1));
                assert_eq!(unpacked, Some(StepState::Failed));
            }
            other => panic!("{name}: {other}"),
        }
    }
}

/// Owners, modes, links and capabilities stay; device nodes go.
fn a_tree_keeps_what_it_was(bench: &Importing) {
    bench.import("good.tar", "vmlinuz");
    let cache = bench.0.builder.cache();
    let trees = cache.steps().unwrap().into_iter().filter(|it| it.step == "unpack");
    let (mut seen, mut capable) = (0, 0);
    for blob in trees.flat_map(|it| it.blobs) {
        let path = cache.blobs().path(&blob);
        if fs::metadata(&path).unwrap().len() < 1024 {
            continue;
        }
        let listed = Command::new("tar")
            .args(["--numeric-owner", "--xattrs", "--xattrs-include=*", "-tvvf"])
            .arg(&path)
            .output()
            .unwrap();
        let text = String::from_utf8(listed.stdout).unwrap();
        let line = |name: &str| {
            let found = text.lines().find(|line| line.contains(name));
            found.unwrap_or_else(|| panic!("no {name}:\n{text}")).to_owned()
        };
        assert!(text.starts_with("drwxr-xr-x "), "{text}");
        assert!(line("./usr/sudo").starts_with("-rwsr-xr-x"), "{text}");
        assert!(line("./usr/sudo").contains(" 0/7 "), "{text}");
        assert!(line("./usr/mine").contains("1000/1000"), "{text}");
        assert!(line("./usr/again").contains("link to ./usr/mine"), "{text}");
        assert!(line("./usr/absolute").contains("-> /sbin/init"), "{text}");
        assert!(line("./run/pipe").starts_with('p'), "{text}");
        capable += usize::from(text.contains("x: 20 security.capability"));
        assert!(!text.contains("sda"), "{text}");
        seen += 1;
    }
    // GNU's own form of tar holds no capabilities.
    assert_eq!((seen, capable), (6, 5));
}

fn kernels_must_be_those_of_the_rootfs(bench: &Importing) {
    let refused = |image: &str| match bench.import("good.tar.gz", image).0 {
        BuildError::Refused { why, .. } => why,
        other => panic!("{other}"),
    };
    let other = refused("other");
    assert!(other.contains("vmlinuz-dev is 6.2.0-other"), "{other}");
    assert!(other.contains("modules of 6.1.0-test"), "{other}");
    assert!(other.contains("do not belong together"), "{other}");
    for none in ["hostile", "text.tar.gz"] {
        let none = refused(none);
        assert!(none.contains("no Linux kernel"), "{none}");
    }
}

/// A hypervisor says nowhere which version it is: the rootfs that has the same one does.
fn hypervisors_are_known_by_their_bytes(bench: &Importing) {
    let linux = || bench.kernel("vmlinuz-dev", Flavor::Linux, "vmlinuz");
    let with = |hypervisors: &[(&str, &str)]| {
        let xen = |(alias, image): &(&str, &str)| bench.kernel(alias, Flavor::Xen, image);
        let kernels = [linux()].into_iter().chain(hypervisors.iter().map(xen)).collect();
        bench.import_with("good.tar.gz", kernels).0
    };
    let found = with(&[
        ("xen-dev", "xen-4.17-amd64"),
        ("xen-4.8-amd64", "xen-4.8-amd64.gz"),
        ("xen-same", "xen-4.8-amd64"),
    ]);
    assert!(matches!(found, BuildError::Mirror(_)), "{found}");
    let cache = bench.0.builder.cache();
    let texts: Vec<String> = cache
        .steps()
        .unwrap()
        .into_iter()
        .filter(|it| it.step == "kernel")
        .flat_map(|it| it.blobs)
        .filter_map(|blob| fs::read_to_string(cache.blobs().path(&blob)).ok())
        .filter(|text| text.contains("xen-dev xen "))
        .collect();
    assert_eq!(
        texts,
        ["vmlinuz-dev linux 6.1.0-test vmlinuz-6.1.0-test - linux-image-6.1.0-test\n\
          xen-dev xen 4.17.5 xen-4.17-amd64 config-xen-4.17-amd64 xen-hypervisor-4.17-amd64\n\
          xen-4.8-amd64 xen 4.8.5 xen-4.8-amd64 - xen-hypervisor-4.8-amd64\n\
          xen-same xen 4.8.5 xen-4.8-amd64 - xen-hypervisor-4.8-amd64\n"]
    );
    match with(&[("xen-dev", "xen-other")]) {
        BuildError::Refused { why, .. } => {
            assert!(
                why.contains("nothing says of which version the hypervisor xen-dev is"),
                "{why}"
            );
        }
        other => panic!("{other}"),
    }
}
