//! Packages of Debian: found in the signed index of a suite, fetched by digest.

use std::time::Duration;

use domain::{blob::BlobRef, digest::Digest, time::human_size};

use super::{Asked, Asking, FetchedContent, FetchedSource, NAME, SourceError, uploads};
use crate::{
    error::BuildError,
    mirror::{Mirror, MirrorError},
    packages::field,
    steps::resolve::{Archive, ask_apt, index, known_text},
};

/// How long apt may take over an index.
const LIMIT: Duration = Duration::from_secs(300);
/// How many other names an error shows.
const NAMES: usize = 8;
/// How often a package may only lead to another.
const STEPS: usize = 4;

/// What was asked for.
pub(super) struct Wanted<'a> {
    pub(super) suite: &'a str,
    pub(super) package: &'a str,
    pub(super) version: Option<&'a str>,
}

/// A kernel that Debian compiled.
pub(super) fn binary(
    asking: &Asking<'_>,
    wanted: &Wanted<'_>,
) -> Result<FetchedSource, BuildError> {
    let (mirror, packages) = look_up(asking, wanted)?;
    let kernel = packages.kernel(wanted)?;
    let mut fetched = Vec::new();
    for package in [kernel].into_iter().chain(packages.parts_of(kernel)) {
        fetched.push((package.file.clone(), package.fetch(asking, &mirror)?));
    }
    Ok(FetchedSource {
        origin: kernel.origin(wanted),
        sha256: uploads::digest(fetched.iter().map(|(name, blob)| (name.as_str(), blob.sha256)))?,
        commit: None,
        content: FetchedContent::Packages { packages: fetched, image: None },
    })
}

/// A source tree that Debian packed.
pub(super) fn source(
    asking: &Asking<'_>,
    wanted: &Wanted<'_>,
) -> Result<FetchedSource, BuildError> {
    let (mirror, packages) = look_up(asking, wanted)?;
    let tree = packages.tree(wanted)?;
    let blob = tree.fetch(asking, &mirror)?;
    Ok(FetchedSource {
        origin: tree.origin(wanted),
        sha256: blob.sha256,
        commit: None,
        content: FetchedContent::archive(&tree.file, blob),
    })
}

/// What a suite has of kernels.
struct Packages(Vec<Package>);

/// One package in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Package {
    name: String,
    version: String,
    /// Name of the source package that it was built from.
    source: String,
    depends: String,
    path: String,
    file: String,
    size: u64,
    sha256: Digest,
}

fn look_up(asking: &Asking<'_>, wanted: &Wanted<'_>) -> Result<(Mirror, Packages), BuildError> {
    asking.go_on()?;
    let builder = asking.builder;
    let components = ["main".to_owned()];
    let archive = Archive {
        mirror: None,
        suite: wanted.suite,
        pinned: Vec::new(),
        components: &components,
        architecture: "amd64",
    };
    let cancelled = |error| match error {
        BuildError::Mirror(MirrorError::Cancelled) => BuildError::Cancelled,
        other => other,
    };
    let mirror = builder.mirror(&archive)?;
    let repository = index(builder, &archive, asking.stop).map_err(cancelled)?;
    let script = include_str!("../../assets/kernel-packages.sh");
    let of = format!("{script}{}", wanted.package);
    let stanzas = known_text(builder, &repository, (NAME, "stanzas"), &of, || {
        ask_apt(
            builder,
            NAME,
            &archive,
            script,
            (&repository, &[]),
            vec![("PACKAGE", wanted.package.to_owned())],
            LIMIT,
            &mut |line| asking.say(line),
            asking.stop,
        )
    })?;
    let packages = Packages::read(&stanzas).ok_or_else(|| BuildError::Unexpected {
        step: NAME,
        what: "the index lacks fields".to_owned(),
    })?;
    Ok((mirror, packages))
}

impl Packages {
    /// Reads stanzas of an index, the newest version of a package first; `None` where one lacks a
    /// field.
    fn read(stanzas: &str) -> Option<Self> {
        stanzas
            .split("\n\n")
            .filter(|stanza| !stanza.trim().is_empty())
            .map(|stanza| {
                let name = field(stanza, "Package")?.to_owned();
                let source = field(stanza, "Source").and_then(|it| it.split(' ').next());
                let path = field(stanza, "Filename")?;
                Some(Package {
                    source: source.unwrap_or(&name).to_owned(),
                    name,
                    version: field(stanza, "Version")?.to_owned(),
                    depends: field(stanza, "Depends").unwrap_or_default().to_owned(),
                    path: path.to_owned(),
                    file: path.rsplit('/').next()?.to_owned(),
                    size: field(stanza, "Size")?.parse().ok()?,
                    sha256: field(stanza, "SHA256")?.parse().ok()?,
                })
            })
            .collect::<Option<_>>()
            .map(Self)
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &Package> {
        self.0.iter().filter(move |it| it.name == name)
    }

    /// The very package that was asked for.
    fn asked_for(&self, wanted: &Wanted<'_>) -> Result<&Package, SourceError> {
        let (suite, package) = (wanted.suite.to_owned(), wanted.package.to_owned());
        let versions: Vec<String> = self.named(&package).map(|it| it.version.clone()).collect();
        let Some(newest) = self.named(&package).next() else {
            return Err(SourceError::NoPackage { names: self.alike(&package), suite, package });
        };
        let Some(version) = wanted.version else { return Ok(newest) };
        self.named(wanted.package).find(|it| it.version == version).ok_or_else(|| {
            SourceError::NoVersion { suite, package, version: version.to_owned(), versions }
        })
    }

    /// Names of the same kind, the shortest first: those are the ones that lead to the newest.
    fn alike(&self, package: &str) -> Vec<String> {
        let kind: Vec<&str> = package.split('-').take(2).collect();
        let kind = format!("{}-", kind.join("-"));
        let mut names: Vec<String> = self
            .0
            .iter()
            .map(|it| it.name.clone())
            .filter(|it| it.starts_with(&kind) && !it.ends_with("-dbg"))
            .collect();
        names.sort_by_key(|name| (name.len(), name.clone()));
        names.dedup();
        names.truncate(NAMES);
        names
    }

    /// The package that holds the kernel: the one that was asked for, or the one that it leads to,
    /// as `linux-image-amd64` does.
    fn kernel(&self, wanted: &Wanted<'_>) -> Result<&Package, SourceError> {
        let mut package = self.asked_for(wanted)?;
        for _ in 0..STEPS {
            if package.holds_kernel() {
                return Ok(package);
            }
            let mut leads = self.led_to(package, "linux-image-");
            leads.extend(self.led_to(package, "xen-hypervisor-"));
            let kernel = leads.iter().find(|it| it.holds_kernel());
            let Some(next) = kernel.or_else(|| leads.first()) else { break };
            package = next;
        }
        Err(SourceError::NotOfThatKind {
            package: wanted.package.to_owned(),
            why: "holds no kernel and leads to none: name one such as linux-image-amd64 or xen-hypervisor-4.17-amd64",
        })
    }

    /// The package that holds the source tree.
    fn tree(&self, wanted: &Wanted<'_>) -> Result<&Package, SourceError> {
        let mut package = self.asked_for(wanted)?;
        for _ in 0..STEPS {
            match self.led_to(package, "linux-source-").first() {
                Some(next) => package = next,
                None if package.name.starts_with("linux-source-") => return Ok(package),
                None => break,
            }
        }
        Err(SourceError::NotOfThatKind {
            package: wanted.package.to_owned(),
            why: "holds no source tree: name one such as linux-source-6.1 or linux-source",
        })
    }

    /// The packages of that prefix and the same source that a package depends on.
    fn led_to(&self, package: &Package, prefix: &str) -> Vec<&Package> {
        package
            .needs()
            .filter(|(name, _)| name.starts_with(prefix))
            .filter_map(|(name, version)| {
                let fits = |it: &&Package| {
                    it.source == package.source && version.is_none_or(|only| it.version == only)
                };
                self.named(name).find(fits)
            })
            .collect()
    }

    /// What newer kernels of Debian have outside of their image: modules and the binary itself.
    fn parts_of(&self, kernel: &Package) -> Vec<&Package> {
        ["linux-modules-", "linux-binary-"]
            .into_iter()
            .flat_map(|prefix| self.led_to(kernel, prefix))
            .collect()
    }
}

impl Package {
    fn holds_kernel(&self) -> bool {
        let of = |prefix| self.name.strip_prefix(prefix);
        of("linux-image-")
            .or_else(|| of("xen-hypervisor-"))
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            && !self.name.ends_with("-dbg")
    }

    /// What it depends on, with the version where it must be that one; of alternatives the first.
    fn needs(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.depends.split(',').filter_map(|one| {
            let first = one.split('|').next()?.trim();
            let name = first.split([' ', '(', ':']).next()?;
            let version =
                first.split_once("(=").and_then(|(_, rest)| rest.strip_suffix(')')).map(str::trim);
            Some((name, version))
        })
    }

    fn origin(&self, wanted: &Wanted<'_>) -> String {
        format!("{} {} ({}/main)", self.name, self.version, wanted.suite)
    }

    fn fetch(&self, asking: &Asking<'_>, mirror: &Mirror) -> Result<BlobRef, BuildError> {
        let asked = Asked::File { sha256: &self.sha256 };
        if let Some(blob) = asking.known(&asked)? {
            asking.say(&format!("{} is here", self.file));
            return Ok(blob);
        }
        asking.say(&format!("fetching {} ({})", self.file, human_size(self.size)));
        let blobs = &asking.builder.cache.blobs;
        mirror.fetch(blobs, &self.path, &self.sha256, asking.stop).map_err(
            |error| match error {
                MirrorError::Cancelled => BuildError::Cancelled,
                other => other.into(),
            },
        )?;
        let blob = BlobRef { sha256: self.sha256, size: self.size };
        asking.remember(&asked, &self.file, blob)?;
        Ok(blob)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stanza(name: &str, version: &str, source: &str, depends: &str) -> String {
        format!(
            "Package: {name}\nSource: {source}\nVersion: {version}\nDepends: {depends}\n\
             Filename: pool/main/l/linux/{name}_{version}_amd64.deb\nSize: 3\nSHA256: {}\n",
            Digest::of(name)
        )
    }

    fn suite() -> Packages {
        let signed = "linux-signed-amd64 (6.1.170+1)";
        let stanzas = [
            stanza(
                "linux-image-amd64",
                "6.1.170-1",
                signed,
                "linux-image-6.1.0-43-amd64 (= 6.1.170-1)",
            ),
            stanza(
                "linux-image-amd64",
                "6.1.164-1",
                signed,
                "linux-image-6.1.0-42-amd64 (= 6.1.164-1)",
            ),
            stanza(
                "linux-image-6.1.0-43-amd64",
                "6.1.170-1",
                signed,
                "kmod, linux-base, initramfs-tools | linux-initramfs-tool",
            ),
            stanza("linux-image-6.1.0-42-amd64", "6.1.164-1", signed, "kmod, linux-base"),
            stanza("linux-image-6.1.0-43-amd64-dbg", "6.1.170-1", "linux", ""),
            stanza(
                "linux-image-7.1-amd64",
                "7.1-1",
                "linux",
                "linux-modules-7.1-amd64 (= 7.1-1), linux-binary-7.1-amd64 (= 7.1-1)",
            ),
            stanza("linux-modules-7.1-amd64", "7.1-1", "linux", ""),
            stanza("linux-binary-7.1-amd64", "7.1-1", "linux", ""),
            stanza("linux-source", "6.1.170-1", "linux", "linux-source-6.1"),
            stanza("linux-source-6.1", "6.1.170-1", "linux", "binutils, xz-utils"),
            stanza(
                "xen-system-amd64",
                "4.17.5",
                "xen",
                "xen-hypervisor-common, xen-hypervisor-4.17-amd64, grub",
            ),
            stanza("xen-hypervisor-common", "4.17.5", "xen", ""),
            stanza("xen-hypervisor-4.17-amd64", "4.17.5", "xen", ""),
            stanza("bash", "5", "bash", "libc6"),
        ];
        Packages::read(&stanzas.join("\n")).unwrap()
    }

    fn wanted<'a>(package: &'a str, version: Option<&'a str>) -> Wanted<'a> {
        Wanted { suite: "bookworm", package, version }
    }

    #[test]
    fn a_name_that_leads_to_a_kernel_is_followed() {
        let suite = suite();
        let of = |name, version| suite.kernel(&wanted(name, version)).map(|it| it.name.as_str());
        assert_eq!(of("linux-image-amd64", None).unwrap(), "linux-image-6.1.0-43-amd64");
        assert_eq!(
            of("linux-image-amd64", Some("6.1.164-1")).unwrap(),
            "linux-image-6.1.0-42-amd64"
        );
        assert_eq!(of("linux-image-6.1.0-42-amd64", None).unwrap(), "linux-image-6.1.0-42-amd64");
        let error = of("bash", None).unwrap_err().to_string();
        assert!(error.contains("holds no kernel"), "{error}");
        of("linux-image-6.1.0-43-amd64-dbg", None).unwrap_err();
    }

    #[test]
    fn a_hypervisor_is_found_beside_what_it_has_in_common() {
        let suite = suite();
        let found = suite.kernel(&wanted("xen-hypervisor-4.17-amd64", None)).unwrap();
        assert_eq!(found.name, "xen-hypervisor-4.17-amd64");
        let found = suite.kernel(&wanted("xen-system-amd64", None)).unwrap();
        assert_eq!(found.name, "xen-hypervisor-4.17-amd64");
    }

    #[test]
    fn a_kernel_in_parts_is_taken_whole() {
        let suite = suite();
        let kernel = suite.kernel(&wanted("linux-image-7.1-amd64", None)).unwrap();
        let names: Vec<&str> = suite.parts_of(kernel).iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["linux-modules-7.1-amd64", "linux-binary-7.1-amd64"]);
    }

    #[test]
    fn a_source_tree_is_found() {
        let suite = suite();
        assert_eq!(suite.tree(&wanted("linux-source", None)).unwrap().name, "linux-source-6.1");
        assert_eq!(suite.tree(&wanted("linux-source-6.1", None)).unwrap().version, "6.1.170-1");
        suite.tree(&wanted("linux-image-amd64", None)).unwrap_err();
    }

    #[test]
    fn what_there_is_instead_is_named() {
        let suite = suite();
        let error = suite.kernel(&wanted("linux-image-cloud-arm64", None)).unwrap_err().to_string();
        assert!(error.contains("linux-image-amd64") && !error.contains("-dbg"), "{error}");
        let error = suite.kernel(&wanted("linux-image-amd64", Some("6.1.1-1"))).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("6.1.170-1, 6.1.164-1"), "{error}");
    }
}
