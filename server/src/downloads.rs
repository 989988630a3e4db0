//! Files of releases and kernels, and logs, to keep: under stable addresses, for the browser's
//! "save as" and for programs, which go on with a part where they were cut off.

use std::io::{Seek as _, SeekFrom};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    actor::Actor,
    ids::{JobId, RunId},
};
use netboot::Part;
use services::{ServiceError, Services, downloads::Download};
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;

use crate::{api::problem::Problem, refusal};

/// `GET /releases/{version}/files/{name}`: a component, `manifest.json`, `manifest.json.minisig`,
/// `bootwright.pub`, `lock.json` or `sbom.spdx.json`.
pub async fn release_file(
    State(services): State<Services>,
    Extension(actor): Extension<Actor>,
    Path((version, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    answer(services.release_file(&actor, &version, &name).await, &headers)
}

/// `GET /kernels/{name}/builds/{number}/files/{file}`: a file of its record, `record.json` or
/// `config`.
pub async fn kernel_file(
    State(services): State<Services>,
    Extension(actor): Extension<Actor>,
    Path((name, number, file)): Path<(String, u32, String)>,
    headers: HeaderMap,
) -> Response {
    answer(services.kernel_file(&actor, &name, number, &file).await, &headers)
}

/// `GET /jobs/{id}/log`: the whole log as text.
pub async fn job_log(
    State(services): State<Services>,
    Extension(actor): Extension<Actor>,
    Path(job): Path<String>,
    headers: HeaderMap,
) -> Response {
    answer(services.job_log_file(&actor, &JobId(job)).await, &headers)
}

/// `GET /runs/{id}/console`: what a machine wrote to its serial console.
pub async fn console(
    State(services): State<Services>,
    Extension(actor): Extension<Actor>,
    Path(run): Path<String>,
    headers: HeaderMap,
) -> Response {
    answer(services.console_file(&actor, &RunId(run)).await, &headers)
}

pub(crate) fn answer(download: Result<Download, ServiceError>, headers: &HeaderMap) -> Response {
    let sent = match download {
        Ok(download) => sent(download, headers),
        Err(error) => return refusal::of_service(&error),
    };
    sent.unwrap_or_else(|why| {
        why.told(refusal::page(StatusCode::RANGE_NOT_SATISFIABLE, &why.words()))
    })
}

/// A file on its way to a program.
pub(crate) fn to_program(download: Download, headers: &HeaderMap) -> Response {
    sent(download, headers).unwrap_or_else(|why| {
        let problem = Problem::new(StatusCode::RANGE_NOT_SATISFIABLE, &why.words());
        why.told(problem.into_response())
    })
}

/// The part that was asked for lies outside a file of that many bytes.
struct Outside(u64);

impl Outside {
    fn words(&self) -> String {
        format!("The file has {} bytes, and the part that was asked for lies outside.", self.0)
    }

    /// The refusal with how long the file is (RFC 9110 §15.5.17).
    fn told(&self, mut refusal: Response) -> Response {
        let size = HeaderValue::from_str(&format!("bytes */{}", self.0));
        refusal.headers_mut().extend(size.map(|size| (header::CONTENT_RANGE, size)));
        refusal
    }
}

/// A file, or the part of it that a `Range` header asks for. Nothing here has a validator, so that a
/// part with a condition (`If-Range`) is answered by all of it.
fn sent(download: Download, headers: &HeaderMap) -> Result<Response, Outside> {
    let (name, media_type, size) = match &download {
        Download::Bytes { name, media_type, bytes } => (name, *media_type, bytes.len() as u64),
        Download::File { name, media_type, size, .. } => (name, *media_type, *size),
    };
    // Text is shown, the rest is saved; what a machine wrote must never act as a page of ours.
    let shown = media_type.starts_with("text/plain") || media_type == "application/json";
    let disposition = if shown { "inline" } else { "attachment" };
    let Ok(disposition) = HeaderValue::from_str(&format!("{disposition}; filename=\"{name}\""))
    else {
        return Ok(refusal::page(StatusCode::NOT_FOUND, "There is no such file."));
    };
    let wanted = headers.get(header::RANGE).filter(|_| !headers.contains_key(header::IF_RANGE));
    let (first, length, part) = match netboot::range(wanted.and_then(|it| it.to_str().ok()), size) {
        Part::Whole => (0, size, None),
        Part::Some { first, length } => {
            let part = format!("bytes {first}-{}/{size}", first + length - 1);
            (first, length, HeaderValue::from_str(&part).ok())
        }
        Part::Outside => return Err(Outside(size)),
    };
    let Ok(body) = body(download, first, length) else {
        let words = "This file cannot be read on our side; the log of the server says why.";
        return Ok(refusal::page(StatusCode::INTERNAL_SERVER_ERROR, words));
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (header::CONTENT_LENGTH, HeaderValue::from(length)),
        (header::CONTENT_DISPOSITION, disposition),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
    ];
    let status = if part.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let mut response = (status, headers, body).into_response();
    response.headers_mut().extend(part.map(|part| (header::CONTENT_RANGE, part)));
    Ok(response)
}

fn body(download: Download, first: u64, length: u64) -> std::io::Result<Body> {
    match download {
        Download::Bytes { bytes, .. } => {
            let (first, length) = (usize::try_from(first), usize::try_from(length));
            let (first, length) = (first.unwrap_or(0), length.unwrap_or(bytes.len()));
            Ok(Body::from(Bytes::from(bytes).slice(first..first + length)))
        }
        Download::File { mut file, name, .. } => {
            file.seek(SeekFrom::Start(first)).inspect_err(|error| {
                tracing::error!(%error, name, "a file cannot be sent");
            })?;
            let part = tokio::fs::File::from_std(file).take(length);
            Ok(Body::from_stream(ReaderStream::new(part)))
        }
    }
}
