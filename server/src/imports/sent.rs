//! What the form of an import sends: `multipart/form-data` (RFC 7578), whose files go to the disk as
//! they come.

use app::api::imports::{ImportDraft, KERNELS, KernelDraft};
use app::error::AppError;
use axum::{body::Body, extract::Request, http::header};
use domain::{
    actor::Actor,
    kernel::{Flavor, UploadedFile},
    menu::reader::LONGEST_MENU,
};
use futures::TryStreamExt as _;
use http_body_util::{LengthLimitError, Limited};
use multer::{Field, Multipart};
use services::{ServiceError, Services};
use tokio_util::io::StreamReader;

/// The longest form with its files, in bytes; each file has a limit of its own.
const LONGEST: usize = 16 << 30;
/// The most of what was typed, in bytes: a menu, and the rest.
const LONGEST_TEXTS: usize = 1 << 20;
/// The most parts: those of every kernel, and the rest.
const MOST_PARTS: usize = 256;

/// Why a form cannot be answered with itself.
#[derive(Debug)]
pub(super) enum Unread {
    /// It is none of ours, or was broken off.
    NotWhole,
    /// It is longer than anything that makes sense.
    TooLong,
    /// Whoever sent it may not, or the fault is ours.
    Refused(ServiceError),
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

/// Reads the form, and keeps every file of it.
pub(super) async fn read(
    services: &Services,
    actor: &Actor,
    request: Request,
) -> Result<ImportDraft, Unread> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let boundary = multer::parse_boundary(kind.unwrap_or_default())?;
    let body = Body::new(Limited::new(request.into_body(), LONGEST));
    let stream = body.into_data_stream().map_err(axum::Error::into_inner);
    let mut parts = Multipart::new(stream, boundary);
    let kernels = vec![KernelDraft::default(); KERNELS];
    let mut draft = ImportDraft { kernels, ..ImportDraft::default() };
    let (mut count, mut length) = (0, 0);
    while let Some(part) = parts.next_field().await? {
        count += 1;
        let name = part.name().unwrap_or_default().to_owned();
        if count > MOST_PARTS || name.is_empty() {
            return Err(Unread::NotWhole);
        }
        match part.file_name().map(|it| bare(it).to_owned()) {
            // A field of files in which nothing was chosen.
            Some(file) if file.is_empty() => {}
            Some(_) if name == "menu-file" => {
                draft.menu = text(part, &mut length).await?;
            }
            Some(file) => keep(services, actor, &name, &file, part, &mut draft).await?,
            None => typed(&mut draft, &name, text(part, &mut length).await?)?,
        }
    }
    Ok(draft)
}

/// A file's name without the folders that some browsers send before it.
fn bare(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or_default()
}

async fn text(mut part: Field<'static>, length: &mut usize) -> Result<String, Unread> {
    let mut bytes = Vec::new();
    while let Some(chunk) = part.chunk().await? {
        *length += chunk.len();
        if *length > LONGEST_TEXTS.max(LONGEST_MENU) {
            return Err(Unread::TooLong);
        }
        bytes.extend_from_slice(&chunk);
    }
    let text = String::from_utf8(bytes).map_err(|_| Unread::NotWhole)?;
    // Forms end lines as the network does.
    Ok(text.replace("\r\n", "\n"))
}

/// Keeps a file. Where it cannot be kept the form says so, once everything else is read.
async fn keep(
    services: &Services,
    actor: &Actor,
    field: &str,
    name: &str,
    part: Field<'static>,
    draft: &mut ImportDraft,
) -> Result<(), Unread> {
    let bytes = StreamReader::new(part.map_err(std::io::Error::other));
    match services.keep_upload(actor, name, bytes).await {
        Ok((file, _)) => place(draft, field, file, Replace::Yes),
        Err(error) => {
            let error = super::told(error).map_err(Unread::Refused)?;
            let field = if field == "rootfs" { "rootfs" } else { "kernels" };
            draft.error = Some(match error {
                AppError::Invalid { message, .. } => super::invalid(field, &message),
                other => other,
            });
            Ok(())
        }
    }
}

/// What was typed and chosen, and what was uploaded before; fields that nobody knows are left alone,
/// as those of any form.
fn typed(draft: &mut ImportDraft, name: &str, value: String) -> Result<(), Unread> {
    if let Some(field) = name.strip_prefix("kept.") {
        let file = uploaded(&value).ok_or(Unread::NotWhole)?;
        return place(draft, field, file, Replace::No);
    }
    match name {
        "version" => value.trim().clone_into(&mut draft.version),
        "menu" if draft.menu.is_empty() => draft.menu = value,
        "user" => value.trim().clone_into(&mut draft.user),
        "password" => draft.password = value,
        _ => {
            if let Some((kernel, part)) = kernel(draft, name) {
                match part {
                    "alias" => value.trim().clone_into(&mut kernel.alias),
                    "flavor" => {
                        let flavor = Flavor::ALL.into_iter().find(|it| it.word() == value);
                        kernel.flavor = flavor.ok_or(Unread::NotWhole)?;
                    }
                    _ => return Err(Unread::NotWhole),
                }
            }
        }
    }
    Ok(())
}

/// Whether a file takes the place of one that was uploaded before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Replace {
    Yes,
    No,
}

fn place(
    draft: &mut ImportDraft,
    field: &str,
    file: UploadedFile,
    replace: Replace,
) -> Result<(), Unread> {
    let put = |slot: &mut Option<UploadedFile>, file| {
        if replace == Replace::Yes || slot.is_none() {
            *slot = Some(file);
        }
    };
    if field == "rootfs" {
        put(&mut draft.rootfs, file);
        return Ok(());
    }
    let (kernel, part) = kernel(draft, field).ok_or(Unread::NotWhole)?;
    match part {
        "image" => put(&mut kernel.image, file),
        "packages" => kernel.packages.push(file),
        _ => return Err(Unread::NotWhole),
    }
    Ok(())
}

/// The kernel that a field is of, and which part of it: `kernel.<number>.<part>`.
fn kernel<'a, 'n>(
    draft: &'a mut ImportDraft,
    name: &'n str,
) -> Option<(&'a mut KernelDraft, &'n str)> {
    let (at, part) = name.strip_prefix("kernel.")?.split_once('.')?;
    Some((draft.kernels.get_mut(at.parse::<usize>().ok()?)?, part))
}

/// `<SHA-256> <name>`
fn uploaded(value: &str) -> Option<UploadedFile> {
    let (sha256, name) = value.split_once(' ')?;
    Some(UploadedFile { name: name.to_owned(), sha256: sha256.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use domain::digest::Digest;

    use super::*;

    #[test]
    fn fields_find_their_places() {
        let kernels = vec![KernelDraft::default(); KERNELS];
        let mut draft = ImportDraft { kernels, ..ImportDraft::default() };
        let digest = Digest::of("x");
        let old = || format!("{digest} old");
        for (name, value) in [
            ("version", " v1.0.0-rc.1 ".to_owned()),
            ("kernel.1.alias", "xen-dev".to_owned()),
            ("kernel.1.flavor", "xen".to_owned()),
            ("kept.kernel.1.image", old()),
            ("kept.kernel.1.packages", old()),
            ("kept.rootfs", old()),
            ("somebody-else", "x".to_owned()),
        ] {
            typed(&mut draft, name, value).unwrap();
        }
        let new = UploadedFile { name: "new".to_owned(), sha256: digest };
        place(&mut draft, "rootfs", new.clone(), Replace::Yes).unwrap();
        assert_eq!(draft.rootfs.as_ref(), Some(&new));
        typed(&mut draft, "kept.rootfs", old()).unwrap();
        assert_eq!(draft.rootfs, Some(new), "what is chosen counts, in whatever order it comes");
        assert_eq!(draft.version, "v1.0.0-rc.1");
        let kernel = &draft.kernels[1];
        assert_eq!((kernel.alias.as_str(), kernel.flavor), ("xen-dev", Flavor::Xen));
        assert_eq!((kernel.image.is_some(), kernel.packages.len()), (true, 1));
        for (name, value) in [
            ("kept.kernel.99.image", old()),
            ("kept.kernel.0.alias", old()),
            ("kept.rootfs", "x y".to_owned()),
            ("kernel.0.flavor", "bsd".to_owned()),
        ] {
            assert!(typed(&mut draft, name, value).is_err(), "{name}");
        }
    }
}
