//! The package list of a release as SPDX 2.3 JSON, for scanners and licence people.
//!
//! The same manifest and packages give the same bytes: the time is the lock's epoch, or when the
//! release was imported, the name space comes from the manifest's digest, and no host or path of the
//! build stands in it. A release is
//! one SPDX package that contains its files, and these contain the Debian packages they were made
//! of. Files are SPDX packages too, since an SPDX file demands a SHA-1.

use serde::Serialize;

use crate::{
    canonical::NotCanonical,
    digest::Digest,
    lock::Part,
    manifest::{Component, ComponentRole, Manifest},
    packages::HeldPackage,
    time::Timestamp,
};

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const RELEASE: &str = "SPDXRef-Release";
const UNKNOWN: &str = "NOASSERTION";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(rename = "SPDXID")]
    id: &'static str,
    spdx_version: &'static str,
    data_license: &'static str,
    name: String,
    document_namespace: String,
    creation_info: CreationInfo,
    packages: Vec<Package>,
    relationships: Vec<Relationship>,
}

#[derive(Serialize)]
struct CreationInfo {
    created: String,
    creators: [&'static str; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(rename = "SPDXID")]
    id: String,
    name: String,
    version_info: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    package_file_name: String,
    primary_package_purpose: &'static str,
    download_location: &'static str,
    files_analyzed: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Checksum>,
    license_concluded: &'static str,
    license_declared: &'static str,
    copyright_text: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalRef>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checksum {
    algorithm: &'static str,
    checksum_value: Digest,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef {
    reference_category: &'static str,
    reference_type: &'static str,
    reference_locator: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    spdx_element_id: String,
    relationship_type: &'static str,
    related_spdx_element: String,
}

/// The SPDX document of a release, as JSON text that ends in a line feed; `created` is the epoch of
/// its lock, or when it was imported.
///
/// # Errors
/// As [`Manifest::digest`].
pub fn spdx(
    manifest: &Manifest,
    held: &[HeldPackage],
    created: Timestamp,
) -> Result<Vec<u8>, NotCanonical> {
    let digest = manifest.digest()?;
    let version = manifest.version.to_string();
    let release = package(RELEASE.to_owned(), "rootfs", &version, "manifest.json", Some(digest));
    let mut packages = vec![Package { primary_package_purpose: "OPERATING-SYSTEM", ..release }];
    let mut relationships = vec![relationship(DOCUMENT, "DESCRIBES", RELEASE)];
    for component in &manifest.components {
        let (id, name) = (component_id(component), component.name.as_str());
        relationships.push(relationship(RELEASE, "CONTAINS", &id));
        packages.push(package(id, name, &version, name, Some(component.sha256)));
    }
    for one in held {
        let id = held_id(one);
        let file = one.path.as_deref().and_then(|path| path.rsplit('/').next()).unwrap_or_default();
        for component in manifest.components.iter().filter(|it| holds(it.role, one.part)) {
            relationships.push(relationship(&component_id(component), "CONTAINS", &id));
        }
        let deb = package(id, &one.name, &one.version, file, one.sha256);
        packages.push(Package {
            primary_package_purpose: "INSTALL",
            external_refs: vec![ExternalRef {
                reference_category: "PACKAGE-MANAGER",
                reference_type: "purl",
                reference_locator: purl(one),
            }],
            ..deb
        });
    }
    let document = Document {
        id: DOCUMENT,
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        name: format!("rootfs-{version}"),
        document_namespace: format!("https://spdx.org/spdxdocs/rootfs-{version}-{digest}"),
        creation_info: CreationInfo { created: created.rfc3339(), creators: ["Tool: bootwright"] },
        packages,
        relationships,
    };
    let mut text = serde_json::to_vec_pretty(&document)?;
    text.push(b'\n');
    Ok(text)
}

/// Whether files of a role are made of packages of a part.
const fn holds(role: ComponentRole, part: Part) -> bool {
    match role {
        ComponentRole::Image => matches!(part, Part::Rootfs | Part::Kernel),
        ComponentRole::Kernel | ComponentRole::Hypervisor | ComponentRole::Config => {
            matches!(part, Part::Kernel)
        }
        ComponentRole::Initrd => matches!(part, Part::Initrd),
        ComponentRole::Preseed | ComponentRole::Package => false,
    }
}

fn package(id: String, name: &str, version: &str, file: &str, sha256: Option<Digest>) -> Package {
    let checksum = |value| Checksum { algorithm: "SHA256", checksum_value: value };
    Package {
        id,
        name: name.to_owned(),
        version_info: version.to_owned(),
        package_file_name: file.to_owned(),
        primary_package_purpose: "FILE",
        download_location: UNKNOWN,
        files_analyzed: false,
        checksums: sha256.into_iter().map(checksum).collect(),
        license_concluded: UNKNOWN,
        license_declared: UNKNOWN,
        copyright_text: UNKNOWN,
        external_refs: Vec::new(),
    }
}

fn relationship(from: &str, kind: &'static str, to: &str) -> Relationship {
    Relationship {
        spdx_element_id: from.to_owned(),
        relationship_type: kind,
        related_spdx_element: to.to_owned(),
    }
}

fn component_id(component: &Component) -> String {
    id("Component", &component.name, &component.sha256)
}

fn held_id(package: &HeldPackage) -> String {
    let part = match package.part {
        Part::Rootfs => "Rootfs",
        Part::Kernel => "Kernel",
        Part::Initrd => "Initrd",
    };
    let what = format!("{} {}", package.version, package.architecture);
    id(part, &package.name, &package.sha256.unwrap_or_else(|| Digest::of(what)))
}

/// SPDX ids have letters, digits, `.` and `-` only; the digest keeps `libstdc++` and `libstdc--`
/// apart.
fn id(kind: &str, name: &str, sha256: &Digest) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    let name: String = name.chars().map(plain).collect();
    format!("SPDXRef-{kind}-{name}-{}", sha256.short())
}

/// The package URL: `pkg:deb/debian/name@version?arch=amd64`.
fn purl(package: &HeldPackage) -> String {
    let (name, version) = (encoded(&package.name), encoded(&package.version));
    format!("pkg:deb/debian/{name}@{version}?arch={}", encoded(&package.architecture))
}

/// Percent-encoding of package URLs, which leave the colon as it is.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

#[cfg(test)]
#[path = "sbom_tests.rs"]
mod tests;
