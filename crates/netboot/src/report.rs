//! `POST /report`: a machine says how far its boot is.
//!
//! The only request that changes anything. It needs the token of one boot, is small and read within seconds, and
//! is answered when it is written down, so that a machine that was told so need not say it again. The
//! form of a report stands in [`domain::boot::report`].

use std::time::Duration;

use axum::{
    Extension,
    body::{Body, to_bytes},
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use domain::boot::report::{LONGEST_REPORT, parse};

use crate::{connections::Peer, listener::BootListener, traces::ReportAnswer};

/// How long the text of a report may take to come.
const READ: Duration = Duration::from_secs(10);
/// How long it may take to be written down.
const WRITTEN: Duration = Duration::from_secs(10);

/// Takes a report.
pub(crate) async fn take(
    State(listener): State<BootListener>,
    peer: Option<Extension<Peer>>,
    body: Body,
) -> Response {
    let address = peer.and_then(|Extension(peer)| peer.0);
    match taken(&listener, address, body).await {
        // Clients as small as busybox's wget take no answer without a body for a good one.
        Ok(()) => "noted\n".into_response(),
        Err((status, reason)) => {
            let mut answer = (status, format!("{reason}\n")).into_response();
            if status == StatusCode::SERVICE_UNAVAILABLE {
                answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            answer
        }
    }
}

async fn taken(
    listener: &BootListener,
    address: Option<std::net::IpAddr>,
    body: Body,
) -> Result<(), (StatusCode, String)> {
    let traces = listener
        .traces()
        .ok_or_else(|| (StatusCode::NOT_FOUND, "this boot listener takes no reports".to_owned()))?;
    let bytes = tokio::time::timeout(READ, to_bytes(body, LONGEST_REPORT))
        .await
        .map_err(|_| (StatusCode::REQUEST_TIMEOUT, "the report took too long".to_owned()))?
        .map_err(|_| {
            let reason = format!("a report has {LONGEST_REPORT} bytes at the most");
            (StatusCode::PAYLOAD_TOO_LARGE, reason)
        })?;
    let (token, report) =
        parse(&bytes).map_err(|error| (StatusCode::BAD_REQUEST, error.to_string()))?;
    let now = listener.now();
    let token = traces.token(&token, now).ok_or_else(|| {
        (StatusCode::FORBIDDEN, "that is no token of a boot, or its time is over".to_owned())
    })?;
    let busy =
        || (StatusCode::SERVICE_UNAVAILABLE, "the report could not be written down".to_owned());
    let answered = traces.report(token, address, now, report).ok_or_else(busy)?;
    match tokio::time::timeout(WRITTEN, answered).await {
        Ok(Ok(ReportAnswer::Noted)) => Ok(()),
        Ok(Ok(ReportAnswer::Spent)) => {
            Err((StatusCode::GONE, "this boot has ended: its token is spent".to_owned()))
        }
        Ok(Ok(ReportAnswer::Unknown)) => {
            Err((StatusCode::NOT_FOUND, "that machine is not known any more".to_owned()))
        }
        Ok(Err(_)) | Err(_) => Err(busy()),
    }
}
