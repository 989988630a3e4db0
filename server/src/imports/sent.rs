//! What the form of an import sends: `multipart/form-data` (RFC 7578), whose files go to the disk as
//! they come.

use app::{
    api::imports::{ImportDraft, KERNELS, KernelDraft},
    error::AppError,
};
use axum::extract::Request;
use domain::{
    actor::Actor,
    kernel::{Flavor, UploadedFile},
};
use services::Services;

use crate::multipart::{Limits, Part, Parts, Unread, uploaded};

/// A menu, and the rest; the parts of every kernel, and the rest.
pub(super) const LIMITS: Limits = Limits { texts_mib: 1, parts: 256 };

/// Reads the form, and keeps every file of it.
pub(super) async fn read(
    services: &Services,
    actor: &Actor,
    request: Request,
) -> Result<ImportDraft, Unread> {
    let mut parts = Parts::of(request, LIMITS)?;
    let kernels = vec![KernelDraft::default(); KERNELS];
    let mut draft = ImportDraft { kernels, ..ImportDraft::default() };
    while let Some(part) = parts.next().await? {
        let name = part.name.clone();
        match part.file.clone() {
            // A field of files in which nothing was chosen.
            Some(file) if file.is_empty() => {}
            Some(_) if name == "menu-file" => draft.menu = unix_lines(&parts.text(part).await?),
            Some(file) => keep(services, actor, &file, part, &mut draft).await?,
            None => typed(&mut draft, &name, unix_lines(&parts.text(part).await?))?,
        }
    }
    Ok(draft)
}

/// Forms end lines as the network does.
fn unix_lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

/// Keeps a file. Where it cannot be kept the form says so, once everything else is read.
async fn keep(
    services: &Services,
    actor: &Actor,
    name: &str,
    part: Part,
    draft: &mut ImportDraft,
) -> Result<(), Unread> {
    let field = part.name.clone();
    match part.keep(services, actor, name).await {
        Ok(file) => place(draft, &field, file, Replace::Yes),
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
        return place(draft, field, uploaded(&value)?, Replace::No);
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
