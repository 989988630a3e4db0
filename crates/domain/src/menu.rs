//! The rules of a boot menu (DESIGN.md §6): lab robots read it from a serial console.
//!
//! A robot reads lines until the header, then until the footer, looks for the first line that
//! holds the text of the entry it wants, counts the lines from `ipxe shell` to it, and presses
//! arrow-down that often. So the frame is fixed, everything fits on one screen, and no text may
//! hide inside an earlier line. And whatever a recipe says ends up in an iPXE script: nothing in
//! it may become a command of its own.
//!
//! The same rules are applied when a recipe is saved and once more when a script is written.

pub mod reader;
#[cfg(test)]
mod tests;
mod text;

use thiserror::Error;

pub use self::text::{check_arguments, check_file_name, check_label, check_text, check_url};
use crate::manifest::{BootEntry, EntryKind};

/// The line above the entries.
pub const HEADER: &str = "---------------- iPXE boot menu ----------------";
/// The line below the entries.
pub const FOOTER: &str = "------------ iPXE boot menu end ----------------";
/// The label of the first entry, which is always there.
pub const SHELL_LABEL: &str = "shell";
/// The text of the first entry, which is always there.
pub const SHELL_TEXT: &str = "ipxe shell";
/// How many lines iPXE shows on an 80×24 screen without scrolling.
pub const MOST_LINES: usize = 19;
/// How many entries a menu may have: the lines without header, shell and footer.
pub const MOST_ENTRIES: usize = MOST_LINES - 3;
/// How long a text may be: iPXE cuts at 74 and writes its countdown over the end.
pub const LONGEST_MENU_TEXT: usize = 70;
/// How long a label may be.
pub const LONGEST_LABEL: usize = 60;
/// How long the arguments may be: with ours they must fit into the 2048 bytes that Linux takes.
pub const LONGEST_ARGUMENTS: usize = 1024;

/// How long the command lines of a multiboot entry may be together, in bytes: iPXE keeps them and
/// the URLs of what is loaded in 512 (`MB_MAX_CMDLINE` of its multiboot.c) and cuts the rest off.
pub const MULTIBOOT_COMMAND_LINES: usize = 512;
/// How long both arguments of a Xen entry may be together: the rest of
/// [`MULTIBOOT_COMMAND_LINES`] is what our own scripts put there.
pub const LONGEST_XEN_ARGUMENTS: usize = 160;
/// How long the URL of an entry may be.
pub const LONGEST_URL: usize = 500;

/// The part of a menu that a fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MenuPart {
    /// The menu as a whole.
    Menu,
    /// `menu.default`.
    Default,
    /// The field of the entry of that index, from 0, by the name that a recipe uses.
    Field(usize, &'static str),
}

/// What is wrong with a menu, and where. The message is a sentence for the author of the recipe.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{rule}")]
pub struct MenuFault {
    /// Where.
    pub part: MenuPart,
    /// Which rule is broken.
    pub rule: MenuRule,
}

/// A rule of menus that is broken.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MenuRule {
    /// More entries than one screen shows.
    #[error(
        "the menu has {0} entries, and one screen shows {MOST_ENTRIES} besides \"ipxe shell\": robots cannot scroll; take some out"
    )]
    TooManyEntries(usize),
    /// The default names no entry.
    #[error("no entry of the menu has the label \"{0}\"; write the label of one")]
    UnknownDefault(String),
    /// Two entries have the same label.
    #[error("the label \"{0}\" stands on an earlier entry already; labels are unique")]
    LabelTwice(String),
    /// The label is not written as labels are.
    #[error(
        "\"{0}\" is no label: they have 1 to {LONGEST_LABEL} of a-z, 0-9, \".\", \"_\", \"-\" and start with a letter or digit, such as \"deb-netboot-6.1.y\""
    )]
    NoLabel(String),
    /// The label is one that the menu's own script uses.
    #[error("the label \"{0}\" belongs to the menu itself; take another")]
    ReservedLabel(String),
    /// The text is empty, or has no letter.
    #[error(
        "the text \"{0}\" has no letter, so robots could not tell it from a countdown; write words"
    )]
    NoWords(String),
    /// The text would be cut.
    #[error("the text has {0} characters, and iPXE shows {LONGEST_MENU_TEXT}; shorten it")]
    TextTooLong(usize),
    /// The text begins or ends with a space.
    #[error("the text begins or ends with a space, which nobody sees on the screen; take it off")]
    OuterSpace,
    /// The text occurs inside an earlier line, where a robot would find it first.
    #[error(
        "the text \"{text}\" occurs inside the earlier line \"{earlier}\": a robot that takes the first line with it would boot the wrong one; move this entry before that line or change the text"
    )]
    HiddenText {
        /// The text.
        text: String,
        /// The line before it that holds it.
        earlier: String,
    },
    /// The text holds words by which robots find the frame.
    #[error("the text holds \"{0}\", by which robots find the menu's own lines; word it otherwise")]
    FrameText(&'static str),
    /// A character that cannot be sent to a serial console or would end the line.
    #[error(
        "{0:?} cannot stand here: only printable ASCII reaches a serial console unchanged; take it out"
    )]
    BadCharacter(char),
    /// Something that iPXE would take for a command of its own.
    #[error("{0} cannot stand here: iPXE would not take it as plain text; take it out")]
    IpxeSyntax(&'static str),
    /// An argument that Bootwright sets itself.
    #[error("the argument \"{0}\" is set by Bootwright itself; take it out")]
    OwnArgument(String),
    /// More arguments than fit.
    #[error("the arguments have {0} characters, and {LONGEST_ARGUMENTS} fit; shorten them")]
    ArgumentsTooLong(usize),
    /// More arguments than fit for Xen and dom0 together.
    #[error(
        "the arguments of hypervisor and dom0 have {0} characters together, and {LONGEST_XEN_ARGUMENTS} fit: iPXE cuts the command lines of what it starts by multiboot; shorten them"
    )]
    XenArgumentsTooLong(usize),
    /// No URL that iPXE can load from.
    #[error(
        "\"{0}\" is no address that iPXE can load: write a whole URL that begins with http:// or https:// and has no user, password or space in it"
    )]
    NoUrl(String),
    /// A name that cannot stand in a URL and a script as it is.
    #[error(
        "\"{0}\" is no file name of a release: they have letters, digits, \".\", \"_\", \"+\", \"~\", \"-\" and start with a letter or digit"
    )]
    NoFileName(String),
}

/// Every fault of a menu, in the order of its entries; none where robots and iPXE will read it as
/// it is meant.
#[must_use]
pub fn check_menu<'a>(
    entries: impl IntoIterator<Item = &'a BootEntry>,
    default: &str,
) -> Vec<MenuFault> {
    let entries: Vec<&BootEntry> = entries.into_iter().collect();
    let mut faults = Vec::new();
    if entries.len() > MOST_ENTRIES {
        let rule = MenuRule::TooManyEntries(entries.len());
        faults.push(MenuFault { part: MenuPart::Menu, rule });
    }
    for (index, entry) in entries.iter().enumerate() {
        let earlier = &entries[..index];
        let mut fault = |field, rule| {
            faults.push(MenuFault { part: MenuPart::Field(index, field), rule });
        };
        if let Err(rule) = check_label(entry.label()) {
            fault("label", rule);
        } else if earlier.iter().any(|other| other.label() == entry.label()) {
            fault("label", MenuRule::LabelTwice(entry.label().to_owned()));
        }
        let text = entry.text();
        if let Err(rule) = check_text(text) {
            fault("text", rule);
        } else if let Some(line) = [HEADER, SHELL_TEXT]
            .into_iter()
            .chain(earlier.iter().map(|other| other.text()))
            .find(|line| line.contains(text))
        {
            let (text, earlier) = (text.to_owned(), line.to_owned());
            fault("text", MenuRule::HiddenText { text, earlier });
        }
        for (field, rule) in check_boots(entry) {
            fault(field, rule);
        }
    }
    if entries.iter().all(|entry| entry.label() != default) {
        let rule = MenuRule::UnknownDefault(default.chars().take(80).collect());
        faults.push(MenuFault { part: MenuPart::Default, rule });
    }
    faults
}

/// What is wrong with what an entry boots, by the fields that a recipe uses.
#[must_use]
pub fn check_boots(entry: &BootEntry) -> Vec<(&'static str, MenuRule)> {
    let mut faults: Vec<(&'static str, MenuRule)> = entry
        .fields()
        .iter()
        .filter_map(|(name, value)| {
            let foreign = !entry.kind().boots_rootfs();
            let checked = match *name {
                "arguments" | "hypervisor_arguments" => check_arguments(value),
                "script" | "initrd" => check_url(value),
                "kernel" if foreign => check_url(value),
                "preseed" => check_file_name(value),
                _ => Ok(()),
            };
            checked.err().map(|rule| (*name, rule))
        })
        .collect();
    let length = entry.arguments().iter().map(|it| it.len()).sum();
    if entry.kind() == EntryKind::Xen && faults.is_empty() && length > LONGEST_XEN_ARGUMENTS {
        faults.push(("arguments", MenuRule::XenArgumentsTooLong(length)));
    }
    faults
}
