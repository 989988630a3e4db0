use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::version::TargetVersion;

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
        lock: lock.digest().unwrap(),
    };
    (manifest, lock)
}

fn document() -> Value {
    let (manifest, lock) = release();
    serde_json::from_slice(&spdx(&manifest, &lock).unwrap()).unwrap()
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
    let (manifest, lock) = release();
    assert_eq!(spdx(&manifest, &lock).unwrap(), spdx(&manifest, &lock).unwrap());
    assert!(spdx(&manifest, &lock).unwrap().ends_with(b"}\n"));
}
