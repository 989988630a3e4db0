//! Forms that carry files: `multipart/form-data` (RFC 7578). Each part is read as it comes, so that
//! files go to the disk and not to memory, and what was typed has a limit of its own.

use axum::{
    body::Body,
    extract::Request,
    http::{StatusCode, header},
    response::Response,
};
use domain::{actor::Actor, kernel::UploadedFile};
use futures::TryStreamExt as _;
use http_body_util::{LengthLimitError, Limited};
use multer::{Field, Multipart};
use services::{ServiceError, Services};
use tokio::io::AsyncRead;
use tokio_util::io::StreamReader;

use crate::refusal;

/// The longest form with its files, in GiB; each file has a limit of its own.
const LONGEST_GIB: usize = 16;

/// How much a form may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The most of what was typed, in MiB.
    pub(crate) texts_mib: usize,
    /// The most parts.
    pub(crate) parts: usize,
}

/// Why a form cannot be answered with itself.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It is none of ours, or was broken off.
    NotWhole,
    /// It is longer than anything that makes sense.
    TooLong,
    /// Whoever sent it may not, or the fault is ours.
    Refused(ServiceError),
}

impl Unread {
    /// The page that says so; `nothing` is what did not happen, such as "nothing was saved".
    pub(crate) fn answer(self, limits: Limits, nothing: &str) -> Response {
        match self {
            Self::NotWhole => refusal::page(
                StatusCode::UNPROCESSABLE_ENTITY,
                &format!(
                    "The form was not sent whole, so {nothing}. Load its page again and fill it in anew."
                ),
            ),
            Self::TooLong => refusal::page(
                StatusCode::PAYLOAD_TOO_LARGE,
                &format!(
                    "What was sent is longer than {LONGEST_GIB} GiB in all, or {} MiB without its files, so {nothing}. Send less.",
                    limits.texts_mib
                ),
            ),
            Self::Refused(error) => refusal::of_service(&error),
        }
    }
}

impl From<multer::Error> for Unread {
    fn from(error: multer::Error) -> Self {
        match error {
            multer::Error::StreamReadFailed(cause) if cause.is::<LengthLimitError>() => {
                Self::TooLong
            }
            _ => Self::NotWhole,
        }
    }
}

/// The parts of a form, one after the other.
pub(crate) struct Parts {
    parts: Multipart<'static>,
    limits: Limits,
    count: usize,
    /// How long what was typed is so far, in bytes.
    length: usize,
}

/// One part of a form.
pub(crate) struct Part {
    /// The field that it is of.
    pub(crate) name: String,
    /// A file's name without its folders; empty where a field of files has none chosen.
    pub(crate) file: Option<String>,
    field: Field<'static>,
}

impl Parts {
    pub(crate) fn of(request: Request, limits: Limits) -> Result<Self, Unread> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let boundary = multer::parse_boundary(kind.unwrap_or_default())?;
        let body = Body::new(Limited::new(request.into_body(), LONGEST_GIB << 30));
        let stream = body.into_data_stream().map_err(axum::Error::into_inner);
        Ok(Self { parts: Multipart::new(stream, boundary), limits, count: 0, length: 0 })
    }

    pub(crate) async fn next(&mut self) -> Result<Option<Part>, Unread> {
        let Some(field) = self.parts.next_field().await? else {
            return Ok(None);
        };
        self.count += 1;
        let name = field.name().unwrap_or_default().to_owned();
        if self.count > self.limits.parts || name.is_empty() {
            return Err(Unread::NotWhole);
        }
        let file = field.file_name().map(|it| bare(it).to_owned());
        Ok(Some(Part { name, file, field }))
    }

    /// What was typed into a field.
    pub(crate) async fn text(&mut self, mut part: Part) -> Result<String, Unread> {
        let mut bytes = Vec::new();
        while let Some(chunk) = part.field.chunk().await? {
            self.length += chunk.len();
            if self.length > self.limits.texts_mib << 20 {
                return Err(Unread::TooLong);
            }
            bytes.extend_from_slice(&chunk);
        }
        String::from_utf8(bytes).map_err(|_| Unread::NotWhole)
    }
}

impl Part {
    /// Keeps the file of this part among the uploads, under `name`.
    pub(crate) async fn keep(
        self,
        services: &Services,
        actor: &Actor,
        name: &str,
    ) -> Result<UploadedFile, ServiceError> {
        services.keep_upload(actor, name, self.bytes()).await.map(|(file, _)| file)
    }
}

impl Part {
    /// The bytes of this part's file, as they come.
    pub(crate) fn bytes(self) -> impl AsyncRead + Send + Unpin + 'static {
        StreamReader::new(self.field.map_err(std::io::Error::other))
    }

    /// The bytes of this part's file, where there are no more than `longest` of them.
    pub(crate) async fn short(mut self, longest: usize) -> Result<Option<Vec<u8>>, Unread> {
        let mut bytes = Vec::new();
        while let Some(chunk) = self.field.chunk().await? {
            if bytes.len() + chunk.len() > longest {
                return Ok(None);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(bytes))
    }
}

/// A file's name without the folders that some browsers send before it.
fn bare(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// The file that was uploaded before, by the value of the field that keeps it: `<SHA-256> <name>`.
pub(crate) fn uploaded(value: &str) -> Result<UploadedFile, Unread> {
    let (sha256, name) = value.split_once(' ').ok_or(Unread::NotWhole)?;
    let sha256 = sha256.parse().map_err(|_| Unread::NotWhole)?;
    Ok(UploadedFile { name: name.to_owned(), sha256 })
}

#[cfg(test)]
mod tests {
    use domain::digest::Digest;

    use super::*;

    #[test]
    fn uploads_come_back_as_they_went() {
        let digest = Digest::of("x");
        let file = uploaded(&format!("{digest} a b.patch")).unwrap();
        assert_eq!(file, UploadedFile { name: "a b.patch".to_owned(), sha256: digest });
        for value in ["", "x y", &digest.to_string()] {
            assert!(uploaded(value).is_err(), "{value}");
        }
    }

    #[test]
    fn names_of_files_are_without_their_folders() {
        for name in ["a.patch", "/tmp/a.patch", "C:\\tmp\\a.patch", "../a.patch"] {
            assert_eq!(bare(name), "a.patch");
        }
        assert_eq!(bare(""), "");
    }
}
