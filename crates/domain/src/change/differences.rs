//! Finds what differs, list by list.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

use super::{
    Bytes, ComponentChange, EntryChange, EntryChangeKind, FieldChange, KernelChange, PackageChange,
    PackageChangeKind, compare_versions,
};
use crate::{
    lock::Part,
    manifest::{BootEntry, BoundKernel, Component, Manifest},
    packages::HeldPackage,
};

/// Each key of either side, in order, with what the sides have under it.
fn paired<'a, T, K: Ord>(
    from: &'a [T],
    to: &'a [T],
    key: impl Fn(&'a T) -> K,
) -> impl Iterator<Item = (Option<&'a T>, Option<&'a T>)> {
    let mut pairs: BTreeMap<K, (Option<&T>, Option<&T>)> = BTreeMap::new();
    for item in from {
        pairs.entry(key(item)).or_default().0 = Some(item);
    }
    for item in to {
        pairs.entry(key(item)).or_default().1 = Some(item);
    }
    pairs.into_values()
}

pub(super) fn packages(from: &[HeldPackage], to: &[HeldPackage]) -> Vec<PackageChange> {
    // An imported rootfs does not say which of its packages came with a kernel.
    let imported = |packages: &[HeldPackage]| packages.iter().any(|it| it.sha256.is_none());
    let one_rootfs = imported(from) || imported(to);
    let part = move |package: &HeldPackage| match package.part {
        Part::Kernel if one_rootfs => Part::Rootfs,
        part => part,
    };
    paired(from, to, |package| (part(package), &package.name))
        .filter_map(|(from, to)| {
            let kind = match (from, to) {
                (None, _) => PackageChangeKind::Added,
                (Some(_), None) => PackageChangeKind::Removed,
                (Some(from), Some(to)) => match compare_versions(&from.version, &to.version) {
                    Ordering::Less => PackageChangeKind::Upgraded,
                    Ordering::Greater => PackageChangeKind::Downgraded,
                    Ordering::Equal if other_bytes(from, to) => PackageChangeKind::Rebuilt,
                    Ordering::Equal => return None,
                },
            };
            let one = to.or(from)?;
            Some(PackageChange {
                part: one.part,
                name: one.name.clone(),
                kind,
                from: from.map(|package| package.version.clone()),
                to: to.map(|package| package.version.clone()),
            })
        })
        .collect()
}

/// Whether two packages of one version are known to differ.
fn other_bytes(from: &HeldPackage, to: &HeldPackage) -> bool {
    from.sha256.zip(to.sha256).is_some_and(|(from, to)| from != to)
}

pub(super) fn kernels(from: &[BoundKernel], to: &[BoundKernel]) -> Vec<KernelChange> {
    paired(from, to, |kernel| &kernel.alias)
        .filter_map(|(from, to)| {
            let alias = to.or(from)?.alias.clone();
            let (from, to) = (
                from.map(|kernel| kernel.release.clone()),
                to.map(|kernel| kernel.release.clone()),
            );
            (from != to).then_some(KernelChange { alias, from, to })
        })
        .collect()
}

pub(super) fn entries(from: &[BootEntry], to: &[BootEntry]) -> Vec<EntryChange> {
    let find = |list: &'_ [BootEntry], label: &str| {
        list.iter().find(|entry| entry.label() == label).map(BootEntry::fields)
    };
    let here =
        to.iter().map(|entry| (entry.label(), find(from, entry.label()), Some(entry.fields())));
    let gone = from
        .iter()
        .filter(|entry| find(to, entry.label()).is_none())
        .map(|entry| (entry.label(), Some(entry.fields()), None));
    here.chain(gone)
        .filter_map(|(label, from, to)| {
            let kind = match (&from, &to) {
                (None, _) => EntryChangeKind::Added,
                (Some(_), None) => EntryChangeKind::Removed,
                (Some(_), Some(_)) => EntryChangeKind::Changed,
            };
            let fields =
                fields(from.as_deref().unwrap_or_default(), to.as_deref().unwrap_or_default());
            (!fields.is_empty()).then(|| EntryChange { label: label.to_owned(), kind, fields })
        })
        .collect()
}

type Field = (&'static str, String);

/// The fields of `from` and `to` that differ, in the order in which they stand.
fn fields(from: &[Field], to: &[Field]) -> Vec<FieldChange> {
    let value = |list: &[Field], name: &str| {
        list.iter().find(|(field, _)| *field == name).map(|(_, value)| value.clone())
    };
    let mut seen = BTreeSet::new();
    to.iter()
        .chain(from)
        .map(|(name, _)| *name)
        .filter(|name| seen.insert(*name))
        .filter_map(|name| field(name, value(from, name), value(to, name)))
        .collect()
}

fn field<T: Display>(name: &str, from: Option<T>, to: Option<T>) -> Option<FieldChange> {
    let text = |value: Option<T>| value.map(|value| value.to_string());
    let (from, to) = (text(from), text(to));
    (from != to).then(|| FieldChange { field: name.to_owned(), from, to })
}

pub(super) fn menu(from: &Manifest, to: &Manifest) -> Vec<FieldChange> {
    // Robots count lines, so the order of the entries that both have is told too.
    let order = |of: &Manifest, other: &Manifest| {
        let both =
            of.entries.iter().map(BootEntry::label).filter(|label| other.entry(label).is_some());
        both.collect::<Vec<_>>().join(", ")
    };
    [
        field("default", Some(&from.default_entry), Some(&to.default_entry)),
        field("timeout_ms", Some(from.timeout_ms), Some(to.timeout_ms)),
        field("order", Some(order(from, to)), Some(order(to, from))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub(super) fn components(from: &[Component], to: &[Component]) -> Vec<ComponentChange> {
    let bytes = |component: Option<&Component>| {
        component.map(|component| Bytes { size: component.size, sha256: component.sha256 })
    };
    paired(from, to, |component| &component.name)
        .filter(|(from, to)| bytes(*from) != bytes(*to))
        .filter_map(|(from, to)| {
            let one = to.or(from)?;
            let (role, name) = (one.role, one.name.clone());
            Some(ComponentChange { role, name, from: bytes(from), to: bytes(to) })
        })
        .collect()
}
