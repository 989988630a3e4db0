//! What a person wrote down of a board: one case, how it ended, and perhaps a picture.

use domain::{
    actor::Actor,
    ids::RunId,
    policy::Action,
    run::{Outcome, Run, RunSource, file::named, reported::ReportedCase},
    subject::SubjectKey,
};
use store::runs::{Artefact, NewRun, RunEnd};

use super::{attaching::subject_to_judge, name_of};
use crate::{Services, audit::Change, error::ServiceError, releases::no_release, runs::no_run};

/// The suite of what people write down where they name none.
const MANUAL: &str = "manual";
/// The longest comment, in characters.
const LONGEST_COMMENT: usize = 10_000;
/// The longest picture, in bytes: 10 MiB.
pub const LONGEST_PICTURE: usize = 10 << 20;

/// What a person wrote down.
#[derive(Debug, Clone)]
pub struct ManualResult {
    /// What it is about ([`SubjectKey`]).
    pub about: String,
    /// Name of the machine.
    pub machine: String,
    /// Label of the boot entry, where it matters.
    pub entry: Option<String>,
    /// Name of the suite; `manual` where absent.
    pub suite: Option<String>,
    /// The case's id.
    pub case: String,
    /// What it checks, in one line; what it was called before where absent.
    pub title: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// What was seen.
    pub comment: String,
    /// What it looked like.
    pub picture: Option<Picture>,
}

/// A picture that somebody took.
#[derive(Debug, Clone)]
pub struct Picture {
    /// What the file is called.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Services {
    /// Keeps what a person wrote down.
    ///
    /// # Errors
    /// Where the actor may not, a field breaks its rule, a failure has no comment, the picture is no PNG,
    /// JPEG, WebP or GIF, or what it is about is not known.
    pub async fn record_manual_result(
        &self,
        actor: &Actor,
        result: ManualResult,
    ) -> Result<Run, ServiceError> {
        Action::RecordResults.allowed_to(&actor.who)?;
        let comment = result.comment.trim();
        if comment.chars().count() > LONGEST_COMMENT {
            return Err(ServiceError::invalid("comment", "give 10,000 characters at the most"));
        }
        if result.outcome.fails() && comment.is_empty() {
            let message = "say what was seen: a failure without a word helps nobody";
            return Err(ServiceError::invalid("comment", message));
        }
        let line = |field, text: &str| {
            let message = "give one line of 1 to 100 characters";
            named(text).map(str::to_owned).ok_or_else(|| ServiceError::invalid(field, message))
        };
        let (machine, case) = (line("machine", &result.machine)?, line("case", &result.case)?);
        let title = name_of("title", result.title)?;
        let picture = match result.picture {
            Some(picture) => Some(self.keep_picture(picture).await?),
            None => None,
        };
        let (id, now) = (RunId::generate(self.ids()), self.now());
        let mut tx = self.begin().await?;
        let key = SubjectKey::from(result.about.trim());
        let subject = subject_to_judge(self, &mut tx, &key, now).await?;
        let subject = subject.ok_or_else(|| no_release(result.about.trim()))?;
        let known = tx.case_title(&case).await?;
        let run = NewRun {
            id: id.clone(),
            subject: Some(subject),
            machine,
            entry: name_of("entry", result.entry)?.unwrap_or_default(),
            suite: name_of("suite", result.suite)?.unwrap_or_else(|| MANUAL.to_owned()),
            source: RunSource::Manual,
            gate: None,
            file: None,
            kernel: String::new(),
            generator: String::new(),
            started_at: now,
            recorded_by: actor.name().to_owned(),
        };
        let reported = ReportedCase {
            title: title.or(known).unwrap_or_else(|| case.clone()),
            id: case,
            suites: Vec::new(),
            tags: Vec::new(),
            outcome: result.outcome,
            started_at: None,
            duration_us: None,
            message: comment.to_owned(),
            excerpt: String::new(),
            measurements: Vec::new(),
            earlier: Vec::new(),
        };
        tx.insert_run(&run, None).await?;
        tx.insert_results(&id, 0, &[reported]).await?;
        if let Some(picture) = &picture {
            tx.insert_artefact(&id, picture).await?;
            if !self.blobs().touch(&picture.sha256).map_err(ServiceError::internal)? {
                let message = "the picture was removed by a collection before it was noted; send it \
                               again";
                return Err(ServiceError::Conflict(message.to_owned()));
            }
        }
        let end = RunEnd {
            ended_at: now,
            outcome: result.outcome,
            failure: None,
            message: String::new(),
            incomplete: None,
            remarks: Vec::new(),
        };
        tx.finish_run(&id, &end).await?;
        let run = tx.run_alone(&id).await?.ok_or_else(|| no_run(&id))?;
        self.record(&mut tx, actor, Change::ResultsRecorded { run: &run }).await?;
        self.commit(tx, &format!("run/{id}")).await?;
        Ok(run)
    }

    async fn keep_picture(&self, picture: Picture) -> Result<Artefact, ServiceError> {
        let invalid = |message: &str| ServiceError::invalid("picture", message);
        let media_type = media_type(&picture.bytes)
            .ok_or_else(|| invalid("this is no PNG, JPEG, WebP or GIF picture"))?;
        if picture.bytes.len() > LONGEST_PICTURE {
            return Err(invalid("a picture has 10 MiB at the most"));
        }
        let name = named(&picture.name).ok_or_else(|| invalid("give the file a shorter name"))?;
        let (name, blobs) = (name.to_owned(), self.blobs().clone());
        let kept = tokio::task::spawn_blocking(move || blobs.put(picture.bytes.as_slice())).await;
        let blob = kept.map_err(ServiceError::internal)?.map_err(ServiceError::internal)?;
        Ok(Artefact {
            name,
            media_type: media_type.to_owned(),
            size: blob.size,
            sha256: blob.sha256,
        })
    }
}

/// What a picture is by its first bytes, whatever it is called.
fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}
