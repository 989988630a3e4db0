//! Packages as dpkg and the archive's index write them (deb822, deb-control(5)).

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    lock::{LockedPackage, Part},
    variant::PackageChange,
};

/// The names of all packages of an archive: `name` in its own suite, `name/suite` in others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageIndex {
    names: BTreeSet<String>,
}

impl PackageIndex {
    pub(crate) fn from_lines(text: &str) -> Self {
        Self { names: text.lines().map(str::to_owned).collect() }
    }

    /// Whether the archive has a package of that name, in its own suite or in the one named.
    #[must_use]
    pub fn contains(&self, name: &str, suite: Option<&str>) -> bool {
        match suite {
            None => self.names.contains(name),
            Some(suite) => self.names.contains(&format!("{name}/{suite}")),
        }
    }
}

pub(crate) fn field<'a>(stanza: &'a str, name: &str) -> Option<&'a str> {
    stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

/// Which suite has each version of each package.
pub(crate) struct Suites<'a> {
    /// The one where nothing else is known.
    own: &'a str,
    others: BTreeMap<(&'a str, &'a str), &'a str>,
}

impl<'a> Suites<'a> {
    /// Reads apt-cache's table (`madison` of apt-cache(8)): `htop | 3.2.2-2 | file:/in/repo
    /// bookworm/main amd64 Packages`. What the own suite has is taken from there.
    pub(crate) fn read(own: &'a str, table: &'a str) -> Self {
        let row = |line| {
            let mut columns = str::split(line, '|').map(str::trim);
            let (name, version, place) = (columns.next()?, columns.next()?, columns.next()?);
            let suite = place.split(' ').nth(1)?.split('/').next()?;
            Some(((name, version), suite))
        };
        let mut others = BTreeMap::new();
        for (package, suite) in table.lines().filter_map(row) {
            if suite == own {
                others.insert(package, suite);
            } else {
                others.entry(package).or_insert(suite);
            }
        }
        Self { own, others }
    }

    fn of(&self, name: &str, version: &str) -> &'a str {
        self.others.get(&(name, version)).copied().unwrap_or(self.own)
    }
}

/// Reads stanzas of an archive's index as packages of one part of a lock; `None` where a stanza
/// lacks a field.
pub(crate) fn locked(stanzas: &str, part: Part, suites: &Suites<'_>) -> Option<Vec<LockedPackage>> {
    stanzas
        .split("\n\n")
        .filter(|stanza| !stanza.trim().is_empty())
        .map(|stanza| {
            let path = field(stanza, "Filename")?;
            // pool/<component>/…
            let component = path.split('/').nth(1).unwrap_or("main");
            let (name, version) = (field(stanza, "Package")?, field(stanza, "Version")?);
            let suite = suites.of(name, version);
            Some(LockedPackage {
                part,
                name: name.to_owned(),
                version: version.to_owned(),
                architecture: field(stanza, "Architecture")?.to_owned(),
                size: field(stanza, "Size")?.parse().ok()?,
                sha256: field(stanza, "SHA256")?.parse().ok()?,
                origin: format!("{suite}/{component}"),
                path: path.to_owned(),
            })
        })
        .collect()
}

/// Name, version and architecture of what dpkg's status says is installed.
pub(crate) fn installed(status: &str) -> BTreeSet<(String, String, String)> {
    status
        .split("\n\n")
        .filter(|stanza| field(stanza, "Status") == Some("install ok installed"))
        .filter_map(|stanza| {
            Some((
                field(stanza, "Package")?.to_owned(),
                field(stanza, "Version")?.to_owned(),
                field(stanza, "Architecture")?.to_owned(),
            ))
        })
        .collect()
}

/// What differs between what is installed and what `packages` name; `None` where nothing does.
pub(crate) fn difference<'a>(
    status: &str,
    packages: impl Iterator<Item = &'a LockedPackage>,
) -> Option<String> {
    let installed = installed(status);
    let locked: BTreeSet<_> =
        packages.map(|it| (it.name.clone(), it.version.clone(), it.architecture.clone())).collect();
    let show =
        |sign: char, it: &(String, String, String)| format!("{sign}{} {} {}", it.0, it.1, it.2);
    let mut differing: Vec<String> =
        locked.difference(&installed).map(|it| show('-', it)).collect();
    differing.extend(installed.difference(&locked).map(|it| show('+', it)));
    differing.truncate(10);
    (!differing.is_empty()).then(|| differing.join(", "))
}

/// Which of some changes are not what dpkg's status says of the system that they were made to; `None`
/// where all are.
pub(crate) fn unexpected(status: &str, changes: &[PackageChange]) -> Option<String> {
    let installed = installed(status);
    let there = |change: &PackageChange| {
        installed
            .iter()
            .find(|(name, _, architecture)| {
                *name == change.name && *architecture == change.architecture
            })
            .map(|(_, version, _)| version)
    };
    let mut differing: Vec<String> = changes
        .iter()
        .filter(|change| there(change) != change.to.as_ref())
        .map(|change| {
            let shown = |version: Option<&String>| version.map_or("none", |it| it).to_owned();
            format!(
                "{} is {}, not {}",
                change.name,
                shown(there(change)),
                shown(change.to.as_ref())
            )
        })
        .collect();
    differing.truncate(10);
    (!differing.is_empty()).then(|| differing.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suite_of_a_version_is_read() {
        let table = "      htop |    3.2.2-2 | file:/in/repo bookworm/main amd64 Packages\n\
            tmux | 3.5-1~bpo12+1 | file:/in/repo bookworm-backports/main amd64 Packages\n\
            curl | 8 | file:/in/repo trixie/main amd64 Packages\n\
            curl | 8 | file:/in/repo bookworm/main amd64 Packages\n";
        let suites = Suites::read("bookworm", table);
        assert_eq!(suites.of("htop", "3.2.2-2"), "bookworm");
        assert_eq!(suites.of("tmux", "3.5-1~bpo12+1"), "bookworm-backports");
        assert_eq!(suites.of("curl", "8"), "bookworm");
        assert_eq!(suites.of("own", "1"), "bookworm");
    }

    #[test]
    fn what_is_installed_is_compared_with_the_lock() {
        let stanza = "Package: a\nVersion: 1\nArchitecture: all\nFilename: pool/main/a/a_1.deb\nSize: 3\n\
            SHA256: ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n\n";
        let locked = locked(stanza, Part::Rootfs, &Suites::read("bookworm", "")).unwrap();
        assert_eq!((locked[0].name.as_str(), locked[0].origin.as_str()), ("a", "bookworm/main"));
        let status = "Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n\
            Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: all\n";
        assert_eq!(difference(status, locked.iter()), None);
        let other = status.replace("Version: 1", "Version: 2");
        assert_eq!(difference(&other, locked.iter()).unwrap(), "-a 1 all, +a 2 all");
        assert!(super::locked("Package: a\n", Part::Rootfs, &Suites::read("x", "")).is_none());
    }
}
