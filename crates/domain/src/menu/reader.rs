//! Reads the menu of a pxe-server: an iPXE script whose entries become boot entries of a release.
//!
//! Such a script has a frame of `item` lines, and below it one piece per label: `set`, `kernel`,
//! `module`, `initrd`, and `boot`, `chain` or `shell`. Each piece is followed word by word as iPXE
//! would, but only through what leads to the same boot on every machine; an entry behind anything
//! else is listed with the reason why it could not be read, and nobody has to guess.
//!
//! An entry with the rootfs over NFS becomes one with the rootfs over HTTP: the arguments that our
//! own initrd takes the place of are left out.

mod boots;
mod script;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use self::{
    boots::Surroundings,
    script::{Ending, Script, Variables},
};
use super::{MenuPart, SHELL_LABEL, check_menu};
use crate::{kernel::Flavor, manifest::BootEntry};

/// How long a menu text may be, in bytes.
pub const LONGEST_MENU: usize = 256 * 1024;
/// How many items are looked at: what comes after them is beyond any screen.
const MOST_ITEMS: usize = 200;
/// How long a menu waits where it does not say so, in milliseconds.
const TIMEOUT_MS: u32 = 3000;

/// What a menu's text was read as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMenu {
    /// The entries that a release can boot, in the menu's order.
    pub entries: Vec<BootEntry>,
    /// Those that could not be read, in the menu's order.
    pub unread: Vec<Unread>,
    /// Label of the entry that an unattended machine boots: what `choose` names, or the first that
    /// could be read. Empty where none could be.
    pub default: String,
    /// How long the menu waits for a key, in milliseconds.
    pub timeout_ms: u32,
}

/// An entry of a menu that no release can boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Unread {
    /// Its label.
    pub label: String,
    /// What the menu shows.
    pub text: String,
    /// The line that makes it unreadable, from 1.
    pub line: u32,
    /// Why it cannot be read, in one sentence.
    pub reason: String,
}

/// An `item` of the menu.
struct Item {
    label: String,
    text: String,
    line: u32,
}

/// Reads a menu. `kernels` are the aliases that the release will have, and what each stands for:
/// an entry that starts another kernel of the old server cannot be read.
#[must_use]
pub fn read(text: &str, kernels: &BTreeMap<String, Flavor>) -> ReadMenu {
    let script = Script::read(text);
    let frame = frame(&script);
    let ran: Vec<(Item, Result<Ending, Unreadable>)> = frame
        .items
        .into_iter()
        .map(|item| {
            let ran = script.run(&item.label, item.line, frame.variables.clone());
            (item, ran)
        })
        .collect();
    let surroundings = Surroundings::of(ran.iter().filter_map(|(_, ran)| ran.as_ref().ok()));
    let mut entries: Vec<BootEntry> = Vec::new();
    let mut unread = Vec::new();
    for (item, ran) in ran {
        let read = ran.and_then(|ending| {
            let line = ending.line();
            boots::entry(&item.label, &item.text, ending, &surroundings, kernels)
                .and_then(|entry| fits(&entries, entry))
                .map_err(|reason| Unreadable { line, reason })
        });
        match read {
            Ok(entry) => entries.push(entry),
            Err(Unreadable { line, reason }) => {
                unread.push(Unread { label: item.label, text: item.text, line, reason });
            }
        }
    }
    let named = frame.default.filter(|it| entries.iter().any(|entry| entry.label() == it));
    let first = || entries.first().map(|entry| entry.label().to_owned());
    let default = named.or_else(first).unwrap_or_default();
    ReadMenu { entries, unread, default, timeout_ms: frame.timeout_ms }
}

/// Why an entry cannot be read, and the line that makes it so.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unreadable {
    line: u32,
    reason: String,
}

/// Whether an entry can stand in our menu behind those that were read before.
fn fits(before: &[BootEntry], entry: BootEntry) -> Result<BootEntry, String> {
    let menu: Vec<&BootEntry> = before.iter().chain([&entry]).collect();
    let faults = check_menu(menu.iter().copied(), entry.label());
    match faults.into_iter().find(|fault| fault.part != MenuPart::Default) {
        Some(fault) => Err(fault.to_string()),
        None => Ok(entry),
    }
}

/// What stands above the pieces.
struct Frame {
    items: Vec<Item>,
    default: Option<String>,
    timeout_ms: u32,
    variables: Variables,
}

/// Reads everything up to `choose`; without it, the items of the whole script.
fn frame(script: &Script) -> Frame {
    let mut frame = Frame {
        items: Vec::new(),
        default: None,
        timeout_ms: TIMEOUT_MS,
        variables: Variables::default(),
    };
    for command in script.commands() {
        match command.name() {
            "set" => frame.variables.set(command),
            "item" if frame.items.len() < MOST_ITEMS => {
                frame.items.extend(item(command.number, command.after_name(), &frame.variables));
            }
            "choose" => {
                let option = |names: [&str; 2]| command.option(names);
                frame.default = option(["--default", "-d"]);
                frame.timeout_ms = option(["--timeout", "-t"])
                    .and_then(|number| number.parse().ok())
                    .filter(|number| (1000..=600_000).contains(number))
                    .unwrap_or(TIMEOUT_MS);
                break;
            }
            _ => {}
        }
    }
    frame
}

/// `item [--key k] <label> <text>`; a gap and the shell are no entries.
fn item(line: u32, rest: &str, variables: &Variables) -> Option<Item> {
    let mut rest = rest.trim_start();
    while rest.starts_with('-') {
        let (option, after) = rest.split_once(char::is_whitespace)?;
        rest = after.trim_start();
        match option {
            "--gap" | "-g" => return None,
            "--key" | "-k" | "--menu" | "-m" => {
                rest = rest.split_once(char::is_whitespace)?.1.trim_start();
            }
            _ => {}
        }
    }
    let (label, text) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let (label, text) = (variables.expand(label), variables.expand(text.trim()));
    (!label.is_empty() && label != SHELL_LABEL).then_some(Item { label, text, line })
}
