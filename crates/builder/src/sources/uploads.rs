//! Sources that somebody uploaded: blobs of the kept store.

use domain::{blob::BlobRef, digest::Digest, kernel::UploadedFile};

use super::{Asking, FetchedContent, FetchedSource, SourceError, io_error};
use crate::error::BuildError;

pub(super) fn archive(
    asking: &Asking<'_>,
    file: &UploadedFile,
) -> Result<FetchedSource, BuildError> {
    Ok(FetchedSource {
        origin: format!("{} (uploaded)", file.name),
        sha256: file.sha256,
        commit: None,
        content: FetchedContent::archive(&file.name, upload(asking, file)?),
    })
}

pub(super) fn packages(
    asking: &Asking<'_>,
    packages: &[UploadedFile],
    image: Option<&UploadedFile>,
) -> Result<FetchedSource, BuildError> {
    let found = |file: &UploadedFile| Ok((file.name.clone(), upload(asking, file)?));
    let content = FetchedContent::Packages {
        packages: packages.iter().map(found).collect::<Result<_, BuildError>>()?,
        image: image.map(found).transpose()?,
    };
    let names: Vec<&str> = packages.iter().chain(image).map(|it| it.name.as_str()).collect();
    Ok(FetchedSource {
        origin: format!("{} (uploaded)", names.join(", ")),
        sha256: digest(packages.iter().chain(image).map(|it| (it.name.as_str(), it.sha256)))?,
        commit: None,
        content,
    })
}

/// The digest of several files together: of the canonical JSON of their names and digests, ordered.
pub(super) fn digest<'a>(
    files: impl Iterator<Item = (&'a str, Digest)>,
) -> Result<Digest, BuildError> {
    let mut files: Vec<_> = files.collect();
    files.sort_unstable();
    Ok(domain::canonical::digest(&files)?)
}

/// The blob of an upload, marked as needed.
fn upload(asking: &Asking<'_>, file: &UploadedFile) -> Result<BlobRef, BuildError> {
    let blobs = &asking.builder.blobs;
    if !blobs.touch(&file.sha256)? {
        let (name, sha256) = (file.name.clone(), file.sha256);
        return Err(SourceError::NoUpload { name, sha256 }.into());
    }
    blobs.verify(&file.sha256)?;
    let path = blobs.path(&file.sha256);
    let size = path.metadata().map_err(io_error("look at", &path))?.len();
    Ok(BlobRef { sha256: file.sha256, size })
}
