//! What the form of a variant sends: `multipart/form-data` (RFC 7578), whose files go to the disk as
//! they come.

use std::collections::BTreeMap;

use app::api::variants::{ARCHIVE, FIELDS, Group, Row, VariantForm};
use axum::extract::Request;
use domain::{actor::Actor, kernel::UploadedFile, recipe::normalised};
use services::{ServiceError, Services};

use crate::{
    kernels::told,
    multipart::{Limits, Part, Parts, Unread, uploaded},
};

/// The most rows of a list, which is the most that a definition has.
const ROWS: usize = 500;
/// A text of 1 MiB, the same in fields, and the rest; the fields of 500 rows of each list.
pub(super) const LIMITS: Limits = Limits { texts_mib: 6, parts: 12_288 };

/// What is to be done: the value of the button that was pressed (`do`), or the side that is typed into
/// where a page with script asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Task {
    /// Save; what a form without a word of it asks.
    Save,
    /// Save and build.
    Build,
    /// Say what it would do.
    Look,
    /// Search the archive.
    Search,
    /// Take the text over into the form.
    Take,
    /// Somebody types into the form.
    Form,
    /// Somebody types into the text.
    Text,
    /// Show one row more.
    Add(Group),
    /// Leave a row out.
    Remove(Group, usize),
    /// Put a package that was found among those to add.
    Package(String),
}

impl Task {
    fn of(word: &str) -> Option<Self> {
        let group = |word: &str| Group::ALL.into_iter().find(|it| it.word() == word);
        Some(match word.split_once('.') {
            None => match word {
                "" | "save" => Self::Save,
                "build" => Self::Build,
                "look" => Self::Look,
                "search" => Self::Search,
                "take" => Self::Take,
                "form" => Self::Form,
                "text" => Self::Text,
                _ => return None,
            },
            Some(("add", word)) => Self::Add(group(word)?),
            Some(("remove", row)) => {
                let (word, at) = row.split_once('.')?;
                Self::Remove(group(word)?, at.parse().ok()?)
            }
            Some(("package", name)) if !name.is_empty() => Self::Package(name.to_owned()),
            Some(_) => return None,
        })
    }
}

/// The form as it was sent, with its files in the store. What could not be kept stands among its
/// faults.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) task: Task,
    pub(super) form: VariantForm,
    /// The text beside the form, with the digest of what both were when they were last in step.
    pub(super) text: Option<(String, String)>,
}

/// Reads the form, and keeps every file of it.
pub(super) async fn read(
    services: &Services,
    actor: &Actor,
    request: Request,
) -> Result<Sent, Unread> {
    let mut parts = Parts::of(request, LIMITS)?;
    let mut taken = Taken::default();
    while let Some(part) = parts.next().await? {
        let name = part.name.clone();
        match part.file.clone() {
            None => {
                let value = parts.text(part).await?;
                taken.text(&name, &value)?;
            }
            // A field of files in which nothing was chosen.
            Some(file) if file.is_empty() => {}
            Some(file) => {
                if Slot::of(&name).is_none() {
                    return Err(Unread::NotWhole);
                }
                keep(services, actor, &name, &file, part, &mut taken).await?;
            }
        }
    }
    taken.into_sent()
}

/// Keeps a file. Where it cannot be kept the form says so, once everything else is read.
async fn keep(
    services: &Services,
    actor: &Actor,
    field: &str,
    name: &str,
    part: Part,
    taken: &mut Taken,
) -> Result<(), Unread> {
    match part.keep(services, actor, name).await {
        Ok(file) => taken.file(field, file)?,
        Err(ServiceError::Invalid { message, .. }) => {
            taken.form.faults.push((field.to_owned(), message));
        }
        Err(error) => match told(&error) {
            Some((_, error)) => taken.form.error = Some(error),
            None => return Err(Unread::Refused(error)),
        },
    }
    Ok(())
}

/// A field that takes files.
enum Slot<'a> {
    Single,
    OfRow(Group, usize, &'a str),
}

impl<'a> Slot<'a> {
    fn of(name: &'a str) -> Option<Self> {
        if name == ARCHIVE {
            return Some(Self::Single);
        }
        let (group, at, key) = of_row(name)?;
        group.slots().contains(&key).then_some(Self::OfRow(group, at, key))
    }
}

/// `files.2.path` as the list, the row and the key.
fn of_row(name: &str) -> Option<(Group, usize, &str)> {
    let (word, rest) = name.split_once('.')?;
    let (at, key) = rest.split_once('.')?;
    let group = Group::ALL.into_iter().find(|it| it.word() == word)?;
    let at = at.parse().ok().filter(|at| *at < ROWS)?;
    Some((group, at, key))
}

/// What was read so far.
#[derive(Default)]
struct Taken {
    form: VariantForm,
    own: BTreeMap<&'static str, String>,
    rows: BTreeMap<Group, BTreeMap<usize, Row>>,
}

impl Taken {
    /// Takes a field in; those that nobody knows are left alone, as those of any form.
    fn text(&mut self, name: &str, value: &str) -> Result<(), Unread> {
        const OWN: [&str; 4] = ["do", "revision", "text", "seen"];
        // Forms end lines as the network does.
        let value = normalised(value);
        if let Some(own) = OWN.into_iter().find(|own| *own == name) {
            return once(self.own.insert(own, value));
        }
        if FIELDS.contains(&name) {
            return once(self.form.single.texts.insert(name.to_owned(), value));
        }
        if name == "accept" {
            let names = value.split_whitespace().map(ToOwned::to_owned);
            self.form.accepted.extend(names);
        } else if let Some(field) = name.strip_prefix("kept.") {
            self.file(field, uploaded(&value)?)?;
        } else if Group::ALL.iter().any(|it| name.starts_with(&format!("{}.", it.word()))) {
            let (group, at, key) = of_row(name).ok_or(Unread::NotWhole)?;
            if !group.fields().contains(&key) {
                return Err(Unread::NotWhole);
            }
            return once(self.row(group, at).texts.insert(key.to_owned(), value));
        }
        Ok(())
    }

    fn file(&mut self, field: &str, file: UploadedFile) -> Result<(), Unread> {
        match Slot::of(field).ok_or(Unread::NotWhole)? {
            Slot::Single => self.form.single.upload(ARCHIVE, file),
            Slot::OfRow(group, at, key) => self.row(group, at).upload(key, file),
        }
        Ok(())
    }

    fn row(&mut self, group: Group, at: usize) -> &mut Row {
        self.rows.entry(group).or_default().entry(at).or_default()
    }

    fn into_sent(self) -> Result<Sent, Unread> {
        let Self { mut form, mut own, rows } = self;
        // A form of ours has these whatever is in them.
        if !["base", "days"].into_iter().all(|name| form.single.texts.contains_key(name)) {
            return Err(Unread::NotWhole);
        }
        let rows = rows.into_iter().map(|(group, rows)| (group, rows.into_values().collect()));
        form.rows = rows.collect();
        form.accepted.sort();
        form.accepted.dedup();
        form.revision = own.get("revision").and_then(|it| it.trim().parse().ok());
        let task = own.get("do").map_or("", |it| it.trim());
        let task = Task::of(task).ok_or(Unread::NotWhole)?;
        let text = own.remove("text").zip(own.remove("seen"));
        Ok(Sent { task, form, text })
    }
}

/// A field that nobody can send twice.
fn once(former: Option<String>) -> Result<(), Unread> {
    former.map_or(Ok(()), |_| Err(Unread::NotWhole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buttons_are_words() {
        let tasks = [
            ("", Task::Save),
            ("save", Task::Save),
            ("build", Task::Build),
            ("look", Task::Look),
            ("add.users", Task::Add(Group::Users)),
            ("remove.files.3", Task::Remove(Group::Files, 3)),
            ("package.gcc-12/bookworm.x", Task::Package("gcc-12/bookworm.x".to_owned())),
        ];
        for (word, task) in tasks {
            assert_eq!(Task::of(word), Some(task), "{word}");
        }
        for word in ["x", "add", "add.x", "remove.users", "remove.users.-1", "package.", "."] {
            assert_eq!(Task::of(word), None, "{word}");
        }
    }

    #[test]
    fn a_field_stands_where_its_name_says() {
        let mut taken = Taken::default();
        for (name, value) in [
            ("base", ""),
            ("days", "14"),
            ("files.3.path", "/b"),
            ("files.0.path", "/a"),
            ("files.0.content", "one\r\ntwo"),
            ("accept", "b a"),
            ("accept", "c"),
            ("colour", "red"),
        ] {
            taken.text(name, value).unwrap();
        }
        let sent = taken.into_sent().unwrap();
        let files = sent.form.rows(Group::Files);
        let paths: Vec<&str> = files.iter().map(|it| it.text("path")).collect();
        assert_eq!((paths, files[0].raw("content")), (vec!["/a", "/b"], "one\ntwo"));
        assert_eq!(sent.form.accepted, ["a", "b", "c"]);
        for name in ["files.500.path", "files.x.path", "files.0.colour", "kept.files.0.path"] {
            assert!(Taken::default().text(name, "").is_err(), "{name}");
        }
        assert!(Taken::default().into_sent().is_err());
    }
}
