//! `/releases/:version/contents`: components, entries, packages.

use domain::{
    lock::Part,
    manifest::{BootEntry, Manifest},
    menu::reader::Unread,
    packages::HeldPackage,
    recipe::RootMethod,
    time::human_size,
};
use leptos::prelude::*;

use super::head;
use crate::{
    api::releases::ContentsPage,
    routes::href,
    ui::{copy, empty, page, table},
};

/// The page.
#[must_use]
pub fn show(data: ContentsPage) -> AnyView {
    let ContentsPage { head, manifest, unread, packages, total, search, part } = data;
    let above = head::head(&head, "contents");
    let Some(manifest) = manifest else {
        return view! { {above}{head::incomplete()} }.into_any();
    };
    let name = head.row.release.name();
    view! {
        {above}
        {page::section("Boot entries", entries(&manifest))}
        {(!unread.is_empty()).then(|| page::section("Entries that could not be read", not_read(&unread)))}
        {page::section("Components", components(&manifest))}
        {page::section("Packages", found(&name, &packages, total, &search, part))}
    }
    .into_any()
}

fn entries(manifest: &Manifest) -> AnyView {
    let rows = manifest
        .entries
        .iter()
        .map(|entry| {
            let default = (entry.label() == manifest.default_entry).then_some(" (default)");
            table::row(vec![
                view! { {entry.text().to_owned()}{default} }.into_any(),
                table::code(entry.label().to_owned()),
                entry.kind().title().into_any(),
                starts(manifest, entry),
                arguments(entry),
            ])
        })
        .collect();
    let wait = format!(
        "The menu waits {} s for a key, then boots the default.",
        f64::from(manifest.timeout_ms) / 1000.0
    );
    view! {
        {table::table("Boot entries", &["Menu text", "Label", "Kind", "Starts", "Arguments"], rows)}
        <p class="quiet">{wait}</p>
    }
    .into_any()
}

/// The entries of an imported menu that this release does not have.
fn not_read(unread: &[Unread]) -> AnyView {
    let rows = unread
        .iter()
        .map(|entry| {
            table::row(vec![
                entry.text.clone().into_any(),
                table::code(entry.label.clone()),
                table::number(entry.line.to_string()),
                entry.reason.clone().into_any(),
            ])
        })
        .collect();
    view! {
        <p>"The menu that was imported has these too. No machine can boot them from this release."</p>
        {table::table("Entries that could not be read", &["Menu text", "Label", ">Line", "Why"], rows)}
    }
    .into_any()
}

/// What an entry starts, line by line.
fn starts(manifest: &Manifest, entry: &BootEntry) -> AnyView {
    let bound = |alias: &String| {
        let release = manifest.kernel(alias).map(|bound| bound.release.clone());
        let release = release.map(|release| view! { " = "<code>{release}</code> });
        view! { <code>{alias.clone()}</code>{release} }.into_any()
    };
    let root = |root: RootMethod| match root {
        RootMethod::Http => "rootfs over HTTP".into_any(),
        RootMethod::Nfs(nfs) => {
            let writes = if nfs.writable { "a copy that it may write" } else { "read-only" };
            let direct = if nfs.direct { ", mounted by the kernel without an initrd" } else { "" };
            format!("rootfs over NFS, {writes}{direct}").into_any()
        }
    };
    let lines = match entry {
        BootEntry::Linux { kernel, root: method, .. } => vec![bound(kernel), root(*method)],
        BootEntry::Xen { hypervisor, kernel, root: method, .. } => {
            vec![bound(hypervisor), bound(kernel), root(*method)]
        }
        BootEntry::Installer { kernel, initrd, preseed, .. } => [kernel, initrd]
            .into_iter()
            .chain(preseed)
            .map(|file| table::code(file.clone()))
            .collect(),
        BootEntry::Chain { script, .. } => vec![table::code(script.clone())],
    };
    lines.into_iter().map(|line| view! { <div>{line}</div> }).collect_view().into_any()
}

/// The arguments of each program that an entry starts.
fn arguments(entry: &BootEntry) -> AnyView {
    let lines = entry.arguments().into_iter().filter(|line| !line.is_empty());
    lines.map(|line| view! { <div><code>{line.to_owned()}</code></div> }).collect_view().into_any()
}

fn components(manifest: &Manifest) -> AnyView {
    let rows = manifest
        .components
        .iter()
        .map(|component| {
            table::row(vec![
                table::code(component.name.clone()),
                component.role.word().into_any(),
                table::number(human_size(component.size)),
                copy::digest(&component.sha256, &format!("SHA-256 of {}", component.name)),
            ])
        })
        .collect();
    table::table("Components", &["File", "What it is", ">Size", "SHA-256"], rows)
}

const fn part_words(part: Part) -> (&'static str, &'static str) {
    match part {
        Part::Rootfs => ("rootfs", "rootfs"),
        Part::Kernel => ("kernel", "with the kernel"),
        Part::Initrd => ("initrd", "in the initrd"),
    }
}

fn found(
    name: &str,
    packages: &[HeldPackage],
    total: u32,
    search: &str,
    part: Option<Part>,
) -> AnyView {
    let options: Vec<_> = [Part::Rootfs, Part::Kernel, Part::Initrd]
        .into_iter()
        .map(|one| {
            let (value, words) = part_words(one);
            view! { <option value=value selected=part == Some(one)>{words}</option> }
        })
        .collect();
    let rows: Vec<_> = packages
        .iter()
        .map(|package| {
            table::row(vec![
                table::code(package.name.clone()),
                table::code(package.version.clone()),
                package.architecture.clone().into_any(),
                part_words(package.part).1.into_any(),
                package.origin.clone().into_any(),
                table::number(package.size.map_or_else(|| "–".to_owned(), human_size)),
            ])
        })
        .collect();
    let count = format!("{} of {total} packages", rows.len());
    let list = if rows.is_empty() {
        empty::nothing("No package has that in its name.")
    } else {
        table::table(
            "Packages",
            &["Package", "Version", "Architecture", "Where", "Origin", ">Size of .deb"],
            rows,
        )
    };
    let (action, search) = (href::release_tab(name, "contents"), search.to_owned());
    let spdx = href::release_file(name, "sbom.spdx.json");
    view! {
        <form method="get" action=action class="search" role="search">
            <label for="q">"Name contains"</label>
            <input id="q" name="q" type="search" value=search/>
            <label for="part">"Where"</label>
            <select id="part" name="part"><option value="">"everywhere"</option>{options}</select>
            <button type="submit">"Search"</button>
            <span role="status">{count}</span>
            <a href=spdx rel="external">"All as SPDX"</a>
        </form>
        {list}
    }
    .into_any()
}
