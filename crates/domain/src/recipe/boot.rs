//! Reads the boot menu of a recipe.

use super::{
    Menu, default_timeout,
    entries::{self, EntryLines, Named},
    fields::Fields,
    nearest::hint,
    read::value,
    report::{Placed, Report, quoted},
};
use crate::{
    manifest::BootEntry,
    menu::{self, MOST_ENTRIES, MenuPart, MenuRule},
};

/// How long a menu may wait, in milliseconds.
const TIMEOUT: std::ops::RangeInclusive<u64> = 1000..=600_000;

/// The `[menu]`.
pub(super) fn menu(report: &mut Report, root: &Fields<'_, '_>, named: &Named<'_>) -> Menu {
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
    let (entries, lines) = entries::read(report, &fields, named);
    if fields.has("entries") && entries.is_empty() {
        let line = fields.line_of(report, "entries");
        report.add_absence(
            line,
            "the menu needs an entry; write [[menu.entries]] with label, text and kernel",
        );
    }
    let names_none =
        |label: &&Placed<String>| entries.iter().all(|entry| entry.label() != label.value);
    if let Some(label) = default.as_ref().filter(names_none) {
        let near = hint(&label.value, entries.iter().map(BootEntry::label));
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
        let line = match fault.part {
            MenuPart::Menu => Some(first_too_many),
            // A field that is absent was complained of already.
            MenuPart::Field(entry, field) => lines.get(entry).and_then(|lines| lines.of(field)),
            // Told already, with the label that was meant.
            MenuPart::Default => None,
        };
        if let Some(line) = line {
            report.add(line, fault.to_string());
        }
    }
}
