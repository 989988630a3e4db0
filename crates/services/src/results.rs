//! Results that come in from elsewhere: files of any format, and what a person wrote down of a board.
//!
//! A file is read through once before anything is kept, so that a wrong one is refused with its line
//! and nothing else happened. Then one row acknowledges it, and it is read into rows that nobody sees
//! until the last of them is there. A server that dies in between reads the file again at its next
//! start: nothing is half, and nothing that was acknowledged is lost.

mod attaching;
mod exporting;
mod manual;
pub(crate) mod reading;

pub use attaching::Attachable;
pub use exporting::{ExportFormat, ResultFilter};
pub use manual::{LONGEST_PICTURE, ManualResult, Picture};

use domain::{
    actor::{Actor, Who},
    digest::Digest,
    ids::ResultFileId,
    policy::{Action, Refusal},
    run::{
        Run, RunSource,
        file::{ResultFile, Said, named},
    },
    subject::{Subject, SubjectKey, recorded_name},
};
use lab::results::{ReadOptions, ResultFileError};
use tokio::io::AsyncRead;

use crate::{Services, error::ServiceError, evidence::plan_called, plans::no_plan, runs::no_run};

/// The longest file of results, in bytes: 1 GiB.
pub const LONGEST: u64 = 1 << 30;
/// The longest name of a file that is kept, in characters.
const LONGEST_NAME: usize = 200;

/// A file of results to bring in.
#[derive(Debug, Clone, Default)]
pub struct ResultsOrder {
    /// What the file is called.
    pub name: String,
    /// What is said of it.
    pub said: Said,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    /// The run that was read from it, without its results.
    pub run: Run,
    /// Whether it is new: the same file twice is the same run.
    pub new: bool,
}

impl Services {
    /// Brings a file of results in.
    ///
    /// # Errors
    /// Where the actor may not, what is said of it breaks a rule, it is longer than 1 GiB, it cannot be
    /// read (with its line), it was brought in before for something else, or the disk has no room.
    pub async fn bring_results(
        &self,
        actor: &Actor,
        order: ResultsOrder,
        bytes: impl AsyncRead + Send + Unpin + 'static,
    ) -> Result<Brought, ServiceError> {
        let (said, source) = self.checked_claim(actor, order.said).await?;
        let blob = self.take_in(bytes, LONGEST).await?;
        let options = ReadOptions { format: said.format, column: said.board.clone() };
        let told = reading::look_through(self, &blob.sha256, &options).await?;

        let _one = self.reading_results().lock().await;
        let known = self.read().await?.result_file_of(&blob.sha256, said.board.as_deref()).await?;
        match known {
            Some(file) if file.read_at.is_some() => return self.brought_before(&file, &said).await,
            // It was acknowledged, and its reading failed.
            Some(file) => {
                let run = reading::read_into_rows(self, actor, &file, told).await?;
                return Ok(Brought { run, new: true });
            }
            None => {}
        }
        let file = ResultFile {
            id: ResultFileId::generate(self.ids()),
            sha256: blob.sha256,
            name: order
                .name
                .trim()
                .chars()
                .filter(|c| !c.is_control())
                .take(LONGEST_NAME)
                .collect(),
            size: blob.size,
            said,
            source,
            received_at: self.now(),
            received_by: actor.name().to_owned(),
            read_at: None,
            removed_at: None,
        };
        let mut tx = self.begin().await?;
        tx.insert_result_file(&file).await?;
        // Since its last byte came, a collection may have begun.
        if !self.blobs().touch(&file.sha256).map_err(ServiceError::internal)? {
            return Err(ServiceError::Conflict(
                "the file was removed by a collection before it was noted; send it again"
                    .to_owned(),
            ));
        }
        tx.commit().await?;
        let run = reading::read_into_rows(self, actor, &file, told).await?;
        Ok(Brought { run, new: true })
    }

    /// What a second coming of the same file is answered with.
    async fn brought_before(
        &self,
        file: &ResultFile,
        said: &Said,
    ) -> Result<Brought, ServiceError> {
        let mut rows = self.read().await?;
        let missing = || ServiceError::NotFound(format!("run of the file {}", file.name));
        let id = rows.run_of_file(&file.id).await?.ok_or_else(missing)?;
        let run = rows.run_alone(&id).await?.ok_or_else(|| no_run(&id))?;
        let about = run.subject.as_ref().map(Subject::key);
        let same = said.subject.as_ref().is_none_or(|it| about.as_ref().is_none_or(|a| a == it));
        if !same {
            return Err(ServiceError::Conflict(format!(
                "the same file was brought in before, as run {id} about {}: one file is one run",
                run.subject.as_ref().map_or("nothing", Subject::name)
            )));
        }
        Ok(Brought { run, new: false })
    }

    /// Reads the files that a former server had acknowledged and not finished.
    pub async fn read_left_results(&self) {
        let left = async { Ok::<_, ServiceError>(self.read().await?.unread_result_files().await?) };
        let left = match left.await {
            Ok(left) => left,
            Err(error) => {
                tracing::error!(%error, "files of results that were left unread cannot be listed");
                return;
            }
        };
        for file in left {
            let _one = self.reading_results().lock().await;
            tracing::info!(file = %file.id, name = file.name, "an interrupted reading begins again");
            let actor = Actor::runner(&format!("file of results {}", file.id));
            if let Err(error) = reading::read_again(self, &actor, &file).await {
                tracing::error!(%error, file = %file.id, "a file of results cannot be read again");
            }
        }
    }

    /// What is said of a file, checked, and whether what is in it may decide at a gate.
    async fn checked_claim(
        &self,
        actor: &Actor,
        said: Said,
    ) -> Result<(Said, RunSource), ServiceError> {
        let mut said = Said {
            board: name_of("board", said.board)?,
            machine: name_of("machine", said.machine)?,
            entry: name_of("entry", said.entry)?,
            kernel: name_of("kernel", said.kernel)?,
            suite: name_of("suite", said.suite)?,
            subject: subject_named(said.subject)?,
            ..said
        };
        let source = match &actor.who {
            Who::Reporter { plan, machine, .. } => {
                let refused = Refusal::Scope {
                    to: "bring in results of another machine or plan".to_owned(),
                    plan: plan.clone(),
                    machine: machine.clone(),
                };
                let other =
                    |said: &Option<String>, own: &String| said.as_ref().is_some_and(|it| it != own);
                if other(&said.machine, machine) || other(&said.plan, plan) {
                    return Err(refused.into());
                }
                if said.manifest.is_none() {
                    let message = "results that a token of one plan and one machine brings name the \
                                   manifest that was judged: its SHA-256";
                    return Err(ServiceError::invalid("manifest", message));
                }
                said.machine = Some(machine.clone());
                said.plan = Some(plan.clone());
                said.suite = Some(self.suite_of_plan(plan, said.suite).await?);
                RunSource::Token
            }
            who => {
                Action::RecordResults.allowed_to(who)?;
                if said.plan.is_some() {
                    let message =
                        "only a token of one plan and one machine brings results for a plan";
                    return Err(ServiceError::invalid("plan", message));
                }
                RunSource::Upload
            }
        };
        if let Some(manifest) = &said.manifest {
            said.subject = Some(self.subject_of_manifest(manifest, said.subject.as_deref()).await?);
        }
        Ok((said, source))
    }

    /// The suite of a plan that results are of: the one that is named, or the only one that it has.
    async fn suite_of_plan(
        &self,
        plan: &str,
        named: Option<String>,
    ) -> Result<String, ServiceError> {
        let found = plan_called(&mut self.read().await?, plan).await?;
        let mut suites: Vec<String> = found
            .ok_or_else(|| no_plan(plan))?
            .definition
            .suites
            .into_iter()
            .map(|it| it.suite)
            .collect();
        match named {
            Some(name) if suites.contains(&name) => return Ok(name),
            None if suites.len() == 1 => return Ok(suites.remove(0)),
            Some(_) | None => {}
        }
        let message = format!("name a suite that plan {plan} runs: {}", suites.join(", "));
        Err(ServiceError::invalid("suite", message))
    }

    /// The key of the release of a manifest, which whoever names both must mean.
    async fn subject_of_manifest(
        &self,
        manifest: &Digest,
        named: Option<&str>,
    ) -> Result<String, ServiceError> {
        let release = self.read().await?.release_of_manifest(manifest).await?;
        let release = release.ok_or_else(|| {
            ServiceError::invalid("manifest", "no candidate or release has this manifest")
        })?;
        let name = release.name();
        match named {
            Some(other) if other != name => {
                let message = format!("this manifest is that of {name}, and {other} is named");
                Err(ServiceError::invalid("manifest", message))
            }
            _ => Ok(name),
        }
    }
}

/// What a file cannot be read for, as a field of the request.
fn unreadable(error: ResultFileError) -> ServiceError {
    match error {
        ResultFileError::Read(error) => ServiceError::internal(error),
        other => ServiceError::invalid("file", domain::error_chain::chain(&other)),
    }
}

fn name_of(field: &'static str, name: Option<String>) -> Result<Option<String>, ServiceError> {
    let Some(name) = name.filter(|it| !it.trim().is_empty()) else { return Ok(None) };
    match named(&name) {
        Some(name) => Ok(Some(name.to_owned())),
        None => Err(ServiceError::invalid(field, "give one line of 100 characters at the most")),
    }
}

fn subject_named(key: Option<String>) -> Result<Option<String>, ServiceError> {
    let Some(key) = key.map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()) else {
        return Ok(None);
    };
    match SubjectKey::from(key.as_str()) {
        SubjectKey::Recorded(name) if recorded_name(&name).is_none() => Err(ServiceError::invalid(
            "release",
            "the name of a release that was made elsewhere has 60 characters at the most, on one \
             line, and none of / ? # % \\",
        )),
        _ => Ok(Some(key)),
    }
}
