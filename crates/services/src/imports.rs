//! Imports: asking for one, and what is known of a release because it was imported.

use domain::{
    actor::Actor,
    ids::{JobId, PersonId, RecipeId, ReleaseId},
    import::{self, ConsoleLogin, Import, ImportFault, ImportedKernel},
    job::{Job, JobKind},
    kernel::UploadedFile,
    menu::reader::{self, LONGEST_MENU, ReadMenu},
    policy::Action,
    recipe::Revision,
    release::{Release, Stage},
    version::CandidateVersion,
};
use serde::{Deserialize, Serialize};
use store::jobs::NewJob;

use crate::{
    Services,
    audit::Change,
    error::ServiceError,
    releases::{propose, refuse_taken},
};

/// What somebody asks to be imported. The files were uploaded before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportOrder {
    /// The version that the release is to have.
    pub version: CandidateVersion,
    /// The rootfs: `rootfs-v1.0.0.tar.gz`.
    pub rootfs: UploadedFile,
    /// The kernels that the menu names.
    pub kernels: Vec<ImportedKernel>,
    /// Text of the menu: `menu.ipxe`.
    pub menu: String,
    /// The account with which plans sign in on the console.
    pub login: ConsoleLogin,
}

/// What an import was asked for: kept with its job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImportParameters {
    pub(crate) rootfs: UploadedFile,
    pub(crate) kernels: Vec<ImportedKernel>,
    pub(crate) menu: ReadMenu,
    /// Who saves the proposed recipe.
    pub(crate) author: PersonId,
}

/// What an import would start from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportProposal {
    /// The version that the import would get.
    pub version: CandidateVersion,
}

/// An import as a release's page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportDetails {
    /// What is known of it.
    pub import: Import,
    /// The recipe that it proposes, once its rootfs has been read.
    pub proposal: Option<Revision>,
}

impl Services {
    /// What an import would start from.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn propose_import(&self, actor: &Actor) -> Result<ImportProposal, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let releases = self.read().await?.releases().await?;
        Ok(ImportProposal { version: propose(&releases) })
    }

    /// Asks for a release of what was put together elsewhere, under a version that does not exist
    /// yet.
    ///
    /// # Errors
    /// Where the actor may not, the version is taken, a file was not uploaded, a kernel or the login
    /// cannot be so, or no entry of the menu can be read.
    pub async fn start_import(
        &self,
        actor: &Actor,
        order: ImportOrder,
    ) -> Result<Job, ServiceError> {
        Action::Import.allowed_to(&actor.who)?;
        let author = actor.person().cloned().ok_or(ServiceError::Unauthenticated)?;
        let ImportOrder { version, rootfs, kernels, menu, login } = order;
        let menu = self.look_at(&rootfs, &kernels, &menu, &login).await?;
        let mut tx = self.begin().await?;
        refuse_taken(&tx.releases().await?, &version)?;
        let (job, now) = (JobId::generate(self.ids()), self.now());
        let recipe = RecipeId::generate(self.ids());
        let name = import::proposal_name(&version);
        tx.reserve_recipe(&recipe, &name).await.map_err(|error| {
            if error.is_conflict() {
                let message = format!("a recipe is called {name}; take another version");
                ServiceError::invalid("version", message)
            } else {
                error.into()
            }
        })?;
        let release = Release {
            id: ReleaseId::generate(self.ids()),
            version,
            stage: Stage::Building,
            recipe,
            recipe_name: name,
            revision: 1,
            job: job.clone(),
            manifest: None,
            lock: None,
            identical_to: None,
            created_at: now,
            created_by: actor.name().to_owned(),
            built_at: None,
            released_at: None,
            imported_at: Some(now),
        };
        tx.insert_release(&release).await?;
        tx.insert_import(&Import {
            release: release.id.clone(),
            imported_at: now,
            login,
            hostname: None,
            unread: menu.unread.clone(),
        })
        .await?;
        let change = Change::ImportRequested { release: &release, rootfs: &rootfs };
        self.record(&mut tx, actor, change).await?;
        let parameters = ImportParameters { rootfs, kernels, menu, author };
        tx.insert_job(&NewJob {
            id: job.clone(),
            kind: JobKind::Import,
            release: Some(release.id.clone()),
            kernel: None,
            variant: None,
            created_at: now,
            created_by: actor.name().to_owned(),
            parameters: serde_json::to_value(parameters).map_err(ServiceError::internal)?,
            steps: builder::IMPORT_STEPS.iter().map(|name| (*name).to_owned()).collect(),
        })
        .await?;
        let row =
            tx.job(&job).await?.ok_or_else(|| ServiceError::NotFound(format!("job {job}")))?;
        self.commit(tx, &format!("job/{job}")).await?;
        self.nudge();
        Ok(row)
    }

    /// Looks at everything of an order that can be judged before it is unpacked; gives the menu.
    async fn look_at(
        &self,
        rootfs: &UploadedFile,
        kernels: &[ImportedKernel],
        menu: &str,
        login: &ConsoleLogin,
    ) -> Result<ReadMenu, ServiceError> {
        let known = import::check_kernels(kernels)
            .map_err(|fault| ServiceError::invalid("kernels", fault.to_string()))?;
        import::check_login(login)
            .map_err(|fault: ImportFault| ServiceError::invalid("login", fault.to_string()))?;
        if menu.len() > LONGEST_MENU {
            let message = format!("a menu has {LONGEST_MENU} bytes at the most");
            return Err(ServiceError::invalid("menu", message));
        }
        let menu = reader::read(menu, &known);
        if menu.entries.is_empty() {
            let why = menu.unread.first().map_or_else(
                || "it has no line that begins with \"item\"".to_owned(),
                |unread| format!("line {}: {}", unread.line, unread.reason),
            );
            let message = format!("no entry of the menu can be read: {why}");
            return Err(ServiceError::invalid("menu", message));
        }
        let mut files = vec![("rootfs", rootfs.clone())];
        for kernel in kernels {
            files.extend(kernel.image.iter().map(|file| ("kernels", file.clone())));
            files.extend(kernel.packages.iter().map(|file| ("kernels", file.clone())));
        }
        self.must_be_there(files).await?;
        Ok(menu)
    }

    /// Refuses files that were not uploaded, each with the field that names it; the others are
    /// counted on from now on.
    async fn must_be_there(
        &self,
        files: Vec<(&'static str, UploadedFile)>,
    ) -> Result<(), ServiceError> {
        let blobs = self.blobs().clone();
        let look = move || {
            for (field, file) in files {
                if !blobs.touch(&file.sha256).map_err(ServiceError::internal)? {
                    let shown: String = file.name.chars().take(80).collect();
                    let message =
                        format!("{shown} was not uploaded, or was removed since: upload it");
                    return Err(ServiceError::invalid(field, message));
                }
            }
            Ok(())
        };
        tokio::task::spawn_blocking(look).await.map_err(ServiceError::internal)?
    }

    /// What is known of a release because it was imported; `None` where it was built here.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn import_of(
        &self,
        actor: &Actor,
        release: &Release,
    ) -> Result<Option<ImportDetails>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let Some(import) = rows.import_of(&release.id).await? else { return Ok(None) };
        let proposal = rows.revision_of(&release.recipe, release.revision).await?;
        Ok(Some(ImportDetails { import, proposal }))
    }
}
