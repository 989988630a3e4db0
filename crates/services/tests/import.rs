//! What a team has already becomes a release: a rootfs as a pxe-server unpacks it, its kernel and
//! hypervisor, and its menu. It is compared with what was built, deployed, and rolled back to; the
//! browser's tests boot one. And what does not belong together is refused.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod support;

use std::{fs, path::Path, time::Duration};

use blobs::BlobStore;
use domain::{
    deployment::Verdict,
    digest::Digest,
    environment::{PRODUCTION, Policy},
    import::{ConsoleLogin, ImportedKernel},
    job::{Job, JobState},
    kernel::{Flavor, UploadedFile},
    lock::Part,
    manifest::{BootEntry, Manifest},
    recipe,
    release::Stage,
};
use process::Spawner;
use sandbox::Sandbox;
use services::{
    ServiceError,
    downloads::Download,
    imports::ImportOrder,
    releases::{Packages, ReleaseContents},
};
use support::World;

/// A menu in the form of a pxe-server: what it boots, and what no release can.
const MENU: &str = "#!ipxe
:MENU
menu
item --gap -- ---------------- iPXE boot menu ----------------
item shell   ipxe shell
item deb-netboot-dev Debian stable netboot dev
item voyage-netinst Voyage netinst 0.11.0
item core-6.4 Core 6.4
item --gap -- ------------ iPXE boot menu end ----------------
choose --default boot --timeout 3000 target && goto ${target}
:shell
shell ||
goto MENU
:deb-netboot-dev
kernel kernels/vmlinuz-dev bootfile=http://192.0.2.10:8000/menu.ipxe root=/dev/nfs rw ip=dhcp nfsroot=192.0.2.10:/srv/nfs/debian,vers=3,udp nfsrootdebug console=ttyS0,115200
boot
goto MENU
:voyage-netinst
kernel kernels/voyage/vmlinuz boot=live netboot=nfs root=/dev/nfs nfsroot=192.0.2.10:/srv/nfs/voyage
initrd kernels/voyage/initrd.img
boot
goto MENU
:core-6.4
kernel http://core.example/6.x/vmlinuz --- root=/dev/ram0 console=ttyS0,115200
initrd http://192.0.2.10:8000/core.gz
boot
goto MENU
";

/// What a pxe-server has on its disk, as uploads.
struct Brought {
    /// The rootfs with its kernel's modules.
    rootfs: UploadedFile,
    /// The same without them.
    bare: UploadedFile,
    kernel: UploadedFile,
    packages: Vec<UploadedFile>,
}

/// Puts a file where uploads are kept.
fn upload(world: &World, name: &str, path: &Path) -> UploadedFile {
    let blobs = BlobStore::open(&world.folder().join("blobs")).unwrap();
    let sha256 = blobs.put(fs::File::open(path).unwrap()).unwrap().sha256;
    UploadedFile { name: name.to_owned(), sha256 }
}

/// Unpacks the image of a release and packs what is in it as pxe-server's builder does, in a
/// sandbox; leaves the packages and the version out, and gives the kernel and its package.
fn taken_apart(world: &World, contents: &ReleaseContents) -> Brought {
    let manifest = &contents.manifest;
    let blob = |name: &str| world.blob(&manifest.component(name).unwrap().sha256);
    let kernel = &manifest.kernels[0];
    let sandbox = Sandbox {
        script: "set -eu
            unsquashfs -quiet -no-progress -dest /build/rootfs /in/rootfs.squashfs >/dev/null
            echo rootfs-brought >/build/rootfs/etc/hostname
            tar -C /build --numeric-owner --xattrs --xattrs-include='*' -c rootfs | gzip -1 >/out/full
            rm -r /build/rootfs/usr/lib/modules/*
            tar -C /build --numeric-owner --xattrs --xattrs-include='*' -c rootfs | zstd -q >/out/bare",
        inputs: vec![("rootfs.squashfs".to_owned(), blob("rootfs.squashfs"))],
        files: Vec::new(),
        environment: Vec::new(),
        limit: Duration::from_secs(600),
    };
    let work = world.folder().join("work");
    let outputs = sandbox
        .run(&Spawner::start().unwrap(), &work, &mut |line| println!("{line}"), &|| false)
        .unwrap();
    let named = format!("linux-image-{}", kernel.release);
    let deb = contents.packages.iter().find(|it| it.name == named).unwrap();
    let deb = UploadedFile { name: format!("{named}.deb"), sha256: deb.sha256.unwrap() };
    Brought {
        rootfs: upload(world, "rootfs-v1.0.0.tar.gz", &outputs.path("full")),
        bare: upload(world, "rootfs-bare.tar.zst", &outputs.path("bare")),
        kernel: upload(world, "vmlinuz-dev", &blob(&kernel.image)),
        packages: vec![deb],
    }
}

fn order(version: &str, rootfs: &UploadedFile, kernel: ImportedKernel) -> ImportOrder {
    ImportOrder {
        version: version.parse().unwrap(),
        rootfs: rootfs.clone(),
        kernels: vec![kernel],
        menu: MENU.to_owned(),
        login: ConsoleLogin { user: "root".to_owned(), password: "debian".to_owned() },
    }
}

fn with_image(image: &UploadedFile) -> ImportedKernel {
    ImportedKernel {
        alias: "vmlinuz-dev".to_owned(),
        flavor: Flavor::Linux,
        image: Some(image.clone()),
        packages: Vec::new(),
    }
}

async fn import(world: &World, order: ImportOrder) -> Job {
    let job = world.services.start_import(&world.developer, order).await.unwrap();
    let job = world.wait_for(&job.id, Duration::from_secs(1200)).await;
    for step in world.services.steps(&world.developer, &job.id).await.unwrap() {
        println!("import: {} {} {:?}", step.name, step.state, step.message);
    }
    if job.state != JobState::Succeeded {
        world.print_log(&job.id).await;
    }
    job
}

async fn deploy(world: &World, version: &str) {
    let World { services, developer: ann, approver: bob, .. } = world;
    let request =
        services.request_deployment(ann, PRODUCTION, version, "what we had").await.unwrap();
    services.judge_deployment(bob, &request.id, Verdict::Approved, None, "seen").await.unwrap();
    services.deploy(ann, &request.id).await.unwrap();
}

async fn text_of(world: &World, release: &str, file: &str) -> String {
    match world.services.release_file(&world.developer, release, file).await.unwrap() {
        Download::Bytes { bytes, .. } => String::from_utf8(bytes).unwrap(),
        Download::File { file, .. } => std::io::read_to_string(file).unwrap(),
    }
}

#[test]
fn what_a_team_has_becomes_a_release() {
    support::run(Duration::from_secs(600), |world| async move {
        let (services, ann) = (&world.services, &world.developer);
        world.save(None, recipe::starter()).await;
        let (job, built) = world.build(1, Packages::Newer).await;
        assert_eq!(job.state, JobState::Succeeded, "{:?}", job.outcome);
        let built_release = services.release(ann, &built).await.unwrap();
        let contents = services.contents(ann, &built_release).await.unwrap();
        let brought = taken_apart(&world, &contents);

        orders_are_looked_at_before_anything_runs(&world, &brought).await;
        kernels_of_other_rootfses_are_refused(&world, &brought).await;
        packages_bring_the_modules_that_are_missing(&world, &brought).await;

        // What production serves is what was built; the import comes after it, as one that somebody
        // looked at.
        let looked_at = Policy { plans: Vec::new(), ..Policy::production() };
        services.change_policy(&world.administrator, PRODUCTION, looked_at, None).await.unwrap();
        deploy(&world, &built).await;
        let served_before = world.get("/menu.ipxe").await;

        let version = services.propose_import(ann).await.unwrap().version.to_string();
        let order = order(&version, &brought.rootfs, with_image(&brought.kernel));
        let job = import(&world, order).await;
        assert_eq!(job.state, JobState::Succeeded, "{:?}", job.outcome);
        let release = services.release(ann, &version).await.unwrap();
        assert_eq!((release.stage, release.lock), (Stage::Candidate, None));
        assert!(release.is_imported());
        world.verify_signature(&version).await;
        its_menu_is_what_could_be_read(&world, &version).await;
        it_is_compared_by_its_packages(&world, &version, &contents).await;
        it_says_that_it_cannot_be_built_again(&world, &version).await;

        deploy(&world, &version).await;
        let menu = world.get("/menu.ipxe").await;
        assert!(menu.contains(&format!("/artifacts/{}/", release.manifest.unwrap())), "{menu}");
        services.roll_back(&world.administrator, PRODUCTION, "v1.0.0", "it differs").await.unwrap();
        assert_eq!(world.get("/menu.ipxe").await, served_before);
        let target = version.split("-rc.").next().unwrap();
        services.roll_back(&world.administrator, PRODUCTION, target, "it was good").await.unwrap();
        assert_eq!(world.get("/menu.ipxe").await, menu);
        services.verify_audit().await.unwrap();
        world
    });
}

async fn orders_are_looked_at_before_anything_runs(world: &World, brought: &Brought) {
    let good = || order("v9.0.0-rc.1", &brought.rootfs, with_image(&brought.kernel));
    let nowhere =
        UploadedFile { name: "lost.tar.gz".to_owned(), sha256: Digest::of("never uploaded") };
    let cases = [
        ("rootfs", ImportOrder { rootfs: nowhere, ..good() }),
        ("kernels", ImportOrder { kernels: Vec::new(), ..good() }),
        ("menu", ImportOrder { menu: "#!ipxe\nshell\n".to_owned(), ..good() }),
        ("menu", ImportOrder { menu: MENU.replace("vmlinuz-dev", "vmlinuz-other"), ..good() }),
        ("version", ImportOrder { version: "v1.0.0-rc.1".parse().unwrap(), ..good() }),
        (
            "login",
            ImportOrder {
                login: ConsoleLogin { user: "root".to_owned(), password: String::new() },
                ..good()
            },
        ),
    ];
    for (named, bad) in cases {
        match world.services.start_import(&world.developer, bad).await {
            Err(ServiceError::Invalid { field, message }) => {
                assert_eq!(field, named, "{message}");
                assert!(!message.is_empty());
            }
            other => panic!("{named}: {other:?}"),
        }
    }
}

/// The swapped kernel: the rootfs has no modules of it.
async fn kernels_of_other_rootfses_are_refused(world: &World, brought: &Brought) {
    let order = order("v8.0.0-rc.1", &brought.bare, with_image(&brought.kernel));
    let job = import(world, order).await;
    assert_eq!(job.state, JobState::Failed);
    let outcome = job.outcome.unwrap();
    assert!(outcome.contains("vmlinuz-dev is 6."), "{outcome}");
    assert!(outcome.contains("they do not belong together"), "{outcome}");
    let release = world.services.release(&world.developer, "v8.0.0-rc.1").await.unwrap();
    assert_eq!(release.stage, Stage::Failed);
    // A failed import leaves no recipe behind that anybody sees.
    let recipes = world.services.recipes(&world.developer).await.unwrap();
    assert_eq!(recipes.len(), 1, "{recipes:?}");
}

/// The kernel's own package is installed where the rootfs lacks its modules; the kernel itself is
/// taken out of it.
async fn packages_bring_the_modules_that_are_missing(world: &World, brought: &Brought) {
    let kernel = ImportedKernel {
        image: None,
        packages: brought.packages.clone(),
        ..with_image(&brought.kernel)
    };
    let job = import(world, order("v7.0.0-rc.1", &brought.bare, kernel)).await;
    assert_eq!(job.state, JobState::Succeeded, "{:?}", job.outcome);
    let services = &world.services;
    let release = services.release(&world.developer, "v7.0.0-rc.1").await.unwrap();
    let manifest = services.contents(&world.developer, &release).await.unwrap().manifest;
    let image = &manifest.kernels[0].image;
    assert_eq!(manifest.component(image).unwrap().sha256, brought.kernel.sha256);
}

async fn its_menu_is_what_could_be_read(world: &World, version: &str) {
    let (services, ann) = (&world.services, &world.developer);
    let release = services.release(ann, version).await.unwrap();
    let import = services.import_of(ann, &release).await.unwrap().unwrap();
    let unread: Vec<&str> = import.import.unread.iter().map(|it| it.label.as_str()).collect();
    assert_eq!(unread, ["voyage-netinst", "core-6.4"]);
    assert!(import.import.unread.iter().all(|it| !it.reason.is_empty() && it.line > 0));
    assert_eq!(import.import.hostname.as_deref(), Some("rootfs-brought"));
    let manifest: Manifest =
        serde_json::from_str(&text_of(world, version, "manifest.json").await).unwrap();
    let [BootEntry::Linux { label, arguments, .. }] = &manifest.entries[..] else {
        panic!("{:?}", manifest.entries);
    };
    assert_eq!((label.as_str(), arguments.as_str()), ("deb-netboot-dev", "console=ttyS0,115200"));
    assert_eq!(manifest.lock, None);

    // The proposal is a recipe of this Debian with what somebody asked for.
    let proposal = import.proposal.unwrap();
    let recipe = recipe::parse(&proposal.text).unwrap();
    assert_eq!(recipe.suite, "bookworm");
    assert!(recipe.packages.iter().any(|it| it == "openssh-server"), "{:?}", recipe.packages);
    assert_eq!(recipe::console_login(&recipe), Some(("root", "debian")));
    assert_eq!(recipe.menu.entries, manifest.entries);
    assert_eq!(services.revision(ann, &release.recipe_name, None).await.unwrap(), proposal);
}

/// The rootfs came out of what was built: its packages are the same, and only its bytes differ.
async fn it_is_compared_by_its_packages(world: &World, version: &str, built: &ReleaseContents) {
    let (services, ann) = (&world.services, &world.developer);
    let release = services.release(ann, version).await.unwrap();
    let contents = services.contents(ann, &release).await.unwrap();
    let installed = |of: &ReleaseContents| {
        let mut names: Vec<String> = of
            .packages
            .iter()
            .filter(|it| it.is_installed())
            .map(|it| format!("{} {} {}", it.name, it.version, it.architecture))
            .collect();
        names.sort();
        names
    };
    assert_eq!(installed(&contents), installed(built));
    assert!(contents.packages.iter().any(|it| it.part == Part::Initrd && it.sha256.is_some()));
    let change = services.change_against_production(ann, &release).await.unwrap();
    assert_eq!(change.base.as_deref(), Some("v1.0.0"));
    assert_eq!(change.change.packages, [], "{:?}", change.change.packages);
    assert!(change.change.components.iter().any(|it| it.name == "rootfs.squashfs"));
    assert!(!change.change.entries.is_empty() && !change.recipe.is_empty());
}

async fn it_says_that_it_cannot_be_built_again(world: &World, version: &str) {
    let (services, ann) = (&world.services, &world.developer);
    let release = services.release(ann, version).await.unwrap();
    let files = services.release_files(ann, &release).await.unwrap();
    assert!(files.iter().all(|file| file.name != "lock.json"));
    for file in &files {
        services.release_file(ann, version, &file.name).await.unwrap();
    }
    let lock = services.release_file(ann, version, "lock.json").await.unwrap_err();
    assert!(lock.to_string().contains("cannot be built again"), "{lock}");
    let sbom = text_of(world, version, "sbom.spdx.json").await;
    assert!(sbom.contains("openssh-server"));
    let proposal = services.propose_build(ann, &release.recipe_name).await.unwrap();
    assert_eq!(proposal.former, None);
    let again = services
        .start_build(ann, &release.recipe_name, 1, "v6.0.0-rc.1".parse().unwrap(), Packages::Keep)
        .await
        .unwrap_err();
    assert!(again.to_string().contains("no former lock"), "{again}");
}
