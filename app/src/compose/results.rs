//! Results that come in from elsewhere.

use domain::{
    ids::RunId,
    page::{Cursor, Slice},
    plan::SMOKE,
    policy::Action,
};
use leptos::prelude::use_context;
use services::runs::RunQuery;

use super::{Asked, releases::choice};
use crate::{
    api::{
        Around, Choice,
        results::{BringPage, InboxPage, Offered, RecordDraft, RecordPage, ResultsDraft},
    },
    error::AppError,
    routes::href,
    viewer::viewer_of,
};

fn may(asked: &Asked) -> Choice {
    choice(Action::RecordResults.allowed(viewer_of(&asked.actor).role))
}

async fn offered(asked: &Asked) -> Result<Offered, AppError> {
    let Asked { services, actor } = asked;
    let known = services.attachable(actor).await.map_err(|it| asked.refuse(it))?;
    let words = services.history_words(actor).await.map_err(|it| asked.refuse(it))?;
    let recorded = known.recorded.into_iter().map(|name| format!("recorded/{name}"));
    Ok(Offered {
        releases: known.releases.into_iter().chain(recorded).collect(),
        machines: words.machines.clone(),
        suites: words.suites.clone(),
    })
}

pub(crate) async fn bring(asked: &Asked) -> Result<BringPage, AppError> {
    let draft = use_context::<ResultsDraft>().unwrap_or_default();
    Ok(BringPage { draft, offered: offered(asked).await?, bring: may(asked) })
}

pub(crate) async fn record(
    asked: &Asked,
    release: String,
    case: String,
) -> Result<RecordPage, AppError> {
    let draft = use_context::<RecordDraft>();
    let draft = draft.unwrap_or_else(|| RecordDraft { release, case, ..RecordDraft::default() });
    Ok(RecordPage { draft, offered: offered(asked).await?, record: may(asked) })
}

pub(crate) async fn inbox(asked: &Asked, after: Option<Cursor>) -> Result<InboxPage, AppError> {
    let slice = Slice { after, ..Slice::first() };
    let query = RunQuery { unattached: true, ..RunQuery::default() };
    let found = asked.services.runs_page(&asked.actor, &query, &slice).await;
    let found = found.map_err(|it| asked.refuse(it))?;
    Ok(InboxPage {
        around: Around::of(&slice, found.next),
        runs: found.items,
        offered: offered(asked).await?,
        attach: may(asked),
    })
}

pub(crate) async fn count(asked: &Asked, run: &RunId, plan: &str) -> Result<(), AppError> {
    let plan = if plan.is_empty() { SMOKE.name } else { plan };
    let counted = asked.services.count_run(&asked.actor, run, plan).await;
    counted.map_err(|it| asked.refuse(it))?;
    Ok(())
}

pub(crate) async fn attach(asked: &Asked, run: &RunId, release: &str) -> Result<(), AppError> {
    let attached = asked.services.attach_run(&asked.actor, run, release).await;
    attached.map_err(|it| asked.refuse(it))?;
    leptos_axum::redirect(&href::run(run));
    Ok(())
}
