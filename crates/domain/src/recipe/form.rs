//! A recipe as a form: the same recipe as its text, in fields that people fill in.
//!
//! The text stays the recipe; the form is a way to read and to change it. [`read`] gives the values
//! of a text, [`apply`] writes values into a text and leaves every byte alone that they do not
//! concern: comments, order, blank lines, ways of quoting. [`step`] brings the two together where
//! both were changed.
//!
//! What there is to fill in stands in one table ([`Group::fields`]); reading, writing, comparing and
//! the names of the fields of a page all follow it. A value is always the text that its control
//! holds ([`Kind`]), faults and all: judging is the work of [`super::parse`].

mod apply;
mod kind;
mod list;
mod names;
mod pair;
mod place;
#[cfg(test)]
mod properties;
mod quote;
mod read;
mod rows;
mod splice;
mod step;
#[cfg(test)]
mod tests;

use thiserror::Error;

pub use self::{
    apply::apply,
    kind::Kind,
    names::{Malformed, field_name, from_fields, to_fields},
    read::read,
    step::{Latest, Seen, step},
};
use super::Problem;

/// Fields that stand together in the text: the recipe's own, a table, or a list of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Suite, components, mirror, packages, issue.
    System,
    /// `[[users]]`
    Users,
    /// `[[files]]`
    Files,
    /// `[services]`
    Services,
    /// `[playbook]`
    Playbook,
    /// `[script]`
    Script,
    /// `[[kernels]]`
    Kernels,
    /// `[[preseeds]]`
    Preseeds,
    /// `[menu]`
    Menu,
    /// `[[menu.entries]]`
    Entries,
}

/// A field of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its key in the text.
    pub key: &'static str,
    /// What its control holds.
    pub kind: Kind,
    /// Whether the key stays in the text where the control is empty.
    pub needed: bool,
}

const fn needed(key: &'static str, kind: Kind) -> Field {
    Field { key, kind, needed: true }
}

const fn optional(key: &'static str, kind: Kind) -> Field {
    Field { key, kind, needed: false }
}

impl Group {
    /// All groups in the order in which a recipe has them.
    pub const ALL: [Self; 10] = [
        Self::System,
        Self::Users,
        Self::Files,
        Self::Services,
        Self::Playbook,
        Self::Script,
        Self::Kernels,
        Self::Preseeds,
        Self::Menu,
        Self::Entries,
    ];

    /// The group in names of fields and in sentences.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Users => "users",
            Self::Files => "files",
            Self::Services => "services",
            Self::Playbook => "playbook",
            Self::Script => "script",
            Self::Kernels => "kernels",
            Self::Preseeds => "preseeds",
            Self::Menu => "menu",
            Self::Entries => "entries",
        }
    }

    /// The group that a word names.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.word() == word)
    }

    /// Whether it is a list of tables, which can have any number of rows; the others have one.
    #[must_use]
    pub const fn is_list(self) -> bool {
        matches!(self, Self::Users | Self::Files | Self::Kernels | Self::Preseeds | Self::Entries)
    }

    /// Its fields, in the order in which they are written. The first names a row of a list.
    #[must_use]
    pub const fn fields(self) -> &'static [Field] {
        const SYSTEM: &[Field] = &[
            needed("suite", Kind::Line),
            optional("components", Kind::Words),
            optional("mirror", Kind::Line),
            optional("packages", Kind::Lines),
            optional("issue", Kind::Block),
        ];
        const USERS: &[Field] = &[
            needed("name", Kind::Line),
            optional("password", Kind::Line),
            optional("groups", Kind::Words),
            optional("ssh_keys", Kind::Lines),
            optional("shell", Kind::Line),
        ];
        const FILES: &[Field] = &[
            needed("path", Kind::Line),
            optional("mode", Kind::Line),
            optional("owner", Kind::Line),
            needed("content", Kind::Block),
        ];
        const SERVICES: &[Field] =
            &[optional("enable", Kind::Lines), optional("disable", Kind::Lines)];
        const PLAYBOOK: &[Field] = &[optional("content", Kind::Block)];
        const SCRIPT: &[Field] =
            &[optional("content", Kind::Block), optional("limit_seconds", Kind::Number)];
        const KERNELS: &[Field] = &[
            needed("alias", Kind::Line),
            optional("flavor", Kind::Choice(&["linux", "xen"])),
            optional("package", Kind::Line),
            optional("kernel", Kind::Line),
        ];
        const PRESEEDS: &[Field] = &[needed("name", Kind::Line), needed("content", Kind::Block)];
        const MENU: &[Field] =
            &[needed("default", Kind::Line), optional("timeout_ms", Kind::Number)];
        const ENTRIES: &[Field] = &[
            needed("label", Kind::Line),
            needed("text", Kind::Line),
            optional("kind", Kind::Choice(&["linux", "xen", "installer", "chain"])),
            optional("hypervisor", Kind::Line),
            optional("hypervisor_arguments", Kind::Line),
            optional("kernel", Kind::Line),
            optional("initrd", Kind::Line),
            optional("preseed", Kind::Line),
            optional("script", Kind::Line),
            optional("root", Kind::Choice(&super::RootMethod::WORDS)),
            optional("nfs", Kind::Line),
            optional("arguments", Kind::Line),
        ];
        match self {
            Self::System => SYSTEM,
            Self::Users => USERS,
            Self::Files => FILES,
            Self::Services => SERVICES,
            Self::Playbook => PLAYBOOK,
            Self::Script => SCRIPT,
            Self::Kernels => KERNELS,
            Self::Preseeds => PRESEEDS,
            Self::Menu => MENU,
            Self::Entries => ENTRIES,
        }
    }

    /// The keys that lead to it from the whole text.
    const fn path(self) -> &'static [&'static str] {
        match self {
            Self::System => &[],
            Self::Users => &["users"],
            Self::Files => &["files"],
            Self::Services => &["services"],
            Self::Playbook => &["playbook"],
            Self::Script => &["script"],
            Self::Kernels => &["kernels"],
            Self::Preseeds => &["preseeds"],
            Self::Menu => &["menu"],
            Self::Entries => &["menu", "entries"],
        }
    }
}

/// The values of one table: what each control holds, in the order of the group's fields.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row(pub(super) Vec<String>);

impl Row {
    /// A row of the values that `value` gives for each field, as controls hold them.
    fn new(group: Group, mut value: impl FnMut(&'static Field) -> String) -> Self {
        Self(group.fields().iter().map(|field| field.kind.held(&value(field))).collect())
    }

    pub(super) fn empty(group: Group) -> Self {
        Self::new(group, |_| String::new())
    }

    /// Each field with what its control holds.
    fn fields(&self, group: Group) -> impl Iterator<Item = (&'static Field, &str)> {
        group.fields().iter().zip(self.0.iter().map(String::as_str))
    }

    /// What a person calls the row: its name, path, alias or label.
    #[must_use]
    pub fn title(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }
}

/// What a form holds: for each group its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipeForm([Vec<Row>; Group::ALL.len()]);

/// There is no such row to remove, or the group is no list.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the form has no such row; nothing was changed")]
pub struct NoSuchRow;

impl Default for RecipeForm {
    /// As it is for an empty text.
    fn default() -> Self {
        Self(Group::ALL.map(
            |group| {
                if group.is_list() { Vec::new() } else { vec![Row::empty(group)] }
            },
        ))
    }
}

impl RecipeForm {
    /// The rows of a group; one where it is no list.
    #[must_use]
    pub fn rows(&self, group: Group) -> &[Row] {
        &self.0[group as usize]
    }

    pub(super) fn rows_mut(&mut self, group: Group) -> &mut Vec<Row> {
        &mut self.0[group as usize]
    }

    /// What the control of a field holds; nothing where there is none.
    #[must_use]
    pub fn value(&self, group: Group, row: usize, key: &str) -> &str {
        let field = group.fields().iter().position(|field| field.key == key);
        let row = self.rows(group).get(row);
        row.zip(field).and_then(|(row, field)| row.0.get(field)).map_or("", String::as_str)
    }

    /// Adds an empty row to a list. A menu entry starts with the first kernel.
    ///
    /// # Errors
    /// Where the group is no list.
    pub fn add_row(&mut self, group: Group) -> Result<(), NoSuchRow> {
        if !group.is_list() {
            return Err(NoSuchRow);
        }
        let first_kernel = self.value(Group::Kernels, 0, "alias").to_owned();
        let row = Row::new(group, |field| match (group, field.key) {
            (Group::Entries, "kernel") => first_kernel.clone(),
            _ => String::new(),
        });
        self.rows_mut(group).push(row);
        Ok(())
    }

    /// Takes a row out of a list.
    ///
    /// # Errors
    /// Where there is no such row.
    pub fn remove_row(&mut self, group: Group, row: usize) -> Result<(), NoSuchRow> {
        if !group.is_list() || row >= self.rows(group).len() {
            return Err(NoSuchRow);
        }
        self.rows_mut(group).remove(row);
        Ok(())
    }
}

/// Why a form and a text could not be brought together.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// The text is no TOML, or too long; says where.
    #[error("{}", sentence(.0))]
    Unreadable(Problem),
    /// These were changed to different values in the form and in the text.
    #[error(
        "{} changed in the form and in the text, to different values; apply the form to the text, or read the form from the text",
        were(.0)
    )]
    Conflict(Vec<&'static str>),
    /// The text says it in a way that the form cannot change; names what.
    #[error("the form cannot change \"{0}\" the way this text writes it; change it in the text")]
    Unfit(&'static str),
    /// The text would become longer than a recipe may be.
    #[error("{0}")]
    TooLong(String),
}

fn sentence(problem: &Problem) -> String {
    match problem.line {
        0 => problem.message.clone(),
        line => format!("the text cannot be read from line {line} on: {}", problem.message),
    }
}

fn were(parts: &[&str]) -> String {
    let quoted: Vec<String> = parts.iter().map(|part| format!("\"{part}\"")).collect();
    let verb = if parts.len() == 1 { "was" } else { "were" };
    format!("{} {verb}", quoted.join(", "))
}
