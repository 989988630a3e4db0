//! Machines from a table, and as one. A table is looked at first; what is taken is what was looked at.

use app::{
    api::machines::table::{Looked, TableDraft},
    error::AppError,
};
use axum::{
    Extension,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
};
use domain::{actor::Actor, policy::Action};
use services::{Services, machines::Import};

use crate::{
    dashboard::AppState,
    multipart::{Limits, Parts, Unread},
    recipes::page_of,
    refusal,
};

/// The longest table that a page takes, in MiB: the answer carries it again.
const LONGEST_MIB: usize = 4;
/// The table with the other fields.
const LIMITS: Limits = Limits { texts_mib: LONGEST_MIB + 1, parts: 8 };
const NOTHING: &str = "nothing was looked at";

/// What a form asks for.
struct Sent {
    draft: TableDraft,
    /// Whether it is to be taken: what was looked at is still what was sent.
    take: bool,
}

/// `POST /machines/import`
pub(crate) async fn import(
    State(state): State<AppState>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Response {
    // Before anything is read: what is sent may be long.
    if let Err(refused) = Action::EditMachine.allowed_to(&actor.who) {
        return refusal::of_service(&refused.into());
    }
    let page = page_of(&request);
    let Sent { mut draft, take } = match read(request).await {
        Ok(sent) => sent,
        Err(unread) => return unread.answer(LIMITS, NOTHING),
    };
    if draft.error.is_some() {
        return state.page_with(StatusCode::UNPROCESSABLE_ENTITY, draft, page).await;
    }
    let reason = Some(draft.reason.as_str());
    let status = match state.services.import_machines(&actor, &draft.table, !take, reason).await {
        Ok(Import::Done(done)) if take => {
            let counts = [done.added.len(), done.changed.len(), done.unchanged];
            let counts = counts.map(|it| it.to_string()).join("-");
            return Redirect::to(&format!("/machines/import?taken={counts}")).into_response();
        }
        Ok(Import::Done(would)) => {
            draft.looked = Some(Looked::Would(would));
            StatusCode::OK
        }
        Ok(Import::Faulty(faults)) => {
            draft.looked = Some(Looked::Faulty(faults));
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Err(error) => match super::told(error) {
            Ok((status, error)) => {
                draft.error = Some(error);
                status
            }
            Err(error) => return refusal::of_service(&error),
        },
    };
    state.page_with(status, draft, page).await
}

async fn read(request: Request) -> Result<Sent, Unread> {
    let mut parts = Parts::of(request, LIMITS)?;
    let (mut draft, mut take, mut seen) = (TableDraft::default(), false, None);
    let invalid = |message: String| Some(AppError::Invalid { field: "table".to_owned(), message });
    while let Some(part) = parts.next().await? {
        match part.file.clone() {
            Some(name) if name.is_empty() => {}
            Some(_) => match part.short(LONGEST_MIB << 20).await?.map(String::from_utf8) {
                Some(Ok(table)) => draft.table = unix_lines(&table),
                Some(Err(_)) => {
                    draft.error = invalid("the file is not in UTF-8; save it as that".to_owned());
                }
                None => {
                    draft.error =
                        invalid(format!("a table has {LONGEST_MIB} MiB at the most on this page"));
                }
            },
            None => {
                let name = part.name.clone();
                let value = parts.text(part).await?;
                match name.as_str() {
                    "table" => draft.table = unix_lines(&value),
                    "reason" => draft.reason = unix_lines(value.trim()),
                    "seen" => seen = value.parse().ok(),
                    "do" => take = value == "take",
                    _ => {}
                }
            }
        }
    }
    if draft.table.trim().is_empty() && draft.error.is_none() {
        draft.error = invalid("type a table, or choose a file".to_owned());
    }
    let take = take && seen == Some(draft.seen());
    Ok(Sent { draft, take })
}

/// Forms end lines as the network does.
fn unix_lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// `GET /machines/export`: all machines as a table that can be taken again.
pub(crate) async fn export(
    State(services): State<Services>,
    Extension(actor): Extension<Actor>,
) -> Response {
    match services.export_machines(&actor).await {
        Ok(table) => {
            let headers = [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
                (header::CONTENT_DISPOSITION, "attachment; filename=\"machines.csv\""),
            ];
            (headers, table).into_response()
        }
        Err(error) => refusal::of_service(&error),
    }
}
