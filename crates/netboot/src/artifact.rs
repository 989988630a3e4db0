//! Files of a release, addressed by the release's digest: they never change, so caches may keep
//! them for ever. Range, HEAD and conditional requests as in RFC 9110.

use std::{
    collections::HashSet,
    fs::File,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use blobs::BlobStore;
use domain::{boot::Booted, digest::Digest, manifest::ComponentRole, transfer::TransferKind};

use crate::{
    catalogue::Served,
    file_body::{Disk, FileBody},
    observe::{CountedBody, Watch},
    request::{self, Part},
};

/// The blobs behind the files, each read through once before it is served for the first time.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    blobs: BlobStore,
    verified: Arc<Mutex<HashSet<Digest>>>,
    disk: Disk,
}

impl Files {
    pub(crate) fn new(blobs: BlobStore) -> Self {
        Self { blobs, verified: Arc::default(), disk: Disk::default() }
    }

    fn is_verified(&self, digest: &Digest) -> bool {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).contains(digest)
    }

    async fn verify(&self, digest: Digest) -> Result<(), String> {
        if self.is_verified(&digest) {
            return Ok(());
        }
        let files = self.clone();
        tokio::task::spawn_blocking(move || files.verify_now(&digest))
            .await
            .map_err(|error| error.to_string())?
    }

    fn verify_now(&self, digest: &Digest) -> Result<(), String> {
        if !self.is_verified(digest) {
            self.blobs.verify(digest).map_err(|it| it.to_string())?;
            self.verified.lock().unwrap_or_else(PoisonError::into_inner).insert(*digest);
        }
        Ok(())
    }

    /// A file to read from at any place. Blocks for as long as it takes to read it through, the first
    /// time.
    pub(crate) fn open_verified(&self, digest: &Digest) -> Result<File, String> {
        self.verify_now(digest)?;
        self.blobs.open_blob(digest).map_err(|error| error.to_string())
    }
}

/// As what a file counts that is sent.
pub(crate) const fn kind(role: ComponentRole) -> TransferKind {
    match role {
        ComponentRole::Kernel | ComponentRole::Hypervisor => TransferKind::Kernel,
        ComponentRole::Initrd => TransferKind::Initrd,
        ComponentRole::Image => TransferKind::Image,
        ComponentRole::Config | ComponentRole::Preseed | ComponentRole::Package => {
            TransferKind::Other
        }
    }
}

/// Answers a request for a file of a release.
///
/// # Errors
/// Status and reason where there is nothing to send.
pub(crate) async fn answer(
    files: &Files,
    watch: &Watch,
    method: &Method,
    headers: &HeaderMap,
    path: &str,
    served: &Served,
    name: &str,
) -> Result<Response, (StatusCode, String)> {
    let (role, size, digest) = served.file(name).ok_or_else(|| {
        (StatusCode::NOT_FOUND, format!("release {} has no file {name}", served.name))
    })?;
    let tag = format!("\"{digest}\"");
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let known = text(header::IF_NONE_MATCH).is_some_and(|tags| {
        tags.split(',').any(|one| matches!(one.trim(), "*") || one.trim() == tag)
    });
    // A part is only of use to who has the rest of the same bytes.
    let same = text(header::IF_RANGE).is_none_or(|expected| expected == tag);
    let part = request::range(text(header::RANGE).filter(|_| same), size);
    let (status, first, length) = match part {
        _ if known => (StatusCode::NOT_MODIFIED, 0, 0),
        Part::Whole => (StatusCode::OK, 0, size),
        Part::Some { first, length } => (StatusCode::PARTIAL_CONTENT, first, length),
        Part::Outside => (StatusCode::RANGE_NOT_SATISFIABLE, 0, 0),
    };
    let mut answer = Response::builder()
        .status(status)
        .header(header::ETAG, &tag)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::CACHE_CONTROL, "public, max-age=31536000, immutable");
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{size}", first + length - 1);
        answer = answer.header(header::CONTENT_RANGE, range);
    }
    if status == StatusCode::RANGE_NOT_SATISFIABLE {
        answer = answer.header(header::CONTENT_RANGE, format!("bytes */{size}"));
    }
    if status.is_success() {
        answer = answer
            .header(header::CONTENT_TYPE, "application/octet-stream")
            .header(header::CONTENT_LENGTH, length);
    }
    let body = if status.is_success() && *method == Method::GET {
        files.verify(digest).await.map_err(|reason| {
            tracing::error!(%digest, name, reason, "a file of a release cannot be served");
            let reason = format!("the file {name} of {} is damaged on the server", served.name);
            (StatusCode::INTERNAL_SERVER_ERROR, reason)
        })?;
        let watched = watch
            .begin(kind(role), path, status.as_u16(), "")
            .of_file(Booted { manifest: served.digest, name: served.name.clone() }, digest);
        let file = files.blobs.open_blob(&digest).map_err(|error| {
            let reason = error.to_string();
            tracing::error!(%digest, name, reason, "a file of a release cannot be served");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                format!("the file {name} cannot be read on the server"),
            )
        })?;
        let body = FileBody::new(file, first, length, files.disk.clone());
        Body::new(CountedBody::new(Body::new(body), length, watched))
    } else {
        Body::empty()
    };
    answer.body(body).map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}
