//! What goes over an open socket, until one side or the rules end it.

use std::{borrow::Cow, time::Duration};

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use domain::{actor::Actor, guest::ScreenSize, ids::GuestId};
use futures::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use services::{
    ServiceError, Services,
    guests::{GuestWatch, Seen},
};
use tokio::{sync::mpsc, time::timeout};

use super::{Order, Told};
use crate::live::Opened;

/// How long a message may take to be sent before its reader counts as gone.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often who asks is looked at again, and a silent browser is asked whether it is there.
const LOOK_AGAIN: Duration = Duration::from_secs(15);
/// How long a browser may be silent; it answers when it is asked.
const SILENCE: Duration = Duration::from_secs(60);
/// How many refusals wait for a browser that does not read.
const REFUSALS: usize = 16;

/// Why a socket is closed; the browser shows the words.
struct Closed {
    code: u16,
    why: Cow<'static, str>,
}

impl Closed {
    /// Nothing is wrong, and the browser may come back.
    fn away(why: &'static str) -> Self {
        Self { code: close_code::AWAY, why: why.into() }
    }

    /// The browser may not come back.
    fn refused(why: impl Into<Cow<'static, str>>) -> Self {
        Self { code: close_code::POLICY, why: why.into() }
    }
}

/// A socket at work.
struct Conversation {
    services: Services,
    opened: Opened,
    actor: Actor,
    guest: GuestId,
}

/// Holds the conversation to its end.
pub(super) async fn hold(
    socket: WebSocket,
    services: Services,
    opened: Opened,
    actor: Actor,
    guest: GuestId,
    watch: GuestWatch,
) {
    let (mut sink, stream) = socket.split();
    let conversation = Conversation { services, opened, actor, guest };
    let (refuse, refusals) = mpsc::channel(REFUSALS);
    let mut ending = conversation.opened.ending.clone();
    let closed = tokio::select! {
        closed = conversation.tell(&mut sink, watch, refusals) => closed,
        closed = conversation.listen(stream, &refuse) => closed,
        closed = conversation.look_again() => closed,
        () = ending.begun() => Some(Closed::away("The server ends; this goes on when it is back.")),
    };
    if let Some(Closed { code, why }) = closed {
        // A control frame carries 123 bytes (RFC 6455 §5.5).
        let end = why.floor_char_boundary(123);
        let frame = CloseFrame { code, reason: why[..end].into() };
        // Whoever does not read any more does not read this either.
        let _ = timeout(PATIENCE, sink.send(Message::Close(Some(frame)))).await;
    }
}

impl Conversation {
    /// Who asks now; the inner error is why nobody does any more.
    async fn who_now(&self) -> Result<Actor, Closed> {
        let Opened { ticket, sessions, .. } = &self.opened;
        match ticket.who(&self.services, sessions).await {
            Ok(Some(who)) => Ok(Actor { who, ..self.actor.clone() }),
            Ok(None) => Err(Closed::refused(SESSION_ENDED)),
            Err(error) => {
                tracing::error!(%error, "a guest's socket cannot be judged");
                Err(Closed { code: close_code::ERROR, why: "This failed on our side.".into() })
            }
        }
    }

    /// Sends what the guest writes and how it stands. Ends without a reason where the browser is
    /// gone.
    async fn tell(
        &self,
        sink: &mut SplitSink<WebSocket, Message>,
        mut watch: GuestWatch,
        mut refusals: mpsc::Receiver<String>,
    ) -> Option<Closed> {
        let begin = Told::Begin { from: watch.position(), until: watch.end() };
        let mut message = text(&begin);
        loop {
            match timeout(PATIENCE, sink.send(message)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => return Some(Closed::away("This browser reads too slowly.")),
            }
            message = tokio::select! {
                Some(why) = refusals.recv() => text(&Told::Refused { why }),
                seen = watch.next() => match seen {
                    Seen::Wrote(bytes) => Message::Binary(bytes.into()),
                    Seen::Lost(bytes) => text(&Told::Lost { bytes }),
                    Seen::Stands(guest) => text(&Told::of(&guest, &self.actor)),
                },
                () = tokio::time::sleep(LOOK_AGAIN) => Message::Ping(axum::body::Bytes::new()),
            };
        }
    }

    /// Does what the browser asks. Ends without a reason where it is gone.
    async fn listen(
        &self,
        mut stream: SplitStream<WebSocket>,
        refuse: &mpsc::Sender<String>,
    ) -> Option<Closed> {
        loop {
            let message = match timeout(SILENCE, stream.next()).await {
                Ok(Some(Ok(message))) => message,
                Ok(Some(Err(_)) | None) => return None,
                Err(_) => return Some(Closed::away("This browser does not answer.")),
            };
            let done = match message {
                Message::Binary(keys) => match self.who_now().await {
                    Ok(actor) => self.services.type_to_guest(&actor, &self.guest, &keys),
                    Err(closed) => return Some(closed),
                },
                Message::Text(order) => {
                    match (serde_json::from_str(&order), self.who_now().await) {
                        (_, Err(closed)) => return Some(closed),
                        (Ok(order), Ok(actor)) => self.obey(&actor, order).await,
                        (Err(_), Ok(_)) => {
                            Err(ServiceError::invalid("order", "this page is old; load it again"))
                        }
                    }
                }
                Message::Close(_) => return None,
                Message::Ping(_) | Message::Pong(_) => Ok(()),
            };
            if let Err(error) = done {
                let why = app::error::sentence(&error.to_string());
                // Who does not read what is refused is told by the next refusal.
                let _ = refuse.try_send(why);
            }
        }
    }

    async fn obey(&self, actor: &Actor, order: Order) -> Result<(), ServiceError> {
        match order {
            Order::Take => self.services.take_keyboard(actor, &self.guest).await.map(|_| ()),
            Order::GiveUp => self.services.give_up_keyboard(actor, &self.guest).await.map(|_| ()),
            Order::Resize { columns, rows } => {
                self.services.resize_guest(actor, &self.guest, ScreenSize { columns, rows })
            }
        }
    }

    /// Waits until the right to watch is gone: told at once where a session or a person changes,
    /// and looked at now and then besides.
    async fn look_again(&self) -> Option<Closed> {
        let Opened { ticket, sessions, .. } = &self.opened;
        let mut ended = std::pin::pin!(ticket.ended(&self.services, sessions));
        loop {
            let over = tokio::select! {
                _ = &mut ended => true,
                () = tokio::time::sleep(LOOK_AGAIN) => false,
            };
            match self.who_now().await {
                Err(closed) => return Some(closed),
                Ok(_) if over => return Some(Closed::refused(SESSION_ENDED)),
                Ok(actor) => {
                    if let Err(error) = self.services.guest(&actor, &self.guest) {
                        return Some(Closed::refused(app::error::sentence(&error.to_string())));
                    }
                }
            }
        }
    }
}

const SESSION_ENDED: &str = "Your session has ended, or your role has changed: sign in again.";

fn text(told: &Told) -> Message {
    // What has no map with other keys than texts always is JSON.
    Message::Text(serde_json::to_string(told).unwrap_or_default().into())
}
