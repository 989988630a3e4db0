//! What changes between two releases: what an approver has to look at.

mod deb_version;
mod differences;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::deb_version::compare_versions;
use crate::{
    digest::Digest,
    lock::Part,
    manifest::{ComponentRole, Manifest},
    packages::HeldPackage,
    version::TargetVersion,
};

/// Everything in which one release differs from another; all lists leave out what is the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReleaseChange {
    /// The target version, where it differs.
    pub version: Option<VersionChange>,
    /// Packages, ordered by part and name.
    pub packages: Vec<PackageChange>,
    /// What aliases stand for, ordered by alias.
    pub kernels: Vec<KernelChange>,
    /// Boot entries: first those of the new menu in its order, then those that went.
    pub entries: Vec<EntryChange>,
    /// The menu besides its entries: `default`, `timeout_ms`, `order`.
    pub menu: Vec<FieldChange>,
    /// Files of the release, ordered by name.
    pub components: Vec<ComponentChange>,
}

/// Another target version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct VersionChange {
    /// That of the former release; `None` where there is none.
    pub from: Option<TargetVersion>,
    /// That of the new release.
    pub to: TargetVersion,
}

/// A package that came, went or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct PackageChange {
    /// Which step uses it.
    pub part: Part,
    /// Package name.
    pub name: String,
    /// How it changed.
    pub kind: PackageChangeKind,
    /// Former version; `None` where the package is new.
    pub from: Option<String>,
    /// New version; `None` where the package went.
    pub to: Option<String>,
}

/// How a package changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum PackageChangeKind {
    /// Is new.
    Added,
    /// Went.
    Removed,
    /// Has a later version.
    Upgraded,
    /// Has an earlier version.
    Downgraded,
    /// Has the same version and other bytes.
    Rebuilt,
}

impl PackageChangeKind {
    /// All kinds, in the order in which pages show them.
    pub const ALL: [Self; 5] =
        [Self::Added, Self::Removed, Self::Upgraded, Self::Downgraded, Self::Rebuilt];

    /// The word used in pages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Upgraded => "upgraded",
            Self::Downgraded => "downgraded",
            Self::Rebuilt => "rebuilt",
        }
    }
}

/// An alias that stands for another kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct KernelChange {
    /// The stable name.
    pub alias: String,
    /// What `uname -r` printed; `None` where the alias is new.
    pub from: Option<String>,
    /// What `uname -r` prints; `None` where the alias went.
    pub to: Option<String>,
}

/// A boot entry that came, went or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct EntryChange {
    /// The stable name.
    pub label: String,
    /// How it changed.
    pub kind: EntryChangeKind,
    /// Its fields: all of a new or lost entry, the changed ones of another.
    pub fields: Vec<FieldChange>,
}

/// How a boot entry changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum EntryChangeKind {
    /// Is new.
    Added,
    /// Went.
    Removed,
    /// Has other fields.
    Changed,
}

/// A field with another value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FieldChange {
    /// Its name, as the recipe spells it.
    pub field: String,
    /// Former value; `None` where there was none.
    pub from: Option<String>,
    /// New value; `None` where there is none.
    pub to: Option<String>,
}

/// A file that came, went or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ComponentChange {
    /// What it is for.
    pub role: ComponentRole,
    /// File name.
    pub name: String,
    /// Former size and digest; `None` where the file is new.
    pub from: Option<Bytes>,
    /// New size and digest; `None` where the file went.
    pub to: Option<Bytes>,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Bytes {
    /// Length in bytes.
    pub size: u64,
    /// SHA-256.
    pub sha256: Digest,
}

/// How many things changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Counts {
    /// Packages that are new.
    pub added: usize,
    /// Packages that went.
    pub removed: usize,
    /// Packages with a later version.
    pub upgraded: usize,
    /// Packages with an earlier version.
    pub downgraded: usize,
    /// Packages with the same version and other bytes.
    pub rebuilt: usize,
    /// Aliases that stand for another kernel.
    pub kernels: usize,
    /// Boot entries and fields of the menu.
    pub entries: usize,
    /// Files.
    pub components: usize,
}

/// Compares the release `to` with the release `from`, or with nothing: what they consist of, and
/// their packages.
#[must_use]
pub fn compare(
    from: Option<(&Manifest, &[HeldPackage])>,
    to: (&Manifest, &[HeldPackage]),
) -> ReleaseChange {
    let (manifest, packages) = to;
    let former = from.map(|(manifest, _)| manifest);
    let version =
        (former.map(|former| &former.version) != Some(&manifest.version)).then(|| VersionChange {
            from: former.map(|former| former.version.clone()),
            to: manifest.version.clone(),
        });
    ReleaseChange {
        version,
        packages: differences::packages(from.map_or(&[], |(_, packages)| packages), packages),
        kernels: differences::kernels(
            former.map_or(&[], |former| &former.kernels),
            &manifest.kernels,
        ),
        entries: differences::entries(
            former.map_or(&[], |former| &former.entries),
            &manifest.entries,
        ),
        menu: former.map(|former| differences::menu(former, manifest)).unwrap_or_default(),
        components: differences::components(
            former.map_or(&[], |former| &former.components),
            &manifest.components,
        ),
    }
}

impl ReleaseChange {
    /// Whether nothing differs at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.version.is_none()
            && self.packages.is_empty()
            && self.kernels.is_empty()
            && self.entries.is_empty()
            && self.menu.is_empty()
            && self.components.is_empty()
    }

    /// How many things changed.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let of = |kind| self.packages.iter().filter(|package| package.kind == kind).count();
        Counts {
            added: of(PackageChangeKind::Added),
            removed: of(PackageChangeKind::Removed),
            upgraded: of(PackageChangeKind::Upgraded),
            downgraded: of(PackageChangeKind::Downgraded),
            rebuilt: of(PackageChangeKind::Rebuilt),
            kernels: self.kernels.len(),
            entries: self.entries.len() + self.menu.len(),
            components: self.components.len(),
        }
    }

    /// The counts in one line: `packages: 2 added, 1 upgraded; 1 kernel; 3 files`, or `no change`.
    #[must_use]
    pub fn summary(&self) -> String {
        let counts = self.counts();
        let packages: Vec<String> = [
            (counts.added, "added"),
            (counts.removed, "removed"),
            (counts.upgraded, "upgraded"),
            (counts.downgraded, "downgraded"),
            (counts.rebuilt, "rebuilt"),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
        let mut parts = Vec::new();
        if !packages.is_empty() {
            parts.push(format!("packages: {}", packages.join(", ")));
        }
        let others = [
            (counts.kernels, "kernel", "kernels"),
            (counts.entries, "menu change", "menu changes"),
            (counts.components, "file", "files"),
        ];
        for (count, one, many) in others.into_iter().filter(|(count, ..)| *count > 0) {
            parts.push(format!("{count} {}", if count == 1 { one } else { many }));
        }
        match (&self.version, parts.is_empty()) {
            (_, false) => parts.join("; "),
            (Some(_), true) => "only the version".to_owned(),
            (None, true) => "no change".to_owned(),
        }
    }
}
