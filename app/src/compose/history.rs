//! What results say over time.

use domain::{
    history::{HistoryQuery, InvalidQuery},
    ids::RunId,
    policy::Action,
    run::comparison::CaseChange,
    subject::{Subject, SubjectKey},
    time::Timestamp,
};
use services::history::{
    CaseQuery, FailureQuery, LONGEST_WINDOW, ResultInContext, Side, USUAL_WINDOW,
};

use super::{Asked, invalid, releases::choice};
use crate::{
    api::{
        history::{CasePage, ComparePage, HistoryPage, Narrowed, StandingPage, SubjectChoice},
        releases::ChangeAgainst,
    },
    error::AppError,
    viewer::viewer_of,
};

/// How many results of a case are on a page.
const RESULTS: u32 = 50;
/// How many failures of a release are on a page.
const FAILURES: u32 = 100;

pub(crate) async fn history(
    asked: &Asked,
    query: Result<HistoryQuery, InvalidQuery>,
) -> Result<HistoryPage, AppError> {
    let query = query.map_err(|InvalidQuery { field, message }| invalid(field, &message))?;
    let Asked { services, actor } = asked;
    let history = services.result_history(actor, &query).await.map_err(|it| asked.refuse(it))?;
    let words = services.history_words(actor).await.map_err(|it| asked.refuse(it))?;
    let waiting = services.waiting_runs(actor).await.map_err(|it| asked.refuse(it))?;
    Ok(HistoryPage { query, history, words, waiting })
}

pub(crate) async fn case(
    asked: &Asked,
    case: &str,
    machine: String,
    about: String,
    window: &str,
    before: &str,
) -> Result<CasePage, AppError> {
    let window = match window {
        "" => USUAL_WINDOW,
        text => match text.parse() {
            Ok(window) if (1..=LONGEST_WINDOW).contains(&window) => window,
            _ => {
                let message = format!("give a number from 1 to {LONGEST_WINDOW}");
                return Err(invalid("window", &message));
            }
        },
    };
    let before: Option<i64> = before.parse().ok();
    let query = CaseQuery {
        case: case.to_owned(),
        machine: Some(machine.clone()).filter(|it| !it.is_empty()),
        entry: None,
        about: (!about.is_empty()).then(|| SubjectKey::from(about.as_str())),
        window,
        before: before.map(Timestamp),
        limit: RESULTS,
    };
    let past = asked.services.case_past(&asked.actor, &query).await;
    let past = past.map_err(|it| asked.refuse(it))?;
    Ok(CasePage { past, machine, about, window, newest: before.is_none() })
}

pub(crate) async fn result(
    asked: &Asked,
    run: &RunId,
    case: &str,
) -> Result<ResultInContext, AppError> {
    let found = asked.services.result_in_context(&asked.actor, run, case).await;
    found.map_err(|it| asked.refuse(it))
}

/// How a release stands.
pub(crate) async fn standing(
    asked: &Asked,
    about: &str,
    path: String,
    narrowed: Narrowed,
) -> Result<StandingPage, AppError> {
    let Asked { services, actor } = asked;
    let some = |text: &'_ str| Some(text.to_owned()).filter(|it| !it.is_empty());
    let base = some(&narrowed.baseline).map(|it| SubjectKey::from(it.as_str()));
    let query = FailureQuery {
        suite: some(&narrowed.suite),
        machine: some(&narrowed.machine),
        plan: some(&narrowed.plan),
        unreviewed: narrowed.unreviewed(),
        limit: FAILURES,
    };
    let key = SubjectKey::from(about);
    let standing = services
        .standing(actor, &key, base.as_ref(), &query)
        .await
        .map_err(|it| asked.refuse(it))?;
    let role = viewer_of(actor).role;
    let may = |action: Action| choice(action.allowed(role));
    Ok(StandingPage {
        about: about.to_owned(),
        path,
        standing,
        choices: choices(asked).await?,
        narrowed,
        assess: may(Action::AssessFailure),
        waive: may(Action::Waive),
    })
}

/// What has results, each by the shortest name that finds it: a release that was made elsewhere needs
/// its key only where one of this installation has the same name.
pub(crate) async fn choices(asked: &Asked) -> Result<Vec<SubjectChoice>, AppError> {
    let judged = asked.services.judged(&asked.actor).await.map_err(|it| asked.refuse(it))?;
    let taken = |name: &str| {
        judged.iter().any(|it| match &it.subject {
            Subject::Release { name: other, .. } => other == name,
            Subject::Variant { .. } | Subject::Recorded { .. } => false,
        })
    };
    let choice = |subject: &Subject| {
        let key = subject.key();
        let name = match subject {
            Subject::Recorded { name } if !taken(name) => name.clone(),
            Subject::Release { .. } | Subject::Variant { .. } | Subject::Recorded { .. } => {
                key.clone()
            }
        };
        SubjectChoice { key, name }
    };
    Ok(judged.iter().map(|it| choice(&it.subject)).collect())
}

pub(crate) async fn compare(
    asked: &Asked,
    here: String,
    base: String,
    change: String,
    skipped: &str,
) -> Result<ComparePage, AppError> {
    let Asked { services, actor } = asked;
    let skipped = match skipped {
        "" => 0,
        said => said.parse().map_err(|_| invalid("skip", &format!("\"{said}\" is no number")))?,
    };
    let shown = match change.as_str() {
        "" => vec![CaseChange::Regression, CaseChange::Fixed],
        "all" => CaseChange::ALL.to_vec(),
        words => {
            let read = |word: &str| CaseChange::ALL.into_iter().find(|it| it.word() == word);
            let read: Option<Vec<_>> = words.split(',').map(read).collect();
            read.ok_or_else(|| {
                let known = CaseChange::ALL.map(CaseChange::word).join(", ");
                invalid("change", &format!("\"{words}\" is none of {known}"))
            })?
        }
    };
    let choices = choices(asked).await?;
    if here.is_empty() || base.is_empty() {
        let (found, releases) = (None, None);
        return Ok(ComparePage { here, base, change, shown, skipped, found, releases, choices });
    }
    let found = services.compare_results(actor, &here, &base, &shown).await;
    let found = found.map_err(|it| asked.refuse(it))?;
    let release = |side: &Side| match side {
        Side::Subject(it) => match &it.subject {
            Subject::Release { name, .. } => Some(name.clone()),
            Subject::Variant { .. } | Subject::Recorded { .. } => None,
        },
        Side::Run(_) => None,
    };
    let releases = match (release(&found.here), release(&found.base)) {
        (Some(here), Some(base)) => {
            let against = services.change_between(actor, &base, &here).await;
            let services::releases::ChangeAgainst { base, change, recipe } =
                against.map_err(|it| asked.refuse(it))?;
            Some(ChangeAgainst { base, change, recipe })
        }
        _ => None,
    };
    let found = Some(found);
    Ok(ComparePage { here, base, change, shown, skipped, found, releases, choices })
}
