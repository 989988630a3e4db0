//! Files of releases and kernels, and logs, to keep: under stable addresses, for the browser's
//! "save as" and for programs, which go on with a part where they were cut off.

use std::io::{Seek as _, SeekFrom};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    actor::Actor,
    ids::{JobId, RunId},
};
use netboot::Part;
use services::{ServiceError, Services, downloads::Download, results::ExportFormat};
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

/// `GET /runs/{id}/export`: a run as a file, made of its rows.
pub async fn run_export(
    State(services): State<Services>,
    Extension(actor): Extension<Actor>,
    Path(run): Path<String>,
    Query(asked): Query<Exported>,
    headers: HeaderMap,
) -> Response {
    let format = match asked.format.as_deref() {
        Some("csv") => ExportFormat::Csv,
        _ => ExportFormat::Json,
    };
    answer(services.export_run(&actor, &RunId(run), format).await, &headers)
}

/// Which form a run is written in: `json` unless it says `csv`.
#[derive(Debug, serde::Deserialize)]
pub struct Exported {
    format: Option<String>,
}

/// `GET /runs/{id}/artefacts/{name}`: something that a run left behind.
///
/// A report that a suite wrote may bring scripts of its own, as Robot Framework's does: it is shown in
/// an origin of its own, so that it can neither read a page of ours nor ask for one as whoever looks.
pub async fn artefact(
    State(services): State<Services>,
    Extension(actor): Extension<Actor>,
    Path((run, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let (file, media_type) = match services.artefact(&actor, &RunId(run), &name).await {
        Ok(found) => found,
        Err(error) => return refusal::of_service(&error),
    };
    let mut response = answer(Ok(file), &headers);
    let shown = match media_type.as_str() {
        "text/html" => "text/html; charset=utf-8",
        "image/png" => "image/png",
        "image/jpeg" => "image/jpeg",
        "image/gif" => "image/gif",
        "image/webp" => "image/webp",
        other if other.starts_with("text/") || other == "application/xml" => {
            "text/plain; charset=utf-8"
        }
        "application/json" => "application/json",
        _ => return response,
    };
    if response.status().is_success() {
        let set = response.headers_mut();
        set.insert(header::CONTENT_TYPE, HeaderValue::from_static(shown));
        set.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("inline"));
        let policy = HeaderValue::from_static(ALONE);
        set.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// What a file that a run left may do: act on itself, and on nothing else.
const ALONE: &str = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; \
                     style-src 'unsafe-inline'; img-src data:; font-src data:; \
                     frame-ancestors 'none'; form-action 'none'; base-uri 'none'";

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
