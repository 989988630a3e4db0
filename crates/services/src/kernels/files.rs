//! Files of kernels to take along.

use domain::{actor::Actor, canonical, kernel::KernelFileRole, policy::Action};

use super::no_build;
use crate::{Services, downloads::Download, error::ServiceError};

const TEXT: &str = "text/plain; charset=utf-8";

impl Services {
    /// A file of a build of a kernel: one of its record, `record.json`, or `config` as soon as the
    /// configuration is known.
    ///
    /// # Errors
    /// Where there is none of that name, or the actor may not read.
    pub async fn kernel_file(
        &self,
        actor: &Actor,
        name: &str,
        number: u32,
        file: &str,
    ) -> Result<Download, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let found = self.read().await?.kernel_build(name, number).await?;
        let found = found.ok_or_else(|| no_build(name, number))?;
        let missing =
            || ServiceError::NotFound(format!("file {file} of build {number} of kernel {name}"));
        if file == "config" {
            return self.blob(&found.config.ok_or_else(missing)?, file, TEXT);
        }
        let record = found.build.record.ok_or_else(missing)?;
        if file == "record.json" {
            return Ok(Download::Bytes {
                name: file.to_owned(),
                media_type: "application/json",
                bytes: canonical::to_vec(&record)?,
            });
        }
        let wanted = record.files.iter().find(|it| it.name == file).ok_or_else(missing)?;
        let media_type = match wanted.role {
            KernelFileRole::Package => "application/vnd.debian.binary-package",
            KernelFileRole::Image => "application/octet-stream",
            KernelFileRole::Config | KernelFileRole::SystemMap => TEXT,
        };
        self.blob(&wanted.sha256, file, media_type)
    }
}
