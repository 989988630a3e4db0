//! Live data: server-sent events (WHATWG HTML §9.2). Nothing polls.
//!
//! A job's log is a stream of numbered lines: the number is the event's id, so a browser that was
//! cut off says which line it has (`Last-Event-ID`, or `?after=` on the first connect) and gets
//! what follows, each line once and in order. `/events` tells pages that something changed; they
//! then ask for what they show. Both end with the session that they were opened in, and when the
//! server is asked to end.

use std::time::Duration;

use axum::{
    Extension,
    extract::{FromRequestParts, Path, Query, State},
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use domain::{actor::Actor, ids::JobId, job::JobState, log::LogLine};
use futures::{Stream, StreamExt as _};
use serde::Deserialize;
use services::{Services, job_log::LogReader};
use tokio::sync::{broadcast::error::RecvError, mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;

use crate::{auth::Ticket, dashboard::AppState, refusal, session_store::StoredSessions};

/// Tells when the server is asked to end.
#[derive(Clone)]
pub struct Ending(pub watch::Receiver<bool>);

impl Ending {
    pub(crate) async fn begun(&mut self) {
        // An error means that the sender is gone, and so is the server.
        let _ = self.0.wait_for(|ending| *ending).await;
    }
}

/// In which session a stream was opened, and what ends it besides.
#[derive(FromRequestParts)]
#[from_request(state(AppState))]
pub struct Opened {
    #[from_request(via(Extension))]
    pub(crate) ticket: Ticket,
    #[from_request(via(State))]
    pub(crate) sessions: StoredSessions,
    #[from_request(via(State))]
    pub(crate) ending: Ending,
}

/// Where a reader stands.
#[derive(Debug, Deserialize)]
pub struct After {
    #[serde(default)]
    after: u64,
}

impl After {
    /// What the reader has already.
    pub(crate) const fn after(&self) -> u64 {
        self.after
    }
}

/// How many lines are read at once, and how many events wait for a slow browser.
const BATCH: usize = 500;
/// What a stream's producer may fail with; the browser connects again.
type Broken = Box<dyn std::error::Error + Send + Sync>;

/// `GET /jobs/{id}/log/stream?after=N`: events `line` (JSON of a log line), and `end` with the
/// job's state when no more will come.
pub async fn job_log(
    State(services): State<Services>,
    Extension(actor): Extension<Actor>,
    Path(job): Path<String>,
    Query(query): Query<After>,
    headers: HeaderMap,
    opened: Opened,
) -> Response {
    let job = JobId(job);
    if let Err(error) = services.job(&actor, &job).await {
        return refusal::of_service(&error);
    }
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let after = last.unwrap_or(query.after);
    stream(services.clone(), opened, LogEvent::shown, move |sender| async move {
        send_log(&services, &actor, &job, after, true, &sender).await
    })
}

/// What there is to tell of a job's log.
pub enum LogEvent {
    /// A line was written.
    Line(LogLine),
    /// The job has ended so, and no more will come.
    End(JobState),
}

impl LogEvent {
    fn shown(self) -> Result<Event, axum::Error> {
        match self {
            Self::Line(line) => {
                Event::default().event("line").id(line.number.to_string()).json_data(&line)
            }
            Self::End(state) => Ok(Event::default().event("end").data(state.word())),
        }
    }
}

/// A job's log after line `after`, for a program: as far as it is written, or with `follow` until
/// the job has ended. It breaks off where the token by which the program asks is revoked.
pub fn follow_log(
    services: Services,
    mut ending: Ending,
    actor: Actor,
    job: JobId,
    after: u64,
    follow: bool,
) -> impl Stream<Item = LogEvent> {
    let (sender, receiver) = mpsc::channel(BATCH);
    tokio::spawn(async move {
        let done = tokio::select! {
            done = send_log(&services, &actor, &job, after, follow, &sender) => done,
            ended = token_ended(&services, &actor) => ended,
            () = ending.begun() => Ok(()),
        };
        noted(done);
    });
    ReceiverStream::new(receiver)
}

/// Waits until the token of a request is good for nothing any more.
async fn token_ended(services: &Services, actor: &Actor) -> Result<(), Broken> {
    let (Some(token), Some(person)) = (&actor.token, actor.person()) else { return Ok(()) };
    let topics = [format!("token/{token}"), format!("person/{person}")];
    let mut changes = services.changes();
    while services.token_is_alive(token).await? {
        loop {
            match changes.recv().await {
                Ok(told) if topics.contains(&told) => break,
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => break,
                Err(RecvError::Closed) => return Ok(()),
            }
        }
    }
    Ok(())
}

/// Sends lines until the job has ended and all are sent, or whoever reads has gone; without
/// `stay` only those that are there.
async fn send_log(
    services: &Services,
    actor: &Actor,
    job: &JobId,
    after: u64,
    stay: bool,
    sender: &mpsc::Sender<LogEvent>,
) -> Result<(), Broken> {
    let topic = format!("job/{job}");
    let mut changes = services.changes();
    let mut position = after;
    let mut reader: Option<LogReader> = None;
    loop {
        // The order matters: first how the job stands and who writes to its log, then the lines,
        // so that what is written before the one or the other is never missed.
        let state = services.job(actor, job).await?.state;
        let mut opened = services.logs().opened();
        let mut follow = services.logs().follow(job);
        if let Some(follow) = &mut follow {
            follow.mark_unchanged();
        }
        if reader.is_none() {
            reader = services.log_reader(actor, job, position).await?;
        }
        while let Some(open) = &mut reader {
            let lines = open.lines(BATCH)?;
            if lines.is_empty() {
                break;
            }
            for line in lines {
                position = line.number;
                if sender.send(LogEvent::Line(line)).await.is_err() {
                    return Ok(());
                }
            }
        }
        if state.ended() {
            // An error means that whoever reads has gone.
            let _ = sender.send(LogEvent::End(state)).await;
            return Ok(());
        }
        if !stay {
            return Ok(());
        }
        let written = async {
            match &mut follow {
                // An error means that nobody writes any more; the job's change is told as well.
                Some(follow) => match follow.changed().await {
                    Ok(()) => {}
                    Err(_) => std::future::pending().await,
                },
                // An error means that the server ends.
                None => match opened.changed().await {
                    Ok(()) => {}
                    Err(_) => std::future::pending().await,
                },
            }
        };
        let changed = async {
            loop {
                match changes.recv().await {
                    Ok(told) if told == topic => return Ok(()),
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => return Ok(()),
                    Err(RecvError::Closed) => return Err(Broken::from("the server ends")),
                }
            }
        };
        tokio::select! {
            () = written => {}
            changed = changed => changed?,
            () = sender.closed() => return Ok(()),
        }
    }
}

/// `GET /events`: one event `change` per committed change; its data is the topic, `job/<id>` say.
///
/// The first is `connected/<number of changes so far>`: a page that knows another number looks
/// again.
pub async fn changes(State(services): State<Services>, opened: Opened) -> Response {
    let mut following = services.changes();
    // After the subscription: a change in between is told twice rather than never.
    let connected = format!("connected/{}", services.changes_told());
    let change = |topic: String| Ok(Event::default().event("change").data(topic));
    stream(services, opened, change, move |sender| async move {
        sender.send(connected).await?;
        loop {
            let told = tokio::select! {
                told = following.recv() => told,
                () = sender.closed() => return Ok(()),
            };
            let topic = match told {
                Ok(topic) => topic,
                // A reader that fell behind has missed topics: it must look at everything.
                Err(RecvError::Lagged(_)) => "everything".to_owned(),
                Err(RecvError::Closed) => return Ok(()),
            };
            sender.send(topic).await?;
        }
    })
}

/// A stream of what `produce` sends, until it returns, the browser goes, the session ends (the
/// browser connects again, as whoever that is by then) or the server does.
fn stream<T, F>(
    services: Services,
    opened: Opened,
    shown: fn(T) -> Result<Event, axum::Error>,
    produce: impl FnOnce(mpsc::Sender<T>) -> F + Send + 'static,
) -> Response
where
    T: Send + 'static,
    F: Future<Output = Result<(), Broken>> + Send + 'static,
{
    let Opened { ticket, sessions, mut ending } = opened;
    let (sender, receiver) = mpsc::channel(BATCH);
    tokio::spawn(async move {
        let done = tokio::select! {
            done = produce(sender) => done,
            ended = ticket.ended(&services, &sessions) => ended,
            () = ending.begun() => Ok(()),
        };
        noted(done);
    });
    Sse::new(ReceiverStream::new(receiver).map(shown))
        .keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
        .into_response()
}

fn noted(done: Result<(), Broken>) {
    if let Err(error) = done {
        tracing::debug!(error = domain::error_chain::chain(&*error), "a stream ended early");
    }
}
