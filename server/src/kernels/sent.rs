//! What the form of a kernel sends: `multipart/form-data` (RFC 7578), whose files go to the disk as
//! they come.

use std::collections::BTreeMap;

use app::api::kernels::{BaseKind, KernelDraft, Slot, SourceKind, TEXTS};
use axum::{body::Body, extract::Request, http::header};
use domain::{
    actor::Actor,
    kernel::{Flavor, Fragment, UploadedFile},
};
use futures::TryStreamExt as _;
use http_body_util::{LengthLimitError, Limited};
use multer::{Field, Multipart};
use services::{ServiceError, Services};
use tokio_util::io::StreamReader;

use super::FRAGMENTS;

/// The longest form with its files, in bytes; each file has a limit of its own.
const LONGEST: usize = 16 << 30;
/// The most of what was typed, in bytes: 64 fragments of 64 KiB, and the rest.
const LONGEST_TEXTS: usize = 6 << 20;
/// The most parts: those of 64 fragments, 128 files and 128 that were uploaded before, and the rest.
const MOST_PARTS: usize = 512;

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

/// Why a form cannot be answered with itself.
#[derive(Debug)]
pub(super) enum Unread {
    /// It is none of ours, or was broken off.
    NotWhole,
    /// It is longer than anything that makes sense.
    TooLong,
    /// Whoever sent it may not, or the fault is ours.
    Refused(ServiceError),
}

impl From<multer::Error> for Unread {
    fn from(error: multer::Error) -> Self {
        match error {
            multer::Error::StreamReadFailed(cause) if cause.is::<LengthLimitError>() => {
                Self::TooLong
            }
            _ => Self::NotWhole,
        }
    }
}

/// Reads the form, and keeps every file of it.
pub(super) async fn read(
    services: &Services,
    actor: &Actor,
    request: Request,
) -> Result<Sent, Unread> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let boundary = multer::parse_boundary(kind.unwrap_or_default())?;
    let body = Body::new(Limited::new(request.into_body(), LONGEST));
    let stream = body.into_data_stream().map_err(axum::Error::into_inner);
    let mut parts = Multipart::new(stream, boundary);
    let mut typed = Typed::default();
    let mut draft = KernelDraft::default();
    let mut count = 0;
    while let Some(part) = parts.next_field().await? {
        count += 1;
        let name = part.name().unwrap_or_default().to_owned();
        if count > MOST_PARTS || name.is_empty() {
            return Err(Unread::NotWhole);
        }
        match part.file_name().map(bare) {
            None => typed.take(&name, part, &mut draft).await?,
            // A field of files in which nothing was chosen.
            Some("") => {}
            Some(file) => {
                let slot = Slot::ALL.into_iter().find(|slot| slot.word() == name);
                let (slot, file) = (slot.ok_or(Unread::NotWhole)?, file.to_owned());
                keep(services, actor, slot, &file, part, &mut draft).await?;
            }
        }
    }
    typed.into_sent(draft)
}

/// A file's name without the folders that some browsers send before it.
fn bare(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// Keeps a file. Where it cannot be kept the form says so, once everything else is read.
async fn keep(
    services: &Services,
    actor: &Actor,
    slot: Slot,
    name: &str,
    part: Field<'static>,
    draft: &mut KernelDraft,
) -> Result<(), Unread> {
    let bytes = StreamReader::new(part.map_err(std::io::Error::other));
    match services.keep_upload(actor, name, bytes).await {
        Ok((file, _)) => draft.upload(slot, file),
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
    /// How long it is so far, in bytes.
    length: usize,
    own: BTreeMap<String, String>,
    fragments: BTreeMap<usize, Fragment>,
}

impl Typed {
    /// Takes a field in; those that nobody knows are left alone, as those of any form.
    async fn take(
        &mut self,
        name: &str,
        mut part: Field<'static>,
        draft: &mut KernelDraft,
    ) -> Result<(), Unread> {
        const OWN: [&str; 7] = ["do", "name", "revision", "flavor", "kind", "base", "debug"];
        let mut bytes = Vec::new();
        while let Some(chunk) = part.chunk().await? {
            self.length += chunk.len();
            if self.length > LONGEST_TEXTS {
                return Err(Unread::TooLong);
            }
            bytes.extend_from_slice(&chunk);
        }
        let value = String::from_utf8(bytes).map_err(|_| Unread::NotWhole)?;
        if let Some(known) = TEXTS.into_iter().find(|known| *known == name) {
            return once(draft.texts.insert(known, value));
        }
        if OWN.contains(&name) {
            return once(self.own.insert(name.to_owned(), value));
        }
        if let Some(slot) = name.strip_prefix("kept.") {
            let slot = Slot::ALL.into_iter().find(|known| known.word() == slot);
            let file = uploaded(&value).ok_or(Unread::NotWhole)?;
            draft.upload(slot.ok_or(Unread::NotWhole)?, file);
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
        let Self { own, fragments, .. } = self;
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

/// `<SHA-256> <name>`
fn uploaded(value: &str) -> Option<UploadedFile> {
    let (sha256, name) = value.split_once(' ')?;
    Some(UploadedFile { name: name.to_owned(), sha256: sha256.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use domain::digest::Digest;

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

    #[test]
    fn uploads_come_back_as_they_went() {
        let digest = Digest::of("x");
        let file = uploaded(&format!("{digest} a b.patch"));
        assert_eq!(file, Some(UploadedFile { name: "a b.patch".to_owned(), sha256: digest }));
        for value in ["", "x y", &digest.to_string()] {
            assert_eq!(uploaded(value), None, "{value}");
        }
    }

    #[test]
    fn names_of_files_are_without_their_folders() {
        for name in ["a.patch", "/tmp/a.patch", "C:\\tmp\\a.patch", "../a.patch"] {
            assert_eq!(bare(name), "a.patch");
        }
        assert_eq!(bare(""), "");
    }
}
