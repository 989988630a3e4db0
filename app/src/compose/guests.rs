//! Guests: the list, one, and what is done with it.

use std::time::Duration;

use domain::{guest::Guest, ids::GuestId, policy};
use services::ServiceError;

use super::{Asked, releases::choice};
use crate::{
    api::guests::{GuestPage, GuestsPage},
    error::AppError,
    routes::href,
    viewer::viewer_of,
};

/// How long a page without script is held back until a guest answers a line.
const ANSWER: Duration = Duration::from_secs(2);

pub(crate) fn list(asked: &Asked) -> Result<GuestsPage, AppError> {
    let guests = asked.services.guests(&asked.actor).map_err(|it| asked.refuse(it))?;
    Ok(GuestsPage { guests, minutes: minutes(asked) })
}

pub(crate) fn guest(asked: &Asked, id: &GuestId) -> Result<GuestPage, AppError> {
    let Asked { services, actor } = asked;
    let guest = services.guest(actor, id).map_err(|it| asked.refuse(it))?;
    let usable = policy::may_use_guest(viewer_of(actor).role, guest.state);
    let yours = guest.typist.as_ref().is_some_and(|it| actor.person() == Some(&it.id));
    let held = guest
        .typist
        .as_ref()
        .map_or(Ok(()), |typist| Err(policy::Refusal::KeyboardHeld { by: typist.name.clone() }));
    let takes = choice(usable.clone().and(held));
    Ok(GuestPage { takes, usable: choice(usable), yours, guest, minutes: minutes(asked) })
}

fn minutes(asked: &Asked) -> u64 {
    asked.services.guest_limits().life.as_secs() / 60
}

pub(crate) async fn console(asked: &Asked, id: &GuestId) -> Result<Vec<String>, AppError> {
    let part = asked.services.guest_console(&asked.actor, id, 0, Duration::ZERO).await;
    let bytes = part.map_err(|it| asked.refuse(it))?.bytes;
    Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
}

pub(crate) async fn start(asked: &Asked, version: &str, entry: &str) -> Result<(), AppError> {
    let entry = Some(entry).filter(|entry| !entry.is_empty());
    let started = asked.services.start_guest_of_release(&asked.actor, version, entry).await;
    let guest = started.map_err(|it| asked.refuse(it))?;
    leptos_axum::redirect(&href::guest(&guest.id));
    Ok(())
}

pub(crate) async fn start_of_variant(
    asked: &Asked,
    name: &str,
    entry: &str,
) -> Result<(), AppError> {
    let entry = Some(entry).filter(|entry| !entry.is_empty());
    let started = asked.services.start_guest_of_variant(&asked.actor, name, entry).await;
    let guest = started.map_err(|it| asked.refuse(it))?;
    leptos_axum::redirect(&href::guest(&guest.id));
    Ok(())
}

pub(crate) async fn stop(asked: &Asked, id: &GuestId) -> Result<(), AppError> {
    done(asked, asked.services.stop_guest(&asked.actor, id).await)
}

pub(crate) async fn extend(asked: &Asked, id: &GuestId) -> Result<(), AppError> {
    done(asked, asked.services.extend_guest(&asked.actor, id).await)
}

pub(crate) async fn take_keyboard(asked: &Asked, id: &GuestId) -> Result<(), AppError> {
    done(asked, asked.services.take_keyboard(&asked.actor, id).await)
}

pub(crate) async fn give_up_keyboard(asked: &Asked, id: &GuestId) -> Result<(), AppError> {
    done(asked, asked.services.give_up_keyboard(&asked.actor, id).await)
}

pub(crate) async fn send_line(asked: &Asked, id: &GuestId, line: &str) -> Result<(), AppError> {
    let Asked { services, actor } = asked;
    let before = services.guest(actor, id).map_err(|it| asked.refuse(it))?.console_end;
    let typed = services.type_to_guest(actor, id, format!("{line}\r").as_bytes());
    typed.map_err(|it| asked.refuse(it))?;
    // The page that follows should show what the guest makes of it.
    let answer = services.guest_console(actor, id, before, ANSWER).await;
    answer.map(drop).map_err(|it| asked.refuse(it))
}

fn done(asked: &Asked, done: Result<Guest, ServiceError>) -> Result<(), AppError> {
    done.map(drop).map_err(|it| asked.refuse(it))
}
