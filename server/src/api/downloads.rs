//! Files as the API sends them.

use axum::{body::Body, http::header, response::Response};
use services::{ServiceError, downloads::Download};
use tokio_util::io::ReaderStream;

use super::problem::Answer;

/// The answer that carries a file.
pub(super) fn sent(download: Download) -> Answer<Response> {
    let (media_type, size, body) = match download {
        Download::Bytes { media_type, bytes, .. } => {
            (media_type, bytes.len() as u64, Body::from(bytes))
        }
        Download::File { media_type, file, size, .. } => {
            let stream = ReaderStream::new(tokio::fs::File::from_std(file));
            (media_type, size, Body::from_stream(stream))
        }
    };
    Response::builder()
        .header(header::CONTENT_TYPE, media_type)
        .header(header::CONTENT_LENGTH, size)
        .body(body)
        .map_err(|error| ServiceError::internal(error).into())
}
