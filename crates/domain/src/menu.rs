//! The rules of a boot menu (DESIGN.md §6): lab robots read it from a serial console.
//!
//! A robot reads lines until the header, then until the footer, looks for the first line that
//! holds the text of the entry it wants, counts the lines from `ipxe shell` to it, and presses
//! arrow-down that often. So the frame is fixed, everything fits on one screen, and no text may
//! hide inside an earlier line. And whatever a recipe says ends up in an iPXE script: nothing in
//! it may become a command of its own.
//!
//! The same rules are applied when a recipe is saved and once more when a script is written.

#[cfg(test)]
mod tests;
mod text;

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use self::text::{check_arguments, check_file_name, check_label, check_text};
use crate::{manifest::BootEntry, recipe::Entry};

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

/// What the rules look at in an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MenuItem<'a> {
    /// Stable name.
    pub label: &'a str,
    /// What the menu shows.
    pub text: &'a str,
    /// Kernel arguments of the recipe.
    pub arguments: &'a str,
}

impl<'a> From<&'a Entry> for MenuItem<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self { label: &entry.label, text: &entry.text, arguments: &entry.arguments }
    }
}

impl<'a> From<&'a BootEntry> for MenuItem<'a> {
    fn from(entry: &'a BootEntry) -> Self {
        match entry {
            BootEntry::Linux { label, text, arguments, .. } => Self { label, text, arguments },
        }
    }
}

/// The part of a menu that a fault is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "part", content = "entry", rename_all = "lowercase")]
pub enum MenuPart {
    /// The menu as a whole.
    Menu,
    /// `menu.default`.
    Default,
    /// The label of the entry of that index, from 0.
    Label(usize),
    /// The text of the entry of that index, from 0.
    Text(usize),
    /// The arguments of the entry of that index, from 0.
    Arguments(usize),
}

impl MenuPart {
    /// Index of the entry that the part belongs to.
    #[must_use]
    pub const fn entry(self) -> Option<usize> {
        match self {
            Self::Menu | Self::Default => None,
            Self::Label(entry) | Self::Text(entry) | Self::Arguments(entry) => Some(entry),
        }
    }
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
    /// A name that cannot stand in a URL and a script as it is.
    #[error(
        "\"{0}\" is no file name of a release: they have letters, digits, \".\", \"_\", \"+\", \"-\" and start with a letter or digit"
    )]
    NoFileName(String),
}

/// Every fault of a menu, in the order of its entries; none where robots and iPXE will read it as
/// it is meant.
#[must_use]
pub fn check_menu<'a, I>(entries: I, default: &str) -> Vec<MenuFault>
where
    I: IntoIterator,
    I::Item: Into<MenuItem<'a>>,
{
    let items: Vec<MenuItem<'a>> = entries.into_iter().map(Into::into).collect();
    let mut faults = Vec::new();
    let mut fault = |part, rule| faults.push(MenuFault { part, rule });
    if items.len() > MOST_ENTRIES {
        fault(MenuPart::Menu, MenuRule::TooManyEntries(items.len()));
    }
    for (index, item) in items.iter().enumerate() {
        let earlier = &items[..index];
        if let Err(rule) = check_label(item.label) {
            fault(MenuPart::Label(index), rule);
        } else if earlier.iter().any(|other| other.label == item.label) {
            fault(MenuPart::Label(index), MenuRule::LabelTwice(item.label.to_owned()));
        }
        if let Err(rule) = check_text(item.text) {
            fault(MenuPart::Text(index), rule);
        } else if let Some(line) = [HEADER, SHELL_TEXT]
            .into_iter()
            .chain(earlier.iter().map(|other| other.text))
            .find(|line| line.contains(item.text))
        {
            let (text, earlier) = (item.text.to_owned(), line.to_owned());
            fault(MenuPart::Text(index), MenuRule::HiddenText { text, earlier });
        }
        if let Err(rule) = check_arguments(item.arguments) {
            fault(MenuPart::Arguments(index), rule);
        }
    }
    if items.iter().all(|item| item.label != default) {
        fault(MenuPart::Default, MenuRule::UnknownDefault(default.chars().take(80).collect()));
    }
    faults
}
