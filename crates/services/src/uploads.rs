//! Uploads: files that people bring for kernels and imports. They are blobs like all others, kept by
//! a row until a week after somebody uploaded or named them last, and longer where something names
//! them.

use std::io::{self, Read};

use blobs::BlobError;
use domain::{
    actor::Actor,
    blob::BlobRef,
    error_chain::chain,
    kernel::{UploadedFile, check_upload_name},
    policy::Action,
    time::human_size,
};
use tokio::io::AsyncRead;
use tokio_util::io::SyncIoBridge;

use crate::{Services, audit::Change, error::ServiceError};

/// The longest upload, in bytes: 4 GiB.
const LONGEST: u64 = 4 * 1024 * 1024 * 1024;
/// How much comes between two looks at the disk, in bytes.
const LOOK: u64 = 16 * 1024 * 1024;

impl Services {
    /// Keeps what somebody uploads for a kernel or an import; it is removed after a week in which
    /// nothing names it.
    ///
    /// # Errors
    /// Where the actor may not, the name breaks its rule, it is empty or longer than 4 GiB, it breaks
    /// off, or the disk has no room; then nothing is kept.
    pub async fn keep_upload(
        &self,
        actor: &Actor,
        name: &str,
        bytes: impl AsyncRead + Send + Unpin + 'static,
    ) -> Result<(UploadedFile, BlobRef), ServiceError> {
        Self::role_of(actor, Action::Upload)?;
        check_upload_name(name).map_err(|fault| ServiceError::invalid("name", fault.message))?;
        let blob = self.take_in(bytes, LONGEST).await?;
        let file = UploadedFile { name: name.to_owned(), sha256: blob.sha256 };
        let mut tx = self.begin().await?;
        tx.insert_upload(name, &blob, actor.name(), self.now()).await?;
        // Since its last byte came, a collection may have begun.
        if !self.blobs().touch(&blob.sha256).map_err(ServiceError::internal)? {
            return Err(ServiceError::Conflict(
                "the upload was removed by a collection before it was noted; send it again"
                    .to_owned(),
            ));
        }
        let change = Change::Uploaded { file: &file, size: blob.size };
        self.record(&mut tx, actor, change).await?;
        self.commit(tx, &format!("upload/{}", blob.sha256)).await?;
        self.count_room_anew();
        Ok((file, blob))
    }

    /// Keeps bytes that come in as a blob that nothing names yet, `longest` of them at the most.
    pub(crate) async fn take_in(
        &self,
        bytes: impl AsyncRead + Send + Unpin + 'static,
        longest: u64,
    ) -> Result<BlobRef, ServiceError> {
        let floor = self.read().await?.room_rules().await?.floor;
        self.room_for_upload(floor)?;
        let services = self.clone();
        let keep = move || {
            let source = SyncIoBridge::new(bytes);
            let mut incoming = Incoming { services, source, floor, longest, read: 0, fault: None };
            let kept = incoming.services.clone().blobs().put(&mut incoming);
            match (kept, incoming.fault) {
                (_, Some(fault)) => Err(fault),
                (Ok(blob), None) => Ok(blob),
                (Err(error @ BlobError::DiskFull { .. }), None) => {
                    Err(ServiceError::Unavailable(chain(&error)))
                }
                (Err(error), None) => Err(ServiceError::internal(error)),
            }
        };
        let blob = tokio::task::spawn_blocking(keep).await.map_err(ServiceError::internal)??;
        if blob.size == 0 {
            return Err(ServiceError::invalid("file", "nothing was sent: the file is empty"));
        }
        Ok(blob)
    }

    /// Uploads are the first to stop where a disk has no more than has to stay free.
    fn room_for_upload(&self, floor: u64) -> Result<(), ServiceError> {
        let disks = self.disks()?;
        let short = disks.iter().filter(|it| it.holds == "data").find(|it| it.free < floor);
        short.map_or(Ok(()), |disk| {
            Err(ServiceError::Unavailable(format!(
                "there is no room for an upload: {} of the {} disk is free, and {} stay free; \
                 collect garbage, take pins off or add room",
                human_size(disk.free),
                disk.holds,
                human_size(floor)
            )))
        })
    }
}

/// What comes in, as long as it is not too long and the disk has room for it.
struct Incoming<R> {
    services: Services,
    source: R,
    /// How much of the disk stays free, in bytes.
    floor: u64,
    /// How much may come, in bytes.
    longest: u64,
    /// How much has come, in bytes.
    read: u64,
    /// Why it ended early, where it did.
    fault: Option<ServiceError>,
}

impl<R: Read> Incoming<R> {
    fn next(&mut self, buffer: &mut [u8]) -> Result<usize, ServiceError> {
        let read = self.source.read(buffer).map_err(|error| {
            let came = human_size(self.read);
            let message = format!("the upload broke off after {came}: {error}; send it again");
            ServiceError::invalid("file", message)
        })?;
        let before = self.read / LOOK;
        self.read += read as u64;
        if self.read > self.longest {
            let message =
                format!("it is longer than {}: send a smaller one", human_size(self.longest));
            return Err(ServiceError::invalid("file", message));
        }
        if self.read / LOOK > before {
            self.services.room_for_upload(self.floor)?;
        }
        Ok(read)
    }
}

impl<R: Read> Read for Incoming<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.next(buffer).map_err(|fault| {
            let error = io::Error::other(fault.to_string());
            self.fault = Some(fault);
            error
        })
    }
}
