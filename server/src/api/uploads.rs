//! Uploads: files that kernels and imports are made of, kept by their digest.
//!
//! The body is the file itself and goes to the disk as it comes: nothing holds it whole. What is sent
//! twice is kept once, so an upload needs no `Idempotency-Key`.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    Json,
    body::{Body, BodyDataStream},
    extract::State,
    http::{HeaderMap, StatusCode, header},
};
use domain::{digest::Digest, time::human_size};
use futures::{Stream, StreamExt as _};
use serde::{Deserialize, Serialize};
use services::{ServiceError, Services};
use tokio::io::AsyncRead;
use tokio_util::io::StreamReader;
use utoipa::{IntoParams, ToSchema};

use super::{
    exchange::{Caller, Query, cut_off},
    problem::{Answer, Problem},
};

/// The longest file that is taken, in bytes: 4 GiB.
pub const LONGEST: u64 = 4 << 30;

/// A file that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Upload {
    /// What it is called.
    pub name: String,
    /// SHA-256 of its bytes: with the name, how a definition names it.
    pub sha256: Digest,
    /// Length in bytes.
    pub size: u64,
}

/// Bytes, whatever they are.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct FileBytes(pub Vec<u8>);

/// What to call a file.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Named {
    /// File name: 1 to 100 letters, digits and any of `. _ + ~ -`, beginning with a letter or digit.
    #[param(pattern = "^[A-Za-z0-9][A-Za-z0-9._+~-]{0,99}$")]
    name: String,
}

/// Keeps a file for a kernel or an import: its bytes are the body, 4 GiB at the most. It is removed
/// after a week in which nothing names it; sent again it is the same file.
#[utoipa::path(post, path = "/uploads", tag = "uploads", params(Named), request_body(content = FileBytes, content_type = "application/octet-stream"), responses((status = 200, body = Upload)))]
pub async fn keep(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(Named { name }): Query<Named>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Json<Upload>> {
    let (bytes, ended) = coming(&headers, body, LONGEST)?;
    let kept = services.keep_upload(&actor, &name, bytes).await;
    let (file, blob) = kept.map_err(|error| ended.told(error))?;
    Ok(Json(Upload { name: file.name, sha256: file.sha256, size: blob.size }))
}

/// The bytes of a body of `longest` at the most, and what to ask where reading them failed.
///
/// # Errors
/// Where the body says itself that it is longer.
pub fn coming(
    headers: &HeaderMap,
    body: Body,
    longest: u64,
) -> Answer<(impl AsyncRead + Send + Unpin + 'static, Ended)> {
    let promised =
        headers.get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok()?.parse().ok());
    if promised.is_some_and(|length: u64| length > longest) {
        return Err(too_long(longest));
    }
    let ended = Ended { how: Arc::default(), longest };
    let bytes = Bounded { body: body.into_data_stream(), left: longest, ended: ended.clone() };
    Ok((StreamReader::new(bytes), ended))
}

fn too_long(longest: u64) -> Problem {
    let words = format!(
        "The file is longer than {}, so nothing of it was kept: send a smaller one",
        human_size(longest)
    );
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, &words)
}

/// How a body came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum How {
    Whole,
    TooLong,
    CutOff,
}

/// How a body came to its end, the same for who reads it and for who answers.
#[derive(Debug, Clone)]
pub struct Ended {
    how: Arc<AtomicU8>,
    longest: u64,
}

impl Ended {
    /// What a use case that read the body failed with: why the bytes ended is known here alone, for
    /// the use case it is an error of reading.
    pub fn told(&self, error: ServiceError) -> Problem {
        match self.how() {
            How::TooLong => too_long(self.longest),
            How::CutOff => cut_off(),
            How::Whole => error.into(),
        }
    }

    fn note(&self, how: How) {
        self.how.store(how as u8, Ordering::Relaxed);
    }

    fn how(&self) -> How {
        [How::TooLong, How::CutOff]
            .into_iter()
            .find(|how| *how as u8 == self.how.load(Ordering::Relaxed))
            .unwrap_or(How::Whole)
    }
}

/// The bytes of a body, an error as soon as there are too many.
struct Bounded {
    body: BodyDataStream,
    left: u64,
    ended: Ended,
}

impl Stream for Bounded {
    type Item = io::Result<axum::body::Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Poll::Ready(piece) = self.body.poll_next_unpin(context) else { return Poll::Pending };
        Poll::Ready(piece.map(|piece| {
            let piece = piece.map_err(|error| {
                self.ended.note(How::CutOff);
                io::Error::other(error)
            })?;
            self.left = self.left.checked_sub(piece.len() as u64).ok_or_else(|| {
                self.ended.note(How::TooLong);
                io::Error::new(io::ErrorKind::FileTooLarge, "the body is too long")
            })?;
            Ok(piece)
        }))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    async fn read(body: Body, left: u64) -> (How, io::Result<usize>) {
        let ended = Ended { how: Arc::default(), longest: left };
        let bytes = Bounded { body: body.into_data_stream(), left, ended: ended.clone() };
        let mut all = Vec::new();
        let read = StreamReader::new(bytes).read_to_end(&mut all).await;
        (ended.how(), read)
    }

    #[tokio::test]
    async fn a_body_ends_where_it_is_too_long_or_cut_off() {
        let pieces = |last: io::Result<&'static str>| {
            Body::from_stream(futures::stream::iter([Ok("1234"), Ok("5678"), last]))
        };
        let (how, read_whole) = read(pieces(Ok("9")), 9).await;
        assert_eq!((how, read_whole.unwrap()), (How::Whole, 9));
        let (how, over) = read(pieces(Ok("90")), 9).await;
        assert_eq!((how, over.unwrap_err().kind()), (How::TooLong, io::ErrorKind::FileTooLarge));
        let gone = io::Error::from(io::ErrorKind::ConnectionReset);
        let (how, cut) = read(pieces(Err(gone)), 9).await;
        assert_eq!(how, How::CutOff);
        assert!(cut.is_err());
    }
}
