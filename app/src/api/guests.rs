//! Guests: the list, and one with its console. What its console brings is streamed, see `guests`
//! of the server.

use domain::{guest::Guest, ids::GuestId};
use leptos::server;
use serde::{Deserialize, Serialize};

use super::Choice;
use crate::error::AppError;

/// `/guests`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GuestsPage {
    /// Newest first: those that run, and the last that have ended.
    pub guests: Vec<Guest>,
    /// How long a guest runs, in minutes.
    pub minutes: u64,
}

/// `/guests/:id`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GuestPage {
    /// The guest.
    pub guest: Guest,
    /// Whether the viewer may stop it or give it more time now.
    pub usable: Choice,
    /// Whether the viewer may take the keyboard now.
    pub takes: Choice,
    /// Whether the viewer has the keyboard.
    pub yours: bool,
    /// How long a guest runs, in minutes.
    pub minutes: u64,
}

/// The guests.
pub(crate) async fn load_guests() -> Result<GuestsPage, AppError> {
    crate::compose::guests::list(&super::asked()?)
}

/// A guest.
pub(crate) async fn load_guest(id: GuestId) -> Result<GuestPage, AppError> {
    crate::compose::guests::guest(&super::asked()?, &id)
}

/// What a guest wrote to its serial console, as lines with their ANSI sequences.
pub(crate) async fn load_guest_console(id: &GuestId) -> Result<Vec<String>, AppError> {
    crate::compose::guests::console(&super::asked()?, id).await
}

/// Boots a release in a guest, and goes to it; without an entry the menu is left to whoever types.
#[server(prefix = "/api/ui")]
pub async fn start_guest(
    version: String,
    #[server(default)] entry: String,
) -> Result<(), AppError> {
    crate::compose::guests::start(&super::asked()?, &version, &entry).await
}

/// Ends a guest.
#[server(prefix = "/api/ui")]
pub async fn stop_guest(id: GuestId) -> Result<(), AppError> {
    crate::compose::guests::stop(&super::asked()?, &id).await
}

/// Gives a guest its whole time once more.
#[server(prefix = "/api/ui")]
pub async fn extend_guest(id: GuestId) -> Result<(), AppError> {
    crate::compose::guests::extend(&super::asked()?, &id).await
}

/// Takes the keyboard of a guest.
#[server(prefix = "/api/ui")]
pub async fn take_keyboard(id: GuestId) -> Result<(), AppError> {
    crate::compose::guests::take_keyboard(&super::asked()?, &id).await
}

/// Gives the keyboard of a guest up.
#[server(prefix = "/api/ui")]
pub async fn give_up_keyboard(id: GuestId) -> Result<(), AppError> {
    crate::compose::guests::give_up_keyboard(&super::asked()?, &id).await
}

/// Types a line to a guest.
#[server(prefix = "/api/ui")]
pub async fn send_line(id: GuestId, #[server(default)] line: String) -> Result<(), AppError> {
    crate::compose::guests::send_line(&super::asked()?, &id, &line).await
}
