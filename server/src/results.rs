//! The forms that bring results in: they carry files, and are answered with the form again where they have
//! faults, so that nothing that was typed is lost, with or without script. And the history as a table.

use std::fmt::Write as _;

use app::{
    api::results::{RecordDraft, ResultsDraft},
    error::AppError,
    routes::href,
};
use axum::{
    Extension,
    extract::{Query, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{
    actor::Actor,
    history::{Column, HistoryQuery, worst},
    policy::Action,
    run::{Run, file::Said, reported::ResultFormat},
};
use services::{
    ServiceError, Services,
    results::{LONGEST_PICTURE, ManualResult, Picture, ResultsOrder},
};

use crate::{
    dashboard::AppState,
    multipart::{Limits, Parts, Unread},
    recipes::page_of,
    refusal,
};

const LIMITS: Limits = Limits { texts_mib: 1, parts: 32 };

/// `POST /tests/import`
pub(crate) async fn bring(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Response {
    // Before anything is read: what is sent may be long.
    if let Err(refused) = Action::RecordResults.allowed_to(&actor.who) {
        return refusal::of_service(&refused.into());
    }
    let page = page_of(&request);
    match read_file(&state.services, &actor, request).await {
        Ok((_, Ok(run))) => Redirect::to(&href::run(&run.id)).into_response(),
        Ok((mut draft, Err(error))) => {
            draft.error = Some(error);
            state.page_with(StatusCode::UNPROCESSABLE_ENTITY, draft, page).await
        }
        Err(unread) => unread.answer(LIMITS, "nothing was brought in"),
    }
}

/// Reads the form up to its file, which is the last of it, and brings that in as it comes.
async fn read_file(
    services: &Services,
    actor: &Actor,
    request: Request,
) -> Result<(ResultsDraft, Result<Run, AppError>), Unread> {
    let mut parts = Parts::of(request, LIMITS)?;
    let mut draft = ResultsDraft::default();
    while let Some(part) = parts.next().await? {
        match part.file.clone() {
            Some(file) if !file.is_empty() => {
                let order = match order(&draft, file) {
                    Ok(order) => order,
                    Err(error) => return Ok((draft, Err(error))),
                };
                let brought = services.bring_results(actor, order, part.bytes()).await;
                let brought = match brought {
                    Ok(brought) => Ok(brought.run),
                    Err(error) => Err(told(error)?),
                };
                return Ok((draft, brought));
            }
            Some(_) => {}
            None => {
                let name = part.name.clone();
                let value = parts.text(part).await?.trim().to_owned();
                match name.as_str() {
                    "release" => draft.release = value,
                    "machine" => draft.machine = value,
                    "entry" => draft.entry = value,
                    "suite" => draft.suite = value,
                    "kernel" => draft.kernel = value,
                    "format" => draft.format = value,
                    "board" => draft.board = value,
                    _ => {}
                }
            }
        }
    }
    Ok((draft, Err(invalid("file", "choose the file"))))
}

fn order(draft: &ResultsDraft, name: String) -> Result<ResultsOrder, AppError> {
    let format: Option<ResultFormat> = match draft.format.as_str() {
        "" => None,
        word => Some(
            word.parse()
                .map_err(|error: domain::job::UnknownWord| invalid("format", &error.to_string()))?,
        ),
    };
    let some = |text: &String| Some(text.clone()).filter(|it| !it.is_empty());
    let said = Said {
        format,
        board: some(&draft.board),
        subject: some(&draft.release),
        machine: some(&draft.machine),
        entry: some(&draft.entry),
        kernel: some(&draft.kernel),
        suite: some(&draft.suite),
        manifest: None,
        plan: None,
    };
    Ok(ResultsOrder { name, said })
}

/// `POST /tests/record`
pub(crate) async fn record(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Response {
    if let Err(refused) = Action::RecordResults.allowed_to(&actor.who) {
        return refusal::of_service(&refused.into());
    }
    let page = page_of(&request);
    let (mut draft, picture) = match read_seen(request).await {
        Ok(read) => read,
        Err(unread) => return unread.answer(LIMITS, "nothing was kept"),
    };
    let error = match seen(&draft, picture) {
        Err(error) => error,
        Ok(result) => match state.services.record_manual_result(&actor, result).await {
            Ok(run) => return Redirect::to(&href::run(&run.id)).into_response(),
            Err(error) => match told(error) {
                Ok(error) => error,
                Err(unread) => return unread.answer(LIMITS, "nothing was kept"),
            },
        },
    };
    draft.error = Some(error);
    state.page_with(StatusCode::UNPROCESSABLE_ENTITY, draft, page).await
}

type Taken = Result<Option<Picture>, AppError>;

async fn read_seen(request: Request) -> Result<(RecordDraft, Taken), Unread> {
    let mut parts = Parts::of(request, LIMITS)?;
    let (mut draft, mut picture) = (RecordDraft::default(), Ok(None));
    while let Some(part) = parts.next().await? {
        match part.file.clone() {
            Some(name) if !name.is_empty() => {
                picture = match part.short(LONGEST_PICTURE).await? {
                    Some(bytes) => Ok(Some(Picture { name, bytes })),
                    None => Err(invalid("picture", "a picture has 10 MiB at the most")),
                };
            }
            Some(_) => {}
            None => {
                let name = part.name.clone();
                let value = parts.text(part).await?.trim().replace("\r\n", "\n");
                match name.as_str() {
                    "release" => draft.release = value,
                    "machine" => draft.machine = value,
                    "suite" => draft.suite = value,
                    "case" => draft.case = value,
                    "title" => draft.title = value,
                    "outcome" => draft.outcome = value.parse().ok(),
                    "comment" => draft.comment = value,
                    _ => {}
                }
            }
        }
    }
    Ok((draft, picture))
}

fn seen(draft: &RecordDraft, picture: Taken) -> Result<ManualResult, AppError> {
    let some = |text: &String| Some(text.clone()).filter(|it| !it.is_empty());
    if draft.release.is_empty() {
        return Err(invalid("release", "say what it is about"));
    }
    Ok(ManualResult {
        about: draft.release.clone(),
        machine: draft.machine.clone(),
        entry: None,
        suite: some(&draft.suite),
        case: draft.case.clone(),
        title: some(&draft.title),
        outcome: draft.outcome.ok_or_else(|| invalid("outcome", "choose how it ended"))?,
        comment: draft.comment.clone(),
        picture: picture?,
    })
}

fn invalid(field: &str, message: &str) -> AppError {
    AppError::Invalid { field: field.to_owned(), message: message.to_owned() }
}

/// What a form can say itself; for anything else there is a page.
fn told(error: ServiceError) -> Result<AppError, Unread> {
    match error {
        ServiceError::Invalid { field, message } => Ok(invalid(field, &message)),
        ServiceError::NotFound(what) => Ok(invalid("release", &format!("there is no {what}"))),
        ServiceError::Conflict(message) => Ok(AppError::Conflict { message }),
        ServiceError::Throttled(message) | ServiceError::Unavailable(message) => {
            Ok(AppError::Unavailable { message })
        }
        other => Err(Unread::Refused(other)),
    }
}

/// `GET /tests/history.csv`: a part of the history as a table, the worst outcome in each cell.
pub(crate) async fn history_table(
    State(services): State<Services>,
    Extension(actor): Extension<Actor>,
    Query(parts): Query<std::collections::HashMap<String, String>>,
) -> Response {
    let asked = HistoryQuery::of(|part| parts.get(part).cloned().unwrap_or_default());
    let asked = match asked {
        Ok(asked) => asked,
        Err(error) => {
            let words = format!("This history cannot be shown: {}: {}", error.field, error.message);
            return refusal::page(StatusCode::UNPROCESSABLE_ENTITY, &words);
        }
    };
    let history = match services.result_history(&actor, &asked).await {
        Ok(history) => history,
        Err(error) => return refusal::of_service(&error),
    };
    let mut table = String::from("Test name,Test ID");
    for column in &history.columns {
        let name = match column {
            Column::Release(it) => it.subject.name().to_owned(),
            Column::Run { about, machine, .. } => format!("{about} {machine}"),
        };
        let _ = write!(table, ",{}", cell(&name));
    }
    table.push_str("\r\n");
    for row in &history.rows {
        let _ = write!(table, "{},{}", cell(&row.title), cell(&row.case));
        for it in &row.cells {
            let _ = write!(table, ",{}", it.as_ref().map_or("", |it| worst(it).word()));
        }
        table.push_str("\r\n");
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"history.csv\""),
    ];
    (headers, table).into_response()
}

/// A cell of a table (RFC 4180) that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let neutral = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    format!("\"{neutral}{}\"", text.replace('"', "\"\""))
}
