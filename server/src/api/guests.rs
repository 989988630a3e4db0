//! Guests: booting something in QEMU to try it, reading its console, typing to it.

use std::time::Duration;

use axum::{Json, extract::State};
use domain::{
    guest::{self, GuestState},
    ids::GuestId,
};
use serde::{Deserialize, Serialize};
use services::{Services, guests::ConsolePart};
use utoipa::{IntoParams, ToSchema};

use super::{
    exchange::{Body, Caller, Created, Listed, Path, Query, time},
    problem::{Answer, Problem},
};

/// How long an answer may be held back until a guest writes something.
const PATIENCE: Duration = Duration::from_secs(20);

/// A guest: a QEMU machine that a person started to try something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Guest {
    /// Which guest.
    pub id: String,
    /// What it boots: the name of a release, say.
    pub boots: String,
    /// Address of the page of what it boots.
    pub link: String,
    /// Label of the boot entry that is picked; `null` where the menu is left to whoever types.
    pub entry: Option<String>,
    /// How it stands.
    pub state: GuestState,
    /// When it was started.
    #[schema(format = DateTime)]
    pub started_at: String,
    /// Who started it.
    pub started_by: String,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    pub ends_at: String,
    /// When it ended.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// Why it ended.
    pub outcome: Option<String>,
    /// Who has the keyboard; `null` where it is free.
    pub typist: Option<String>,
    /// How many windows show its console now.
    pub watchers: u32,
    /// Offset of the first byte of its console that is kept.
    pub console_from: u64,
    /// Offset behind the last byte of its console so far.
    pub console_end: u64,
}

impl Guest {
    fn of(it: guest::Guest) -> Self {
        let (ended_at, outcome) = it.ended.unzip();
        Self {
            id: it.id.to_string(),
            boots: it.subject.title,
            link: it.subject.link,
            entry: it.entry,
            state: it.state,
            started_at: time(it.started_at),
            started_by: it.started_by.name,
            ends_at: time(it.ends_at),
            ended_at: ended_at.map(time),
            outcome: outcome.map(|it| it.to_string()),
            typist: it.typist.map(|it| it.name),
            watchers: it.watchers,
            console_from: it.console_from,
            console_end: it.console_end,
        }
    }
}

/// A guest to start.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGuest {
    /// Name of the release to boot.
    pub release: Option<String>,
    /// Name of the variant to boot, in the place of a release.
    pub variant: Option<String>,
    /// Label of the boot entry to pick; the menu is left to whoever types where absent.
    pub entry: Option<String>,
}

/// What is typed.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The keys, 16 KiB at the most; the key Enter is `\r`.
    pub text: String,
}

/// A stretch of a console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConsoleText {
    /// Offset of its first byte: later than what was asked for where that is gone.
    pub from: u64,
    /// What to send as `from` to go on.
    pub next: u64,
    /// What the guest wrote, with its escape sequences; what is no UTF-8 is replaced.
    pub text: String,
}

impl ConsoleText {
    /// The part up to its last whole character: the rest comes when it is whole.
    fn of(part: &ConsolePart) -> Self {
        let whole = match part.bytes.utf8_chunks().last() {
            // Fewer than four bytes at the end may be a character that is still being written.
            Some(last) if last.invalid().len() < 4 => part.bytes.len() - last.invalid().len(),
            Some(_) | None => part.bytes.len(),
        };
        let text = String::from_utf8_lossy(&part.bytes[..whole]).into_owned();
        Self { from: part.from, next: part.from + whole as u64, text }
    }
}

/// Which part of a console.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichPart {
    /// Offset of the first byte; from the first that is kept where absent.
    #[serde(default)]
    from: u64,
    /// Where there is nothing yet, hold the answer back for up to 20 seconds, or until the guest ends.
    #[serde(default)]
    wait: bool,
}

/// Lists guests, newest first: those that run, and the last that have ended. They are forgotten with
/// the server.
#[utoipa::path(get, path = "/guests", tag = "guests", responses((status = 200, body = Listed<Guest>)))]
pub async fn list(
    State(services): State<Services>,
    Caller(actor): Caller,
) -> Answer<Json<Listed<Guest>>> {
    Ok(Listed::whole(services.guests(&actor)?.into_iter().map(Guest::of).collect()))
}

/// Boots a release or a variant in a guest, to try it: 201 with the guest, which is being started. Its starter has
/// the keyboard. What a guest shows is no evidence.
#[utoipa::path(post, path = "/guests", tag = "guests", request_body = NewGuest, responses((status = 201, body = Guest)))]
pub async fn start(
    State(services): State<Services>,
    Caller(actor): Caller,
    Body(new): Body<NewGuest>,
) -> Answer<Created<Json<Guest>>> {
    let entry = new.entry.as_deref();
    let guest = match (&new.release, &new.variant) {
        (Some(release), None) => services.start_guest_of_release(&actor, release, entry).await?,
        (None, Some(variant)) => services.start_guest_of_variant(&actor, variant, entry).await?,
        (Some(_), Some(_)) | (None, None) => {
            let words = "Name what is to boot: a \"release\" or a \"variant\", one of them";
            return Err(Problem::of_field("release", words));
        }
    };
    Ok(Created(format!("/guests/{}", guest.id), Json(Guest::of(guest))))
}

/// Shows a guest.
#[utoipa::path(get, path = "/guests/{id}", tag = "guests", params(("id" = String, Path, description = "Id of the guest")), responses((status = 200, body = Guest)))]
pub async fn show(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<GuestId>,
) -> Answer<Json<Guest>> {
    Ok(Json(Guest::of(services.guest(&actor, &id)?)))
}

/// Ends a guest at once.
#[utoipa::path(post, path = "/guests/{id}/stop", tag = "guests", params(("id" = String, Path, description = "Id of the guest")), responses((status = 200, body = Guest)))]
pub async fn stop(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<GuestId>,
) -> Answer<Json<Guest>> {
    Ok(Json(Guest::of(services.stop_guest(&actor, &id).await?)))
}

/// Gives a guest its whole time once more, from now on.
#[utoipa::path(post, path = "/guests/{id}/extend", tag = "guests", params(("id" = String, Path, description = "Id of the guest")), responses((status = 200, body = Guest)))]
pub async fn extend(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<GuestId>,
) -> Answer<Json<Guest>> {
    Ok(Json(Guest::of(services.extend_guest(&actor, &id).await?)))
}

/// Takes the keyboard of a guest, where nobody has it. One person types at a time.
#[utoipa::path(put, path = "/guests/{id}/keyboard", tag = "guests", params(("id" = String, Path, description = "Id of the guest")), responses((status = 200, body = Guest)))]
pub async fn take_keyboard(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<GuestId>,
) -> Answer<Json<Guest>> {
    Ok(Json(Guest::of(services.take_keyboard(&actor, &id).await?)))
}

/// Gives the keyboard of a guest up, so that somebody else can take it.
#[utoipa::path(delete, path = "/guests/{id}/keyboard", tag = "guests", params(("id" = String, Path, description = "Id of the guest")), responses((status = 200, body = Guest)))]
pub async fn give_up_keyboard(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<GuestId>,
) -> Answer<Json<Guest>> {
    Ok(Json(Guest::of(services.give_up_keyboard(&actor, &id).await?)))
}

/// Types to a guest, for whoever has its keyboard.
#[utoipa::path(post, path = "/guests/{id}/input", tag = "guests", params(("id" = String, Path, description = "Id of the guest")), request_body = Input, responses((status = 200, body = Guest)))]
pub async fn send_input(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<GuestId>,
    Body(input): Body<Input>,
) -> Answer<Json<Guest>> {
    services.type_to_guest(&actor, &id, input.text.as_bytes())?;
    Ok(Json(Guest::of(services.guest(&actor, &id)?)))
}

/// Gives what a guest wrote to its serial console, from an offset on.
#[utoipa::path(get, path = "/guests/{id}/console", tag = "guests", params(("id" = String, Path, description = "Id of the guest"), WhichPart), responses((status = 200, body = ConsoleText)))]
pub async fn console(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(id): Path<GuestId>,
    Query(WhichPart { from, wait }): Query<WhichPart>,
) -> Answer<Json<ConsoleText>> {
    let patience = if wait { PATIENCE } else { Duration::ZERO };
    let part = services.guest_console(&actor, &id, from, patience).await?;
    Ok(Json(ConsoleText::of(&part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_that_is_not_whole_comes_later() {
        let text = |bytes: &[u8]| {
            let part = ConsolePart { from: 7, bytes: bytes.to_vec() };
            let ConsoleText { from, next, text } = ConsoleText::of(&part);
            (from, next, text)
        };
        assert_eq!(text("ä".as_bytes()), (7, 9, "ä".to_owned()));
        assert_eq!(text(b"a\xc3"), (7, 8, "a".to_owned()));
        assert_eq!(text(b"\xffb"), (7, 9, "\u{fffd}b".to_owned()));
        assert_eq!(text(b""), (7, 7, String::new()));
    }
}
