//! Adding a kernel and changing what it is made of.

use std::io::Read as _;

use blobs::{BlobError, BlobStore};
use domain::{
    actor::Actor,
    digest::Digest,
    ids::KernelId,
    kernel::{
        Config, ConfigBase, Definition, DefinitionFault, Flavor, Kernel, Source, UploadedFile,
        check_name,
    },
    policy::Action,
};
use store::{WriteTx, kernels::builds::KernelBuildRow};

use super::{no_kernel, topic};
use crate::{Services, audit::Change, error::ServiceError};

/// The longest configuration that is read, in bytes: a hundred times what a distribution's has.
pub(super) const LONGEST_CONFIG: u64 = 32 * 1024 * 1024;

impl Services {
    /// Adds a kernel. Nothing is fetched before its configuration or a build is asked for.
    ///
    /// # Errors
    /// Where the actor may not, the name breaks its rule or is taken, or the definition has faults.
    pub async fn create_kernel(
        &self,
        actor: &Actor,
        name: &str,
        definition: Definition,
    ) -> Result<Kernel, ServiceError> {
        Self::role_of(actor, Action::EditKernel)?;
        check_name(name).map_err(|fault| faulty(&[fault]))?;
        let definition = self.checked(definition).await?;
        let mut tx = self.begin().await?;
        if tx.kernel(name).await?.is_some() {
            let message = format!("there is a kernel called {name} already");
            return Err(ServiceError::invalid("name", message));
        }
        self.name_everything(&mut tx, name, &definition).await?;
        let (at, by) = (self.now(), actor.name().to_owned());
        let kernel = Kernel {
            id: KernelId::generate(self.ids()),
            name: name.to_owned(),
            revision: 1,
            definition,
            created_at: at,
            created_by: by.clone(),
            changed_at: at,
            changed_by: by,
        };
        tx.insert_kernel(&kernel).await?;
        self.record(&mut tx, actor, Change::KernelAdded { kernel: &kernel }).await?;
        self.commit(tx, &topic(name)).await?;
        Ok(kernel)
    }

    /// Changes what a kernel is made of, on top of revision `base`.
    ///
    /// # Errors
    /// Where the actor may not, somebody changed it meanwhile, or the definition has faults.
    pub async fn change_kernel(
        &self,
        actor: &Actor,
        name: &str,
        base: u32,
        definition: Definition,
    ) -> Result<Kernel, ServiceError> {
        Self::role_of(actor, Action::EditKernel)?;
        let definition = self.checked(definition).await?;
        let mut tx = self.begin().await?;
        let former = tx.kernel(name).await?.ok_or_else(|| no_kernel(name))?.kernel;
        if former.revision != base {
            return Err(ServiceError::Conflict(format!(
                "{} saved revision {} of kernel {name} while you were editing revision {base}; look \
                 at that one and make your change again",
                former.changed_by, former.revision
            )));
        }
        if former.definition == definition {
            let message = "it is made of the very same already; there is nothing to save";
            return Err(ServiceError::invalid("definition", message));
        }
        self.name_everything(&mut tx, name, &definition).await?;
        let kernel = Kernel {
            revision: base + 1,
            definition,
            changed_at: self.now(),
            changed_by: actor.name().to_owned(),
            ..former
        };
        tx.change_kernel(&kernel).await?;
        self.record(&mut tx, actor, Change::KernelChanged { kernel: &kernel }).await?;
        self.commit(tx, &topic(name)).await?;
        // What only the former definition named goes after its week.
        self.count_room_anew();
        Ok(kernel)
    }

    /// A definition as it is kept, without what only a build fills in.
    async fn checked(&self, mut definition: Definition) -> Result<Definition, ServiceError> {
        definition.check().map_err(|faults| faulty(&faults))?;
        match definition.configuration.as_mut().map(|it| &mut it.base) {
            Some(ConfigBase::Kernel { config, .. }) => *config = None,
            Some(ConfigBase::File { file }) => {
                let (blobs, file) = (self.blobs().clone(), file.clone());
                let flavor = definition.flavor;
                let check = move || check_config(&blobs, &file, flavor);
                tokio::task::spawn_blocking(check).await.map_err(ServiceError::internal)??;
            }
            Some(ConfigBase::Defconfig { .. }) | None => {}
        }
        Ok(definition)
    }

    /// Finds everything that a definition of kernel `own` names, and keeps it from being removed.
    /// Gives the build whose configuration it starts from, where it starts from a kernel's.
    pub(crate) async fn name_everything(
        &self,
        tx: &mut WriteTx,
        own: &str,
        definition: &Definition,
    ) -> Result<Option<(KernelBuildRow, Digest)>, ServiceError> {
        for file in definition.uploads() {
            self.name_one_upload(tx, file).await?;
        }
        let Some(ConfigBase::Kernel { name, .. }) =
            definition.configuration.as_ref().map(|it| &it.base)
        else {
            return Ok(None);
        };
        let invalid = |message| ServiceError::invalid("configuration.base", message);
        if name == own {
            let message = "a kernel's configuration cannot start from its own; download it and \
                           upload it as a file";
            return Err(invalid(message.to_owned()));
        }
        let base = tx.kernel(name).await?;
        let base = base.ok_or_else(|| invalid(format!("there is no kernel called {name}")))?;
        let (theirs, ours) = (base.kernel.definition.flavor, definition.flavor);
        if theirs != ours {
            let message = format!("kernel {name} is of flavor {theirs}, and this one of {ours}");
            return Err(invalid(message));
        }
        let configured = tx.newest_configured(name, true).await?;
        if let Some(build) = configured
            && let Some(config) = build.config
            && self.counts_on(&config)?
        {
            return Ok(Some((build, config)));
        }
        let message =
            format!("kernel {name} has no configuration yet; configure or build it first");
        Err(invalid(message))
    }

    /// Whether a blob is there; it stays until the rows that are being written name it.
    pub(crate) fn counts_on(&self, blob: &Digest) -> Result<bool, ServiceError> {
        self.blobs().touch(blob).map_err(ServiceError::internal)
    }
}

/// The definition with its tag pinned to `commit`, where it names a repository and no commit yet.
pub(crate) fn pinned(definition: &Definition, commit: &str) -> Option<Definition> {
    let mut pinned = definition.clone();
    match &mut pinned.source {
        Source::Git { commit: unknown @ None, .. } => *unknown = Some(commit.to_owned()),
        _ => return None,
    }
    Some(pinned)
}

/// Everything that is wrong, at the first field that is to blame.
pub(crate) fn faulty(faults: &[DefinitionFault]) -> ServiceError {
    let messages: Vec<&str> = faults.iter().map(|it| it.message.as_str()).collect();
    ServiceError::invalid(
        faults.first().map_or("definition", |it| it.field),
        messages.join("; besides, "),
    )
}

/// Refuses an upload that is no configuration, or one of something else, before anybody waits for a
/// build that fails for it. One that is not there is found where it is named.
fn check_config(
    blobs: &BlobStore,
    file: &UploadedFile,
    flavor: Flavor,
) -> Result<(), ServiceError> {
    let opened = match blobs.open_blob(&file.sha256) {
        Ok(opened) => opened,
        Err(BlobError::Missing(_)) => return Ok(()),
        Err(error) => return Err(ServiceError::internal(error)),
    };
    let invalid = |why: String| {
        ServiceError::invalid("configuration.base", format!("{} is no use: {why}", file.name))
    };
    let mut bytes = Vec::new();
    opened.take(LONGEST_CONFIG).read_to_end(&mut bytes)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| invalid("it is not a text, and a configuration is one".to_owned()))?;
    let config = Config::parse(&text).map_err(|fault| invalid(fault.to_string()))?;
    config.fits(flavor).map_err(|fault| invalid(fault.to_string()))
}
