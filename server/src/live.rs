//! Live data: server-sent events (WHATWG HTML §9.2). Nothing polls.
//!
//! A job's log is a stream of numbered lines: the number is the event's id, so a browser that was
//! cut off says which line it has (`Last-Event-ID`, or `?after=` on the first connect) and gets
//! what follows, each line once and in order. `/events` tells pages that something changed; they
//! then ask for what they show.

use std::{convert::Infallible, time::Duration};

use axum::{
    Extension,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use domain::{actor::Actor, ids::JobId};
use futures::{Stream, StreamExt};
use serde::Deserialize;
use services::{Services, job_log::LogReader};
use tokio::sync::mpsc;
use tokio_stream::wrappers::{BroadcastStream, ReceiverStream};

use crate::refusal::refusal_page;

/// Where a reader stands.
#[derive(Debug, Deserialize)]
pub struct After {
    #[serde(default)]
    after: u64,
}

/// How many lines are read at once, and how many wait for a slow browser.
const BATCH: usize = 500;

/// `GET /jobs/{id}/log/stream?after=N`: events `line` (JSON of a log line), and `end` with the
/// job's state when no more will come.
pub async fn job_log(
    State(services): State<Services>,
    Extension(actor): Extension<Actor>,
    Path(job): Path<String>,
    Query(query): Query<After>,
    headers: HeaderMap,
) -> Response {
    let job = JobId(job);
    if services.job(&actor, &job).await.is_err() {
        return refusal_page(StatusCode::NOT_FOUND, "There is no such job.");
    }
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let after = last.unwrap_or(query.after);
    let (sender, receiver) = mpsc::channel(BATCH);
    tokio::spawn(async move {
        if let Err(error) = send_log(&services, &actor, &job, after, &sender).await {
            tracing::warn!(job = %job, error = %crate::commands::Chain(&*error), "a log stream ended early");
        }
    });
    events(ReceiverStream::new(receiver).map(Ok::<_, Infallible>))
}

/// Sends lines until the job has ended and all are sent, or the browser has gone.
async fn send_log(
    services: &Services,
    actor: &Actor,
    job: &JobId,
    after: u64,
    sender: &mpsc::Sender<Event>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut changes = services.changes();
    let mut position = after;
    let mut reader: Option<LogReader> = None;
    loop {
        // The order matters: first how the job stands, then its lines, so that lines written
        // before its end are never missed.
        let ended = services.job(actor, job).await?.state;
        let mut follow = services.logs().follow(job);
        if let Some(follow) = &mut follow {
            follow.mark_unchanged();
        }
        if reader.is_none() {
            reader = services.logs().reader(job, position)?;
        }
        while let Some(open) = &mut reader {
            let lines = open.lines(BATCH)?;
            if lines.is_empty() {
                break;
            }
            for line in lines {
                position = line.number;
                let event = Event::default().event("line").id(position.to_string()).json_data(&line)?;
                if sender.send(event).await.is_err() {
                    return Ok(());
                }
            }
        }
        if ended.ended() {
            let _ = sender.send(Event::default().event("end").data(ended.word())).await;
            return Ok(());
        }
        tokio::select! {
            () = async {
                match &mut follow {
                    Some(follow) => { let _ = follow.changed().await; }
                    None => std::future::pending().await,
                }
            } => {}
            _ = changes.recv() => {}
            () = sender.closed() => return Ok(()),
        }
    }
}

/// `GET /events`: one event `change` per committed change (its data is the topic, such as
/// `job/<id>`), and one on connecting, so that a page that was cut off looks again.
pub async fn changes(State(services): State<Services>) -> Response {
    let now = Event::default().event("change").data("connected");
    let following = BroadcastStream::new(services.changes()).map(|change| {
        // A reader that fell behind has missed topics: it must look at everything.
        let topic = change.unwrap_or_else(|_| "everything".to_owned());
        Event::default().event("change").data(topic)
    });
    events(futures::stream::once(async { now }).chain(following).map(Ok::<_, Infallible>))
}

fn events(stream: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))).into_response()
}
