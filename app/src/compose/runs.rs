//! Runs: one, and what its machine wrote.

use domain::{ids::RunId, policy::Action};
use services::{downloads::Download, runs::RunInContext};

use super::{Asked, releases::choice};
use crate::{api::runs::RunPage, error::AppError, viewer::viewer_of};

pub(crate) async fn run(asked: &Asked, id: &RunId) -> Result<RunPage, AppError> {
    let Asked { services, actor } = asked;
    let found = services.run_in_context(actor, id).await.map_err(|it| asked.refuse(it))?;
    let RunInContext { run, validation, release, artefacts, assessments } = found;
    let mut entry_text = run.entry.clone();
    if let Some(release) = &release {
        let contents = services.contents(actor, release).await.map_err(|it| asked.refuse(it))?;
        // A variant has entries that its base lacks; those go by their label.
        if let Some(entry) = contents.manifest.entry(&run.entry) {
            entry.text().clone_into(&mut entry_text);
        }
    }
    let release_name = release.map(|it| it.name());
    let keeping = services.keeping_of_run(actor, id).await.map_err(|it| asked.refuse(it))?;
    let keep = choice(Action::KeepRun.allowed(viewer_of(actor).role));
    let now = services.now();
    let count = services.count_choice(actor, &run).await.map_err(|it| asked.refuse(it))?;
    let plans = super::plans::names(asked).await?;
    Ok(RunPage {
        run,
        validation,
        release_name,
        artefacts,
        entry_text,
        assessments,
        now,
        count,
        plans,
        keeping,
        keep,
    })
}

pub(crate) async fn mark(asked: &Asked, id: &RunId) -> Result<(), AppError> {
    let marked = asked.services.mark_run_important(&asked.actor, id).await;
    marked.map(drop).map_err(|it| asked.refuse(it))
}

pub(crate) async fn unmark(asked: &Asked, id: &RunId) -> Result<(), AppError> {
    let unmarked = asked.services.unmark_run_important(&asked.actor, id).await;
    unmarked.map(drop).map_err(|it| asked.refuse(it))
}

pub(crate) async fn console(asked: &Asked, id: &RunId) -> Result<Vec<String>, AppError> {
    let Ok(download) = asked.services.console_file(&asked.actor, id).await else {
        // A run that still runs has kept nothing yet.
        return Ok(Vec::new());
    };
    let bytes = match download {
        Download::Bytes { bytes, .. } => bytes,
        Download::File { mut file, .. } => {
            let read = read_whole(&mut file);
            read.map_err(|it| asked.refuse(it.into()))?
        }
    };
    Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
}

/// A console log is small (a few hundred kilobytes): reading it does not hold a thread for long.
fn read_whole(file: &mut std::fs::File) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(file, &mut bytes)?;
    Ok(bytes)
}
