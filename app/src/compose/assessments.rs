//! What people say of failures.

use domain::{ids::RunId, run::FailureClass};
use services::assessments::{FailureAt, MissingCase, SeenFailure, Statement};

use super::{Asked, invalid};
use crate::{error::AppError, ui::assessment::MISSING};

pub(crate) async fn assess(
    asked: &Asked,
    failures: &[String],
    (issue, blame, comment): (String, &str, String),
    keeping: bool,
) -> Result<(), AppError> {
    let blame = match blame {
        "" => None,
        word => {
            let read = word.parse::<FailureClass>();
            Some(read.map_err(|error| invalid("blame", &error.to_string()))?)
        }
    };
    say(asked, failures, &Statement::Assess { issue, blame, comment, keeping }).await
}

pub(crate) async fn waive(
    asked: &Asked,
    failures: &[String],
    reason: String,
    until: String,
) -> Result<(), AppError> {
    say(asked, failures, &Statement::Waive { reason, until }).await
}

pub(crate) async fn withdraw(asked: &Asked, failures: &[String]) -> Result<(), AppError> {
    say(asked, failures, &Statement::WithdrawWaiver).await
}

async fn say(asked: &Asked, failures: &[String], statement: &Statement) -> Result<(), AppError> {
    if failures.is_empty() {
        return Err(invalid("failures", "tick the failures that this is about"));
    }
    let seen: Option<Vec<_>> = failures.iter().map(|it| seen(it)).collect();
    let seen = seen.ok_or_else(|| invalid("failures", "this page names failures otherwise"))?;
    let said = asked.services.review_failures(&asked.actor, &seen, statement).await;
    said.map_err(|it| asked.refuse(it))
}

/// A failure as forms name it: `<run>/<revision>/<case>`, or `missing/` and what is missing as JSON.
fn seen(text: &str) -> Option<SeenFailure> {
    if let Some(missing) = text.strip_prefix(MISSING) {
        let at = FailureAt::Missing(MissingCase::of_text(missing)?);
        return Some(SeenFailure { at, seen: None });
    }
    let (run, rest) = text.split_once('/')?;
    let (revision, case) = rest.split_once('/')?;
    let seen = Some(revision.parse().ok()?);
    let at = FailureAt::Result { run: RunId::from(run), case: case.to_owned() };
    Some(SeenFailure { at, seen })
}
