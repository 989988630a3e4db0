//! Reads what a recipe boots: kernels and the menu.

use std::collections::BTreeMap;

use super::{
    Entry, Kernel, Menu, RootMethod, default_timeout,
    fields::Fields,
    nearest::hint,
    read::{check, no_twins, value},
    report::{Placed, Report, quoted},
    syntax,
};
use crate::menu::{self, MOST_ENTRIES, MenuPart, MenuRule};

/// How long a menu may wait, in milliseconds.
const TIMEOUT: std::ops::RangeInclusive<u64> = 1000..=600_000;

/// All `[[kernels]]`; `packages` are those that the rootfs has anyway.
pub(super) fn kernels(
    report: &mut Report,
    root: &Fields<'_, '_>,
    packages: &[Placed<String>],
) -> Vec<Kernel> {
    let example =
        "[[kernels]] with alias = \"vmlinuz-6.1.y\" and package = \"linux-image-cloud-amd64\"";
    root.require(report, "kernels", example);
    let (mut aliases, mut named) = (Vec::new(), Vec::new());
    let mut kernels = Vec::new();
    let tables = root.tables(report, "kernels");
    if root.has("kernels") && tables.is_empty() {
        let line = root.line_of(report, "kernels");
        report.add_absence(line, format!("a recipe needs a kernel; write {example}"));
    }
    for table in tables {
        let keys = ["alias", "package"];
        let kernel = Fields::new(report, table.value, table.line, "a kernel", &keys);
        let alias = kernel.required(report, "alias", "alias = \"vmlinuz-6.1.y\"");
        let package = kernel.required(report, "package", "package = \"linux-image-cloud-amd64\"");
        if let Some(alias) = &alias {
            check(report, alias, syntax::alias);
        }
        if let Some(package) = &package {
            check(report, package, syntax::package);
        }
        aliases.extend(alias.clone());
        named.extend(package.clone());
        kernels.push(Kernel { alias: value(alias), package: value(package) });
    }
    no_twins(report, &aliases, "alias");
    no_twins(report, &named, "kernel package");
    let kernel_lines: BTreeMap<&str, u32> =
        named.iter().map(|package| (package.value.as_str(), package.line)).collect();
    for package in packages {
        if let Some(line) = kernel_lines.get(package.value.as_str()) {
            let message = format!(
                "{} comes with the kernel of line {line} already; take it out of \"packages\"",
                quoted(&package.value)
            );
            report.add(package.line, message);
        }
    }
    kernels
}

/// Where a menu entry and its parts stand; a part that is absent was complained of already.
struct EntryLines {
    table: u32,
    label: Option<u32>,
    text: Option<u32>,
    arguments: Option<u32>,
}

/// The `[menu]`.
pub(super) fn menu(report: &mut Report, root: &Fields<'_, '_>, kernels: &[Kernel]) -> Menu {
    let nothing =
        Menu { default: String::new(), timeout_ms: default_timeout(), entries: Vec::new() };
    root.require(
        report,
        "menu",
        "[menu] with default = \"<label of an entry>\" and [[menu.entries]]",
    );
    let Some(table) = root.table(report, "menu") else { return nothing };
    let keys = ["default", "timeout_ms", "entries"];
    let fields = Fields::new(report, table.value, table.line, "the menu", &keys);
    let default = fields.required(report, "default", "default = \"<label of an entry>\"");
    let timeout = fields.number(report, "timeout_ms");
    if let Some(timeout) = timeout.as_ref().filter(|timeout| !TIMEOUT.contains(&timeout.value)) {
        let message =
            format!("the menu waits 1000 to 600000 milliseconds for a key, not {}", timeout.value);
        report.add(timeout.line, message);
    }
    fields.require(report, "entries", "[[menu.entries]] with label, text and kernel");
    let (entries, lines) = entries(report, &fields, kernels);
    if fields.has("entries") && entries.is_empty() {
        let line = fields.line_of(report, "entries");
        report.add_absence(
            line,
            "the menu needs an entry; write [[menu.entries]] with label, text and kernel",
        );
    }
    let names_none =
        |label: &&Placed<String>| entries.iter().all(|entry| entry.label != label.value);
    if let Some(label) = default.as_ref().filter(names_none) {
        let near = hint(&label.value, entries.iter().map(|entry| entry.label.as_str()));
        let message = if near.is_empty() {
            format!(
                "no entry of the menu has the label {}; write the label of one",
                quoted(&label.value)
            )
        } else {
            format!("no entry of the menu has the label {}{near}", quoted(&label.value))
        };
        report.add_absence(label.line, message);
    }
    let menu = Menu {
        default: value(default),
        timeout_ms: timeout
            .and_then(|timeout| u32::try_from(timeout.value).ok())
            .unwrap_or_else(default_timeout),
        entries,
    };
    check_menu(report, &menu, &lines);
    menu
}

fn entries(
    report: &mut Report,
    menu: &Fields<'_, '_>,
    kernels: &[Kernel],
) -> (Vec<Entry>, Vec<EntryLines>) {
    let (mut entries, mut lines) = (Vec::new(), Vec::new());
    for table in menu.tables(report, "entries") {
        let keys = ["label", "text", "kernel", "root", "arguments"];
        let entry = Fields::new(report, table.value, table.line, "a menu entry", &keys);
        let label = entry.required(report, "label", "label = \"deb-netboot-6.1.y\"");
        let text = entry.required(report, "text", "text = \"Debian stable netboot 6.1.y\"");
        let kernel = entry.required(report, "kernel", "kernel = \"<alias of a kernel>\"");
        let arguments = entry.text(report, "arguments");
        let root = entry.text(report, "root");
        if let Some(root) = root.filter(|root| root.value != "http") {
            let message = format!(
                "a rootfs comes by \"http\" so far, not {}; write root = \"http\"",
                quoted(&root.value)
            );
            report.add(root.line, message);
        }
        let unknown =
            |kernel: &&Placed<String>| kernels.iter().all(|known| known.alias != kernel.value);
        if let Some(kernel) = kernel.as_ref().filter(unknown) {
            let aliases: Vec<&str> = kernels.iter().map(|known| known.alias.as_str()).collect();
            let near = hint(&kernel.value, aliases.iter().copied());
            let more =
                if near.is_empty() { "; write the alias of one of [[kernels]]" } else { &near };
            let message = format!("no kernel has the alias {}{more}", quoted(&kernel.value));
            report.add_absence(kernel.line, message);
        }
        let line = |placed: &Option<Placed<String>>| placed.as_ref().map(|placed| placed.line);
        lines.push(EntryLines {
            table: table.line,
            label: line(&label),
            text: line(&text),
            arguments: line(&arguments),
        });
        entries.push(Entry {
            label: value(label),
            text: value(text),
            kernel: value(kernel),
            root: RootMethod::Http,
            arguments: value(arguments),
        });
    }
    (entries, lines)
}

/// The rules by which robots and iPXE read the menu.
fn check_menu(report: &mut Report, menu: &Menu, lines: &[EntryLines]) {
    let count = menu.entries.len();
    let first_too_many = lines.get(MOST_ENTRIES).map_or(0, |lines| lines.table);
    if count > MOST_ENTRIES * 4 {
        // Each entry is compared with all before it: for a hostile menu that would take long.
        report.add(first_too_many, MenuRule::TooManyEntries(count).to_string());
        return;
    }
    for fault in menu::check_menu(&menu.entries, &menu.default) {
        let of = |entry: usize| lines.get(entry);
        let line = match fault.part {
            MenuPart::Menu => Some(first_too_many),
            MenuPart::Label(entry) => of(entry).and_then(|lines| lines.label),
            MenuPart::Text(entry) => of(entry).and_then(|lines| lines.text),
            MenuPart::Arguments(entry) => of(entry).and_then(|lines| lines.arguments),
            // Told already, with the label that was meant.
            MenuPart::Default => None,
        };
        if let Some(line) = line {
            report.add(line, fault.to_string());
        }
    }
}
