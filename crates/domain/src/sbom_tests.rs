use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::{
    lock::{Lock, LockedPackage},
    packages,
    version::TargetVersion,
};

fn locked(part: Part, name: &str, version: &str) -> LockedPackage {
    LockedPackage {
        part,
        name: name.to_owned(),
        version: version.to_owned(),
        architecture: "amd64".to_owned(),
        size: 1,
        sha256: Digest::of(name),
        origin: "bookworm/main".to_owned(),
        path: format!("pool/main/x/{name}.deb"),
    }
}

fn release() -> (Manifest, Lock) {
    let lock = Lock {
        schema: 1,
        suite: "bookworm".to_owned(),
        architecture: "amd64".to_owned(),
        epoch: 1_700_000_000,
        packages: vec![
            locked(Part::Rootfs, "openssh-server", "1:9.2p1-2+deb12u7"),
            locked(Part::Rootfs, "libstdc++6", "12.2.0-14+deb12u1"),
            locked(Part::Rootfs, "libstdc--6", "1~rc1"),
            locked(Part::Kernel, "linux-image-cloud-amd64", "6.1.170-1"),
            locked(Part::Initrd, "busybox-static", "1:1.35.0-4+b7"),
        ],
        kernels: Vec::new(),
    };
    let component = |role, name: &str| Component {
        role,
        name: name.to_owned(),
        size: 1,
        sha256: Digest::of(name),
    };
    let manifest = Manifest {
        schema: 1,
        version: TargetVersion::new(1, 2, 0),
        architecture: "amd64".to_owned(),
        components: vec![
            component(ComponentRole::Image, "rootfs.squashfs"),
            component(ComponentRole::Kernel, "vmlinuz-6.1.0"),
            component(ComponentRole::Initrd, "initrd-6.1.0.img"),
        ],
        images: vec!["rootfs.squashfs".to_owned()],
        kernels: vec![],
        entries: vec![],
        default_entry: "a".to_owned(),
        timeout_ms: 3000,
        lock: Some(lock.digest().unwrap()),
    };
    (manifest, lock)
}

fn written((manifest, lock): &(Manifest, Lock)) -> Vec<u8> {
    spdx(manifest, &packages::of_lock(lock), Timestamp::from_seconds(lock.epoch)).unwrap()
}

fn document() -> Value {
    serde_json::from_slice(&written(&release())).unwrap()
}

#[test]
fn the_head_says_what_it_is_and_when_it_was_locked() {
    let (document, (manifest, _)) = (document(), release());
    assert_eq!(document["spdxVersion"], "SPDX-2.3");
    assert_eq!(document["dataLicense"], "CC0-1.0");
    assert_eq!(document["SPDXID"], "SPDXRef-DOCUMENT");
    assert_eq!(document["name"], "rootfs-v1.2.0");
    assert_eq!(document["creationInfo"]["created"], "2023-11-14T22:13:20Z");
    let name_space = document["documentNamespace"].as_str().unwrap();
    assert!(name_space.ends_with(&manifest.digest().unwrap().to_string()), "{name_space}");
}

#[test]
fn every_package_has_its_checksum_and_package_url() {
    let document = document();
    let packages = document["packages"].as_array().unwrap();
    assert_eq!(packages.len(), 1 + 3 + 5);
    let ssh = packages.iter().find(|package| package["name"] == "openssh-server").unwrap();
    assert_eq!(ssh["versionInfo"], "1:9.2p1-2+deb12u7");
    assert_eq!(ssh["checksums"][0]["algorithm"], "SHA256");
    assert_eq!(ssh["checksums"][0]["checksumValue"], Digest::of("openssh-server").to_string());
    assert_eq!(ssh["packageFileName"], "openssh-server.deb");
    let purls: Vec<&str> = packages
        .iter()
        .filter_map(|package| package["externalRefs"][0]["referenceLocator"].as_str())
        .collect();
    assert_eq!(
        purls,
        [
            "pkg:deb/debian/openssh-server@1:9.2p1-2%2Bdeb12u7?arch=amd64",
            "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64",
            "pkg:deb/debian/libstdc--6@1~rc1?arch=amd64",
            "pkg:deb/debian/linux-image-cloud-amd64@6.1.170-1?arch=amd64",
            "pkg:deb/debian/busybox-static@1:1.35.0-4%2Bb7?arch=amd64",
        ]
    );
}

#[test]
fn ids_are_valid_and_unique_and_relationships_name_them() {
    let document = document();
    let packages = document["packages"].as_array().unwrap();
    let mut ids: BTreeSet<&str> =
        packages.iter().map(|package| package["SPDXID"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), packages.len());
    assert!(ids.iter().all(|id| {
        id.starts_with("SPDXRef-")
            && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
    }));
    ids.insert(DOCUMENT);
    let mut related = BTreeSet::from([DOCUMENT]);
    for relationship in document["relationships"].as_array().unwrap() {
        assert!(ids.contains(relationship["spdxElementId"].as_str().unwrap()), "{relationship}");
        related.insert(relationship["relatedSpdxElement"].as_str().unwrap());
    }
    assert_eq!(related, ids, "everything is contained in something");
}

#[test]
fn packages_lie_in_the_files_that_are_made_of_them() {
    let document = document();
    let contains = |from: &str, to: &str| {
        document["relationships"].as_array().unwrap().iter().any(|relationship| {
            relationship["relationshipType"] == "CONTAINS"
                && relationship["spdxElementId"].as_str().unwrap().contains(from)
                && relationship["relatedSpdxElement"].as_str().unwrap().contains(to)
        })
    };
    assert!(contains("rootfs.squashfs", "openssh-server"));
    assert!(contains("rootfs.squashfs", "linux-image"));
    assert!(contains("vmlinuz-6.1.0", "linux-image"));
    assert!(contains("initrd-6.1.0.img", "busybox-static"));
    assert!(!contains("rootfs.squashfs", "busybox-static"));
}

#[test]
fn the_same_release_gives_the_same_bytes() {
    assert_eq!(written(&release()), written(&release()));
    assert!(written(&release()).ends_with(b"}\n"));
}

#[test]
fn what_is_not_known_of_an_imported_package_is_left_out() {
    let (manifest, _) = release();
    let imported = |architecture: &str| {
        HeldPackage::imported("libc6".to_owned(), "2.24-11".to_owned(), architecture.to_owned())
    };
    let held = [imported("amd64"), imported("i386")];
    let text = spdx(&manifest, &held, Timestamp::from_seconds(1_537_000_000)).unwrap();
    let document: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(document["creationInfo"]["created"], "2018-09-15T08:26:40Z");
    let packages = document["packages"].as_array().unwrap();
    let ids: BTreeSet<&str> = packages.iter().map(|it| it["SPDXID"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), packages.len());
    let libc: Vec<&Value> = packages.iter().filter(|it| it["name"] == "libc6").collect();
    assert_eq!(libc.len(), 2);
    assert!(libc.iter().all(|it| it.get("checksums").is_none()), "{libc:?}");
    assert!(libc.iter().all(|it| it.get("packageFileName").is_none()), "{libc:?}");
    assert_eq!(
        libc[1]["externalRefs"][0]["referenceLocator"],
        "pkg:deb/debian/libc6@2.24-11?arch=i386"
    );
}
