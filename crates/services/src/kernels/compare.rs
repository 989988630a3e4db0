//! How the configurations of two kernels differ.

use std::io::Read as _;

use domain::{
    actor::Actor,
    digest::Digest,
    kernel::{Config, difference},
    policy::Action,
};

use super::{KernelConfigChange, definition::LONGEST_CONFIG, no_build, no_kernel};
use crate::{Services, downloads::opened, error::ServiceError};

impl Services {
    /// How two configurations differ. Each is named by a kernel, whose newest configuration is
    /// meant, or by `name/number` for one of its builds.
    ///
    /// # Errors
    /// Where one does not exist or has no configuration, or the actor may not read.
    pub async fn diff_kernels(
        &self,
        actor: &Actor,
        from: &str,
        to: &str,
    ) -> Result<KernelConfigChange, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let (before, after) = (self.config_of(from).await?, self.config_of(to).await?);
        let (services, asked) = (self.clone(), (from.to_owned(), to.to_owned()));
        let compare = move || {
            let before = services.read_config(&asked.0, &before)?;
            let after = services.read_config(&asked.1, &after)?;
            let differences = difference(&before, &after);
            Ok(KernelConfigChange { from: asked.0, to: asked.1, differences })
        };
        tokio::task::spawn_blocking(compare).await.map_err(ServiceError::internal)?
    }

    async fn config_of(&self, asked: &str) -> Result<Digest, ServiceError> {
        let mut rows = self.read().await?;
        let none = || {
            ServiceError::NotFound(format!(
                "configuration of {asked} yet; it is known once the kernel is configured or built"
            ))
        };
        let found = match asked.split_once('/') {
            None => {
                rows.kernel(asked).await?.ok_or_else(|| no_kernel(asked))?;
                rows.newest_configured(asked, false).await?
            }
            Some((name, number)) => {
                let number = number.parse().map_err(|_| no_kernel(asked))?;
                let found = rows.kernel_build(name, number).await?;
                Some(found.ok_or_else(|| no_build(name, number))?)
            }
        };
        found.and_then(|it| it.config).ok_or_else(none)
    }

    fn read_config(&self, asked: &str, blob: &Digest) -> Result<Config, ServiceError> {
        let file = opened(self.blobs(), blob, &format!("configuration of {asked}"))?;
        let mut bytes = Vec::new();
        file.take(LONGEST_CONFIG).read_to_end(&mut bytes)?;
        Config::parse(&String::from_utf8_lossy(&bytes)).map_err(ServiceError::internal)
    }
}
