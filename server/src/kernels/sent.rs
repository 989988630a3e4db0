//! What the form of a kernel sends: `multipart/form-data` (RFC 7578), whose files go to the disk as
//! they come.

use std::collections::BTreeMap;

use app::api::kernels::{BaseKind, KernelDraft, Slot, SourceKind, TEXTS};
use axum::extract::Request;
use domain::{
    actor::Actor,
    kernel::{Flavor, Fragment},
};
use services::{ServiceError, Services};

use super::FRAGMENTS;
use crate::multipart::{Limits, Part, Parts, Unread, uploaded};

/// 64 fragments of 64 KiB, and the rest; the parts of 64 fragments, 128 files and 128 that were
/// uploaded before, and the rest.
pub(super) const LIMITS: Limits = Limits { texts_mib: 6, parts: 512 };

/// What is to be done: the value of the button that was pressed (`do`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// Save; what a form without a word of it asks.
    Save,
    /// Show one fragment more.
    Add,
    /// Leave a fragment out.
    Remove(usize),
}

impl Task {
    fn of(word: &str) -> Option<Self> {
        match word.split_once('.') {
            None if word.is_empty() || word == "save" => Some(Self::Save),
            None if word == "add" => Some(Self::Add),
            Some(("remove", at)) => at.parse().ok().map(Self::Remove),
            _ => None,
        }
    }
}

/// The form as it was sent, with its files in the store. What could not be kept stands among the
/// draft's faults.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) task: Task,
    pub(super) draft: KernelDraft,
}

/// Reads the form, and keeps every file of it.
pub(super) async fn read(
    services: &Services,
    actor: &Actor,
    request: Request,
) -> Result<Sent, Unread> {
    let mut parts = Parts::of(request, LIMITS)?;
    let mut typed = Typed::default();
    let mut draft = KernelDraft::default();
    while let Some(part) = parts.next().await? {
        let name = part.name.clone();
        match part.file.clone() {
            None => typed.take(&name, parts.text(part).await?, &mut draft)?,
            // A field of files in which nothing was chosen.
            Some(file) if file.is_empty() => {}
            Some(file) => {
                let slot = Slot::ALL.into_iter().find(|slot| slot.word() == name);
                keep(services, actor, slot.ok_or(Unread::NotWhole)?, &file, part, &mut draft)
                    .await?;
            }
        }
    }
    typed.into_sent(draft)
}

/// Keeps a file. Where it cannot be kept the form says so, once everything else is read.
async fn keep(
    services: &Services,
    actor: &Actor,
    slot: Slot,
    name: &str,
    part: Part,
    draft: &mut KernelDraft,
) -> Result<(), Unread> {
    match part.keep(services, actor, name).await {
        Ok(file) => draft.upload(slot, file),
        Err(ServiceError::Invalid { message, .. }) => {
            draft.faults.push((slot.word().to_owned(), message));
        }
        Err(error) => match super::told(&error) {
            Some((_, error)) => draft.error = Some(error),
            None => return Err(Unread::Refused(error)),
        },
    }
    Ok(())
}

/// What was typed and chosen.
#[derive(Default)]
struct Typed {
    own: BTreeMap<String, String>,
    fragments: BTreeMap<usize, Fragment>,
}

impl Typed {
    /// Takes a field in; those that nobody knows are left alone, as those of any form.
    fn take(&mut self, name: &str, value: String, draft: &mut KernelDraft) -> Result<(), Unread> {
        const OWN: [&str; 7] = ["do", "name", "revision", "flavor", "kind", "base", "debug"];
        if let Some(known) = TEXTS.into_iter().find(|known| *known == name) {
            return once(draft.texts.insert(known, value));
        }
        if OWN.contains(&name) {
            return once(self.own.insert(name.to_owned(), value));
        }
        if let Some(slot) = name.strip_prefix("kept.") {
            let slot = Slot::ALL.into_iter().find(|known| known.word() == slot);
            draft.upload(slot.ok_or(Unread::NotWhole)?, uploaded(&value)?);
        } else if let Some((at, key)) =
            name.strip_prefix("fragment.").and_then(|rest| rest.split_once('.'))
        {
            let at: usize = at.parse().map_err(|_| Unread::NotWhole)?;
            if at >= FRAGMENTS {
                return Err(Unread::NotWhole);
            }
            let none = || Fragment { name: String::new(), content: String::new() };
            let fragment = self.fragments.entry(at).or_insert_with(none);
            match key {
                "name" => value.trim().clone_into(&mut fragment.name),
                // Forms end lines as the network does.
                "content" => fragment.content = value.replace("\r\n", "\n"),
                _ => return Err(Unread::NotWhole),
            }
        }
        Ok(())
    }

    fn into_sent(self, mut draft: KernelDraft) -> Result<Sent, Unread> {
        let Self { own, fragments } = self;
        let word = |name: &str| own.get(name).map_or("", |value| value.trim());
        let flavor = Flavor::ALL.into_iter().find(|it| it.word() == word("flavor"));
        let kind = SourceKind::ALL.into_iter().find(|it| it.word() == word("kind"));
        let base = BaseKind::ALL.into_iter().find(|it| it.word() == word("base"));
        let (Some(flavor), Some(kind), Some(base)) = (flavor, kind, base) else {
            return Err(Unread::NotWhole);
        };
        word("name").clone_into(&mut draft.name);
        draft.revision = word("revision").parse().ok();
        draft.flavor = flavor;
        draft.kind = kind;
        draft.base = base;
        draft.debug = word("debug") == "true";
        draft.fragments = fragments.into_values().collect();
        Ok(Sent { task: Task::of(word("do")).ok_or(Unread::NotWhole)?, draft })
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
        let tasks = [("", Task::Save), ("save", Task::Save), ("add", Task::Add)];
        for (word, task) in tasks.into_iter().chain([("remove.3", Task::Remove(3))]) {
            assert_eq!(Task::of(word), Some(task), "{word}");
        }
        for word in ["x", "remove", "remove.", "remove.-1", "add.1", "."] {
            assert_eq!(Task::of(word), None, "{word}");
        }
    }
}
