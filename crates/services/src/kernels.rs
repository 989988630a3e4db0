//! Kernels: components of their own, that are added, configured, built, compared and removed.

use domain::{
    actor::Actor,
    blob::BlobRef,
    job::Job,
    kernel::{
        BuildMode, ConfigDifference, Definition, Flavor, Kernel, KernelBuild, KernelState,
        UploadedFile,
    },
    page::{Page, Slice},
    run::Outcome,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncRead;

use crate::{Services, downloads::Download, error::ServiceError};

/// Which kernels a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KernelFilter {
    /// Only those of this flavor.
    pub flavor: Option<Flavor>,
    /// Only those that stand so.
    pub state: Option<KernelState>,
}

/// A kernel as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelSummary {
    /// The kernel.
    pub kernel: Kernel,
    /// How it stands.
    pub state: KernelState,
    /// Its newest build, of whatever mode.
    pub newest: Option<KernelBuild>,
    /// Its newest complete build.
    pub built: Option<KernelBuild>,
    /// What holds or names it.
    pub uses: KernelUses,
    /// How the newest run on each machine ended that booted it.
    pub results: Vec<KernelResult>,
}

/// What holds or names a kernel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelUses {
    /// Names of the releases that hold a build of it, newest first.
    pub releases: Vec<String>,
    /// Names of the recipes whose newest revision names it.
    pub recipes: Vec<String>,
    /// Names of the kernels whose configuration starts from its own.
    pub kernels: Vec<String>,
}

/// How a machine fared with a kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelResult {
    /// The machine.
    pub machine: String,
    /// The run.
    pub run: domain::ids::RunId,
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended.
    pub ended_at: Timestamp,
}

/// How the configurations of two kernels differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelConfigChange {
    /// What is compared, as it was asked for: `name` or `name/number`.
    pub from: String,
    /// With what.
    pub to: String,
    /// Every option that differs, in the order of the later configuration.
    pub differences: Vec<ConfigDifference>,
}

fn not_yet<T>() -> Result<T, ServiceError> {
    Err(ServiceError::Unavailable("kernels are not there yet".to_owned()))
}

impl Services {
    /// A page of kernels, by name.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn kernels_page(
        &self,
        _actor: &Actor,
        _filter: &KernelFilter,
        _slice: &Slice,
    ) -> Result<Page<KernelSummary>, ServiceError> {
        not_yet()
    }

    /// The kernel of that name.
    ///
    /// # Errors
    /// Where there is none, or the actor may not read.
    pub async fn kernel(&self, _actor: &Actor, _name: &str) -> Result<KernelSummary, ServiceError> {
        not_yet()
    }

    /// A page of a kernel's builds, newest first.
    ///
    /// # Errors
    /// Where there is no such kernel, or the actor may not read.
    pub async fn kernel_builds(
        &self,
        _actor: &Actor,
        _name: &str,
        _slice: &Slice,
    ) -> Result<Page<KernelBuild>, ServiceError> {
        not_yet()
    }

    /// One build of a kernel.
    ///
    /// # Errors
    /// Where there is none, or the actor may not read.
    pub async fn kernel_build(
        &self,
        _actor: &Actor,
        _name: &str,
        _number: u32,
    ) -> Result<KernelBuild, ServiceError> {
        not_yet()
    }

    /// Adds a kernel. Nothing is fetched before its configuration or a build is asked for.
    ///
    /// # Errors
    /// Where the actor may not, the name breaks its rule or is taken, or the definition has faults.
    pub async fn create_kernel(
        &self,
        _actor: &Actor,
        _name: &str,
        _definition: Definition,
    ) -> Result<Kernel, ServiceError> {
        not_yet()
    }

    /// Changes what a kernel is made of, on top of revision `base`.
    ///
    /// # Errors
    /// Where the actor may not, somebody changed it meanwhile, or the definition has faults.
    pub async fn change_kernel(
        &self,
        _actor: &Actor,
        _name: &str,
        _base: u32,
        _definition: Definition,
    ) -> Result<Kernel, ServiceError> {
        not_yet()
    }

    /// Removes a kernel that nothing needs; releases that hold a build of it keep their files.
    ///
    /// # Errors
    /// Where the actor may not, or a recipe, another kernel or a job needs it.
    pub async fn delete_kernel(&self, _actor: &Actor, _name: &str) -> Result<(), ServiceError> {
        not_yet()
    }

    /// Asks for a kernel's configuration, or for the kernel itself.
    ///
    /// # Errors
    /// Where the actor may not, a job of this kernel has not ended, or a binary is to be configured.
    pub async fn start_kernel_build(
        &self,
        _actor: &Actor,
        _name: &str,
        _mode: BuildMode,
    ) -> Result<Job, ServiceError> {
        not_yet()
    }

    /// How two configurations differ. Each is named by a kernel, whose newest configuration is
    /// meant, or by `name/number` for one of its builds.
    ///
    /// # Errors
    /// Where one does not exist or has no configuration, or the actor may not read.
    pub async fn diff_kernels(
        &self,
        _actor: &Actor,
        _from: &str,
        _to: &str,
    ) -> Result<KernelConfigChange, ServiceError> {
        not_yet()
    }

    /// A file of a build of a kernel: one of its record, `record.json`, or `config` as soon as the
    /// configuration is known.
    ///
    /// # Errors
    /// Where there is none of that name, or the actor may not read.
    pub async fn kernel_file(
        &self,
        _actor: &Actor,
        _name: &str,
        _number: u32,
        _file: &str,
    ) -> Result<Download, ServiceError> {
        not_yet()
    }

    /// Keeps what somebody uploads for a kernel or an import; it is removed after a week in which
    /// nothing names it.
    ///
    /// # Errors
    /// Where the actor may not, the name breaks its rule, it is longer than 4 GiB, or the disk has no
    /// room.
    pub async fn keep_upload(
        &self,
        _actor: &Actor,
        _name: &str,
        _bytes: impl AsyncRead + Send + Unpin + 'static,
    ) -> Result<(UploadedFile, BlobRef), ServiceError> {
        not_yet()
    }
}
