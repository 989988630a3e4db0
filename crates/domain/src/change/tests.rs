use proptest::prelude::*;

use super::{differences::packages, *};
use crate::{
    kernel::Flavor,
    lock::LockedPackage,
    manifest::{BootEntry, BoundKernel, Component},
    recipe::RootMethod,
};

fn package(part: Part, name: &str, version: &str) -> HeldPackage {
    HeldPackage::from(LockedPackage {
        part,
        name: name.to_owned(),
        version: version.to_owned(),
        architecture: "amd64".to_owned(),
        size: 1,
        sha256: Digest::of(format!("{name} {version}")),
        origin: "bookworm/main".to_owned(),
        path: format!("pool/{name}_{version}.deb"),
    })
}

fn entry(label: &str, text: &str, arguments: &str) -> BootEntry {
    BootEntry::Linux {
        label: label.to_owned(),
        text: text.to_owned(),
        kernel: "vmlinuz-6.1.y".to_owned(),
        root: RootMethod::Http,
        arguments: arguments.to_owned(),
    }
}

fn manifest(
    version: TargetVersion,
    kernel: &str,
    rootfs: &str,
    entries: Vec<BootEntry>,
) -> Manifest {
    let component = |role, name: String, content: &str| Component {
        role,
        name,
        size: content.len() as u64,
        sha256: Digest::of(content),
    };
    Manifest {
        schema: 1,
        version,
        architecture: "amd64".to_owned(),
        components: vec![
            component(ComponentRole::Image, "rootfs.squashfs".to_owned(), rootfs),
            component(ComponentRole::Kernel, format!("vmlinuz-{kernel}"), kernel),
        ],
        images: vec!["rootfs.squashfs".to_owned()],
        kernels: vec![BoundKernel {
            alias: "vmlinuz-6.1.y".to_owned(),
            release: kernel.to_owned(),
            image: format!("vmlinuz-{kernel}"),
            flavor: Flavor::Linux,
            initrd: Some(format!("initrd-{kernel}.img")),
            config: Some(format!("config-{kernel}")),
        }],
        entries,
        default_entry: "a".to_owned(),
        timeout_ms: 3000,
        lock: Some(Digest::of("lock")),
    }
}

fn first() -> (Manifest, Vec<HeldPackage>) {
    let packages = vec![
        package(Part::Rootfs, "bash", "5.2.15-2+b2"),
        package(Part::Rootfs, "gone", "1"),
        package(Part::Rootfs, "same", "1.0"),
        package(Part::Rootfs, "back", "2.0"),
        package(Part::Initrd, "busybox-static", "1:1.35.0-4"),
    ];
    let entries = vec![entry("a", "A", "quiet"), entry("b", "B", ""), entry("c", "C", "")];
    (manifest(TargetVersion::new(1, 0, 0), "6.1.0-40", "old", entries), packages)
}

#[test]
fn a_release_against_itself_is_no_change() {
    let (manifest, lock) = first();
    let change = compare(Some((&manifest, &lock)), (&manifest, &lock));
    assert!(change.is_empty(), "{change:#?}");
    assert_eq!((change.counts(), change.summary().as_str()), (Counts::default(), "no change"));
}

#[test]
fn a_first_release_is_all_new() {
    let (manifest, lock) = first();
    let change = compare(None, (&manifest, &lock));
    assert_eq!(change.summary(), "packages: 5 added; 1 kernel; 3 menu changes; 2 files");
    let version = change.version.unwrap();
    assert_eq!((version.from, version.to), (None, TargetVersion::new(1, 0, 0)));
    assert!(change.components.iter().all(|file| file.from.is_none() && file.to.is_some()));
}

#[test]
fn everything_that_differs_is_told() {
    let (old, old_lock) = first();
    let mut rebuilt = package(Part::Initrd, "busybox-static", "1:1.35.0-4");
    rebuilt.sha256 = Some(Digest::of("other bytes"));
    let new_lock = vec![
        package(Part::Rootfs, "bash", "5.2.15-2+b10"),
        package(Part::Rootfs, "same", "1.0"),
        package(Part::Rootfs, "back", "2.0~rc1"),
        package(Part::Rootfs, "new", "3"),
        package(Part::Kernel, "same", "1.0"),
        rebuilt,
    ];
    let entries = vec![entry("d", "D", ""), entry("b", "B", ""), entry("a", "A", "debug")];
    let mut new = manifest(TargetVersion::new(1, 1, 0), "6.1.0-41", "newer", entries);
    new.default_entry = "d".to_owned();
    let change = compare(Some((&old, &old_lock)), (&new, &new_lock));

    let told: Vec<(Part, &str, PackageChangeKind)> = change
        .packages
        .iter()
        .map(|package| (package.part, package.name.as_str(), package.kind))
        .collect();
    assert_eq!(
        told,
        [
            (Part::Rootfs, "back", PackageChangeKind::Downgraded),
            (Part::Rootfs, "bash", PackageChangeKind::Upgraded),
            (Part::Rootfs, "gone", PackageChangeKind::Removed),
            (Part::Rootfs, "new", PackageChangeKind::Added),
            (Part::Kernel, "same", PackageChangeKind::Added),
            (Part::Initrd, "busybox-static", PackageChangeKind::Rebuilt),
        ]
    );
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        (&change.packages[1].from, &change.packages[1].to),
        (&text("5.2.15-2+b2"), &text("5.2.15-2+b10"))
    );
    let kernel = KernelChange {
        alias: "vmlinuz-6.1.y".to_owned(),
        from: text("6.1.0-40"),
        to: text("6.1.0-41"),
    };
    assert_eq!(change.kernels, [kernel]);
    let told: Vec<(&str, EntryChangeKind, usize)> = change
        .entries
        .iter()
        .map(|entry| (entry.label.as_str(), entry.kind, entry.fields.len()))
        .collect();
    assert_eq!(
        told,
        [
            ("d", EntryChangeKind::Added, 4),
            ("a", EntryChangeKind::Changed, 1),
            ("c", EntryChangeKind::Removed, 4),
        ]
    );
    let arguments =
        FieldChange { field: "arguments".to_owned(), from: text("quiet"), to: text("debug") };
    assert_eq!(change.entries[1].fields, [arguments]);
    let menu: Vec<&str> = change.menu.iter().map(|field| field.field.as_str()).collect();
    assert_eq!(menu, ["default", "order"]);
    assert_eq!((&change.menu[1].from, &change.menu[1].to), (&text("a, b"), &text("b, a")));
    let files: Vec<(&str, Option<u64>, Option<u64>)> = change
        .components
        .iter()
        .map(|file| (file.name.as_str(), file.from.map(|b| b.size), file.to.map(|b| b.size)))
        .collect();
    assert_eq!(
        files,
        [
            ("rootfs.squashfs", Some(3), Some(5)),
            ("vmlinuz-6.1.0-40", Some(8), None),
            ("vmlinuz-6.1.0-41", None, Some(8)),
        ]
    );
    assert_eq!(
        change.summary(),
        "packages: 2 added, 1 removed, 1 upgraded, 1 downgraded, 1 rebuilt; 1 kernel; 5 menu changes; 3 files"
    );
    let sent = serde_json::to_string(&change).unwrap();
    assert_eq!(serde_json::from_str::<ReleaseChange>(&sent).unwrap(), change);
}

#[test]
fn what_a_rootfs_brought_is_compared_by_versions() {
    let imported = |name: &str, version: &str| {
        HeldPackage::imported(name.to_owned(), version.to_owned(), "amd64".to_owned())
    };
    let built = [
        package(Part::Rootfs, "bash", "5.2"),
        package(Part::Rootfs, "same", "1"),
        package(Part::Kernel, "linux-image-6.1", "6.1.1-1"),
        package(Part::Initrd, "busybox-static", "1"),
    ];
    let brought = [
        imported("bash", "5.1"),
        imported("same", "1"),
        imported("linux-image-6.1", "6.1.1-1"),
        package(Part::Initrd, "busybox-static", "1"),
    ];
    let changes = packages(&built, &brought);
    let told: Vec<_> = changes.iter().map(|it| (it.name.as_str(), it.kind)).collect();
    assert_eq!(told, [("bash", PackageChangeKind::Downgraded)]);
}

fn any_packages() -> impl Strategy<Value = Vec<HeldPackage>> {
    prop::collection::btree_map("[a-d]", "[0-9.~+-]{1,4}", 0..4).prop_map(|packages| {
        packages.iter().map(|(name, version)| package(Part::Rootfs, name, version)).collect()
    })
}

proptest! {
    #[test]
    fn the_way_back_mirrors_the_way_there(from in any_packages(), to in any_packages()) {
        let there = packages(&from, &to);
        let back = packages(&to, &from);
        prop_assert_eq!(there.len(), back.len());
        for (there, back) in there.iter().zip(&back) {
            use PackageChangeKind::*;
            let mirrored = match there.kind {
                Added => Removed,
                Removed => Added,
                Upgraded => Downgraded,
                Downgraded => Upgraded,
                Rebuilt => Rebuilt,
            };
            prop_assert_eq!(mirrored, back.kind);
            prop_assert_eq!((&there.from, &there.to), (&back.to, &back.from));
        }
    }
}
