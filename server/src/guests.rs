//! The socket of a guest's console, and its text as a file.
//!
//! Bytes come as binary messages, from the offset that the browser says it has; what else there is
//! to tell comes as JSON ([`Told`]). A binary message of the browser is typed, a text one is an
//! [`Order`]. The server decides who types; a browser that types all the same is told why not.
//!
//! A socket outlives the request that opened it, so who asks is found out anew for every message
//! and on a timer, and the socket is closed, with the reason, where the session or the right is
//! gone. A browser that reads too slowly keeps nobody waiting: what the guest wrote stays where it
//! is kept, and a message that cannot be sent in time ends the socket.

mod conversation;

use axum::{
    Extension,
    extract::{Path, Query, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::HeaderMap,
    response::{IntoResponse as _, Response},
};
use domain::{
    actor::Actor,
    guest::{Guest, GuestState},
    ids::GuestId,
};
use serde::{Deserialize, Serialize};
use services::Services;

use crate::{
    live::{After, Opened},
    refusal,
};

/// The longest message that a browser may send, in bytes: a little more than is typed at once.
const LONGEST_MESSAGE: usize = services::guests::MOST_TYPED + 1024;

/// What a socket tells besides the bytes of the console.
#[derive(Debug, Serialize)]
#[serde(tag = "told", rename_all = "kebab-case")]
pub enum Told {
    /// The first message: at which offset the bytes begin, and up to where they were written
    /// before the socket was opened.
    Begin {
        /// Offset of the next byte.
        from: u64,
        /// Offset behind the last byte that is not new.
        until: u64,
    },
    /// How the guest stands.
    Stands {
        /// Whether it runs.
        state: GuestState,
        /// Who types; `None` where the keyboard is free.
        typist: Option<String>,
        /// Whether that is whoever opened the socket.
        yours: bool,
        /// Characters in a line of its screen.
        columns: u16,
        /// Lines of its screen.
        rows: u16,
    },
    /// So many bytes are gone, since the browser was too slow for them; the next come after them.
    Lost {
        /// How many.
        bytes: u64,
    },
    /// What was asked for was not done.
    Refused {
        /// Why, for people.
        why: String,
    },
}

impl Told {
    fn of(guest: &Guest, actor: &Actor) -> Self {
        Self::Stands {
            state: guest.state,
            typist: guest.typist.as_ref().map(|typist| typist.name.clone()),
            yours: guest.typist.as_ref().is_some_and(|it| actor.person() == Some(&it.id)),
            columns: guest.screen.columns,
            rows: guest.screen.rows,
        }
    }
}

/// What a browser asks of the guest besides typing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Order {
    /// Give me the keyboard.
    Take,
    /// Others may have the keyboard.
    GiveUp,
    /// Let the screen have this size.
    Resize {
        /// Characters in a line.
        columns: u16,
        /// Lines.
        rows: u16,
    },
}

/// `GET /guests/{id}/socket?after=N`: the console from offset `N` on, as a WebSocket.
/// [`crate::origin::guard`] lets nothing but a page of ours open it.
pub async fn socket(
    State(services): State<Services>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<GuestId>,
    Query(query): Query<After>,
    opened: Opened,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(error) => return error.into_response(),
    };
    match services.watch_guest(&actor, &id, query.after()) {
        Ok(watch) => {
            upgrade.max_message_size(LONGEST_MESSAGE).max_frame_size(LONGEST_MESSAGE).on_upgrade(
                move |socket| conversation::hold(socket, services, opened, actor, id, watch),
            )
        }
        Err(error) => refusal::of_service(&error),
    }
}

/// `GET /guests/{id}/console`: what is kept of what the guest wrote, as text.
pub async fn console(
    State(services): State<Services>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<GuestId>,
    headers: HeaderMap,
) -> Response {
    crate::downloads::answer(services.guest_console_file(&actor, &id), &headers)
}
