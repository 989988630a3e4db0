//! Files to keep: of releases, of jobs, of runs.

use std::fs::File;

use blobs::{BlobError, BlobStore};
use domain::{
    actor::Actor,
    blob::BlobRef,
    digest::Digest,
    ids::{JobId, RunId},
    log::LogLine,
    manifest::Manifest,
    policy::Action,
    release::Release,
    sbom,
    time::Timestamp,
};

use crate::{
    Services,
    error::ServiceError,
    job_log::LogReader,
    releases::{Held, held},
};

/// A file to send.
#[derive(Debug)]
pub enum Download {
    /// Made for this request.
    Bytes {
        /// What to call it.
        name: String,
        /// Its media type.
        media_type: &'static str,
        /// What it holds.
        bytes: Vec<u8>,
    },
    /// A blob.
    File {
        /// What to call it.
        name: String,
        /// Its media type.
        media_type: &'static str,
        /// Opened for reading.
        file: File,
        /// Length in bytes.
        size: u64,
    },
}

/// A file that a complete release has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseFile {
    /// Its name.
    pub name: String,
    /// What it is, in a few words.
    pub what: &'static str,
    /// Length in bytes, where it is known beforehand.
    pub size: Option<u64>,
    /// SHA-256, where it is known beforehand.
    pub sha256: Option<Digest>,
}

/// Names of the files of a release besides its components, with what each is.
const RELEASE_FILES: [(&str, &str); 8] = [
    ("SHA256SUMS", "of every component and of the rootfs archive, as sha256sum -c reads them"),
    ("manifest.json", "what the release consists of; its SHA-256 is the release's digest"),
    ("manifest.json.minisig", "signature of the manifest"),
    ("bootwright.pub", "public key that the signature is checked with"),
    ("lock.json", "every package with its version and SHA-256"),
    ("recipe.toml", "the recipe that the import proposes; this release was not built from it"),
    ("sbom.spdx.json", "the packages as SPDX 2.3"),
    ("release-notes.json", "notes and known issues; frozen when the release gets its name"),
];

/// What the archive of a release's rootfs is called.
fn archive_name(manifest: &Manifest) -> String {
    format!("rootfs-{}.tar.gz", manifest.version)
}

impl Services {
    /// Every file of a complete release: its components first.
    ///
    /// # Errors
    /// Where the release is not complete, or the actor may not read.
    pub async fn release_files(
        &self,
        actor: &Actor,
        release: &Release,
    ) -> Result<Vec<ReleaseFile>, ServiceError> {
        let manifest = self.contents(actor, release).await?.manifest;
        let archive = ReleaseFile {
            name: archive_name(&manifest),
            what: "the rootfs for those who take it away: a folder rootfs; made when it is asked for",
            size: None,
            sha256: None,
        };
        let components = manifest.components.into_iter().map(|it| ReleaseFile {
            name: it.name,
            what: it.role.word(),
            size: Some(it.size),
            sha256: Some(it.sha256),
        });
        // An imported release has no lock, and what was built has its recipe elsewhere.
        let foreign = if release.is_imported() { "lock.json" } else { "recipe.toml" };
        let others = RELEASE_FILES.into_iter().filter(|(name, _)| *name != foreign);
        let others = others.map(|(name, what)| ReleaseFile {
            name: name.to_owned(),
            what,
            size: None,
            sha256: None,
        });
        Ok(components.chain([archive]).chain(others).collect())
    }

    /// A file of a complete release.
    ///
    /// # Errors
    /// Where there is none of that name, or the actor may not read.
    pub async fn release_file(
        &self,
        actor: &Actor,
        release: &str,
        name: &str,
    ) -> Result<Download, ServiceError> {
        let release = self.release(actor, release).await?;
        let missing = || ServiceError::NotFound(format!("file {name} in {}", release.name()));
        let mut rows = self.read().await?;
        let Held { manifest, lock, packages } =
            held(&mut rows, &release).await?.ok_or_else(missing)?;
        let json = |bytes| Download::Bytes {
            name: name.to_owned(),
            media_type: "application/json",
            bytes,
        };
        match name {
            "manifest.json" => Ok(json(manifest.to_bytes()?)),
            "lock.json" => match lock {
                Some(lock) => Ok(json(domain::canonical::to_vec(&lock)?)),
                None => Err(ServiceError::NotFound(format!(
                    "lock of {}: it was imported, so it cannot be built again",
                    release.name()
                ))),
            },
            "recipe.toml" if release.is_imported() => {
                let revision = rows.revision_of(&release.recipe, release.revision).await?;
                Ok(Download::Bytes {
                    name: name.to_owned(),
                    media_type: "text/plain; charset=utf-8",
                    bytes: revision.ok_or_else(missing)?.text.into_bytes(),
                })
            }
            "release-notes.json" => {
                let digest = manifest.digest()?;
                Ok(json(rows.notes(&release.id).await?.record(digest)?))
            }
            "sbom.spdx.json" => {
                let created = match &lock {
                    Some(lock) => Timestamp::from_seconds(lock.epoch),
                    None => release.imported_at.unwrap_or(release.created_at),
                };
                Ok(json(sbom::spdx(&manifest, &packages, created)?))
            }
            "SHA256SUMS" => {
                let archive = self.archive_of(&manifest).await?;
                let components = manifest.components.iter().map(|it| (it.sha256, it.name.clone()));
                let sums: String = components
                    .chain([(archive.sha256, archive_name(&manifest))])
                    .map(|(sha256, name)| format!("{sha256}  {name}\n"))
                    .collect();
                Ok(Download::Bytes {
                    name: name.to_owned(),
                    media_type: "text/plain; charset=utf-8",
                    bytes: sums.into_bytes(),
                })
            }
            "bootwright.pub" => Ok(Download::Bytes {
                name: name.to_owned(),
                media_type: "text/plain; charset=utf-8",
                bytes: self.public_key().as_bytes().to_vec(),
            }),
            "manifest.json.minisig" => {
                let signature = rows.signature_of(&release.id).await?.ok_or_else(missing)?;
                self.blob(&signature, name, "text/plain; charset=utf-8")
            }
            archive if archive == archive_name(&manifest) => {
                let archive = self.archive_of(&manifest).await?;
                let file = self
                    .builder()
                    .cache()
                    .blobs()
                    .open_blob(&archive.sha256)
                    .map_err(ServiceError::internal)?;
                let name = name.to_owned();
                Ok(Download::File {
                    name,
                    media_type: "application/gzip",
                    file,
                    size: archive.size,
                })
            }
            other => {
                let component = manifest.component(other).ok_or_else(missing)?;
                self.blob(&component.sha256, other, "application/octet-stream")
            }
        }
    }

    /// The rootfs as an archive, derived from the image; one at a time, since each takes a processor
    /// and gigabytes of memory for half a minute.
    async fn archive_of(&self, manifest: &Manifest) -> Result<BlobRef, ServiceError> {
        let image = manifest.images.first().and_then(|name| manifest.component(name));
        let image = image
            .map(|it| BlobRef { sha256: it.sha256, size: it.size })
            .ok_or_else(|| ServiceError::NotFound("image in the release".to_owned()))?;
        let _one = self.deriving().lock().await;
        let builder = self.builder().clone();
        let derived = tokio::task::spawn_blocking(move || builder.rootfs_archive(image)).await;
        derived.map_err(ServiceError::internal)?.map_err(ServiceError::internal)
    }

    /// The whole log of a job, as text for people.
    ///
    /// # Errors
    /// Where there is no such job, or the actor may not read.
    pub async fn job_log_file(&self, actor: &Actor, id: &JobId) -> Result<Download, ServiceError> {
        let lines = self.job_log(actor, id, 0, usize::MAX).await?;
        let text: String = lines
            .iter()
            .map(|line| format!("{} {:<10} {}\n", line.at.rfc3339(), line.step, line.text))
            .collect();
        Ok(Download::Bytes {
            name: format!("{id}.log"),
            media_type: "text/plain; charset=utf-8",
            bytes: text.into_bytes(),
        })
    }

    /// Lines of a job's log after line `after`, at the most `limit`.
    ///
    /// # Errors
    /// Where there is no such job, or the actor may not read.
    pub async fn job_log(
        &self,
        actor: &Actor,
        id: &JobId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<LogLine>, ServiceError> {
        // The id names a file: only that of a job is opened.
        self.job(actor, id).await?;
        let Some(mut reader) = self.log_reader(actor, id, after).await? else {
            return Ok(Vec::new());
        };
        let read = move || reader.lines(limit);
        Ok(tokio::task::spawn_blocking(read).await.map_err(ServiceError::internal)??)
    }

    /// Opens a job's log for reading what comes after line `after`: the file that grows, or the blob
    /// that it became. `None` where there is none yet, or none any more.
    ///
    /// # Errors
    /// Where there is no such job, or the actor may not read.
    pub async fn log_reader(
        &self,
        actor: &Actor,
        id: &JobId,
        after: u64,
    ) -> Result<Option<LogReader>, ServiceError> {
        let (services, job) = (self.clone(), id.clone());
        let growing = tokio::task::spawn_blocking(move || services.logs().reader(&job, after));
        if let Some(reader) = growing.await.map_err(ServiceError::internal)?? {
            return Ok(Some(reader));
        }
        // The file goes after the row has the blob: whoever finds neither has asked too early.
        let Some(blob) = self.job(actor, id).await?.log else { return Ok(None) };
        let file = match self.blobs().open_blob(&blob) {
            Ok(file) => file,
            Err(BlobError::Missing(_)) => return Ok(None),
            Err(error) => return Err(ServiceError::internal(error)),
        };
        let read = move || LogReader::after(file, after);
        Ok(Some(tokio::task::spawn_blocking(read).await.map_err(ServiceError::internal)??))
    }

    /// What a machine wrote to its serial console in a run.
    ///
    /// # Errors
    /// Where there is no such run or it kept nothing, or the actor may not read.
    pub async fn console_file(&self, actor: &Actor, id: &RunId) -> Result<Download, ServiceError> {
        let run = self.run(actor, id).await?;
        let console = run
            .console
            .ok_or_else(|| ServiceError::NotFound(format!("console log of run {id}")))?;
        self.blob(&console, &format!("console-{id}.log"), "text/plain; charset=utf-8")
    }

    /// Something that a run left behind, and what it is.
    ///
    /// # Errors
    /// Where there is none of that name, it was removed, or the actor may not read.
    pub async fn artefact(
        &self,
        actor: &Actor,
        id: &RunId,
        name: &str,
    ) -> Result<(Download, String), ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let found = self.read().await?.artefacts(id).await?.into_iter().find(|it| it.name == name);
        let missing = || ServiceError::NotFound(format!("{name} among what run {id} left"));
        let artefact = found.ok_or_else(missing)?;
        let file = self.blob(&artefact.sha256, &artefact.name, "application/octet-stream")?;
        Ok((file, artefact.media_type))
    }

    pub(crate) fn blob(
        &self,
        digest: &Digest,
        name: &str,
        media_type: &'static str,
    ) -> Result<Download, ServiceError> {
        let file = opened(self.blobs(), digest, name)?;
        let size = file.metadata()?.len();
        Ok(Download::File { name: name.to_owned(), media_type, file, size })
    }
}

/// A blob that rows name, for reading; `name` says what it is.
pub(crate) fn opened(blobs: &BlobStore, digest: &Digest, name: &str) -> Result<File, ServiceError> {
    blobs.open_blob(digest).map_err(|error| match error {
        BlobError::Missing(_) => ServiceError::NotFound(format!(
            "{name} any more: it was removed as the rules of the room say"
        )),
        other => ServiceError::internal(other),
    })
}
