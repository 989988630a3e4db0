//! Files of a release, and logs, to keep: under stable addresses, for the browser's "save as".

use axum::{
    Extension,
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    actor::Actor,
    ids::{JobId, RunId},
};
use services::{ServiceError, Services, downloads::Download};
use tokio_util::io::ReaderStream;

use crate::refusal;

/// `GET /releases/{version}/files/{name}`: a component, `manifest.json`, `manifest.json.minisig`,
/// `bootwright.pub`, `lock.json` or `sbom.spdx.json`.
pub async fn release_file(
    State(services): State<Services>,
    Extension(actor): Extension<Actor>,
    Path((version, name)): Path<(String, String)>,
) -> Response {
    answer(services.release_file(&actor, &version, &name).await)
}

/// `GET /kernels/{name}/builds/{number}/files/{file}`: a file of its record, `record.json` or
/// `config`.
pub async fn kernel_file(
    State(services): State<Services>,
    Extension(actor): Extension<Actor>,
    Path((name, number, file)): Path<(String, u32, String)>,
) -> Response {
    answer(services.kernel_file(&actor, &name, number, &file).await)
}

/// `GET /jobs/{id}/log`: the whole log as text.
pub async fn job_log(
    State(services): State<Services>,
    Extension(actor): Extension<Actor>,
    Path(job): Path<String>,
) -> Response {
    answer(services.job_log_file(&actor, &JobId(job)).await)
}

/// `GET /runs/{id}/console`: what a machine wrote to its serial console.
pub async fn console(
    State(services): State<Services>,
    Extension(actor): Extension<Actor>,
    Path(run): Path<String>,
) -> Response {
    answer(services.console_file(&actor, &RunId(run)).await)
}

fn answer(download: Result<Download, ServiceError>) -> Response {
    match download {
        Ok(download) => sent(download),
        Err(error) => refusal::of_service(&error),
    }
}

/// A file on its way, to a browser or to a program.
pub(crate) fn sent(download: Download) -> Response {
    let (name, media_type, size, body) = match download {
        Download::Bytes { name, media_type, bytes } => {
            (name, media_type, bytes.len() as u64, Body::from(bytes))
        }
        Download::File { name, media_type, file, size } => {
            let stream = ReaderStream::new(tokio::fs::File::from_std(file));
            (name, media_type, size, Body::from_stream(stream))
        }
    };
    // Text is shown, the rest is saved; what a machine wrote must never act as a page of ours.
    let shown = media_type.starts_with("text/plain") || media_type == "application/json";
    let disposition = if shown { "inline" } else { "attachment" };
    let Ok(disposition) = HeaderValue::from_str(&format!("{disposition}; filename=\"{name}\""))
    else {
        return refusal::page(StatusCode::NOT_FOUND, "There is no such file.");
    };
    (
        [
            (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
            (header::CONTENT_LENGTH, HeaderValue::from(size)),
            (header::CONTENT_DISPOSITION, disposition),
            (
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static("default-src 'none'; sandbox"),
            ),
        ],
        body,
    )
        .into_response()
}
