//! Kernels: components of their own, that are added, configured, built, compared and removed.
//!
//! Here they are read. [`definition`] adds and changes them, [`building`] asks for builds, which
//! `work/kernel.rs` makes, [`of_release`] notes what builds of releases made, [`uses`] knows who needs one and removes it, [`compare`] and [`files`] show
//! what came out.

mod building;
mod compare;
mod definition;
mod files;
mod of_release;
mod uses;

use std::collections::HashMap;

use domain::{
    actor::Actor,
    kernel::{ConfigDifference, Kernel, KernelBuild, KernelState},
    page::{Page, Slice},
    policy::Action,
    run::Outcome,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
pub use store::kernels::KernelFilter;
use store::{Rows, kernels::KernelRow};

pub use self::of_release::FrozenKernel;
pub(crate) use self::{
    building::freeze_base,
    definition::{faulty, pinned},
};
use crate::{Services, error::ServiceError};

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
    /// Names of the releases that are being built with it, newest first.
    #[serde(default)]
    pub building: Vec<String>,
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

impl Services {
    /// The names of all kernels, in order.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn kernel_names(&self, actor: &Actor) -> Result<Vec<String>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.kernel_flavors().await?.into_keys().collect())
    }

    /// A page of kernels, by name. Their builds come without reports, which are long.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn kernels_page(
        &self,
        actor: &Actor,
        filter: &KernelFilter,
        slice: &Slice,
    ) -> Result<Page<KernelSummary>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let page = rows.kernels_page(filter, slice).await?;
        let items = summaries(&mut rows, page.items).await?;
        Ok(Page { items, next: page.next })
    }

    /// The kernel of that name, its builds with their reports.
    ///
    /// # Errors
    /// Where there is none, or the actor may not read.
    pub async fn kernel(&self, actor: &Actor, name: &str) -> Result<KernelSummary, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let row = rows.kernel(name).await?.ok_or_else(|| no_kernel(name))?;
        let mut found = summaries(&mut rows, vec![row]).await?;
        let mut summary = found.pop().ok_or_else(|| no_kernel(name))?;
        for build in [&mut summary.newest, &mut summary.built].into_iter().flatten() {
            if let Some(whole) = rows.kernel_build(name, build.number).await? {
                *build = whole.build;
            }
        }
        Ok(summary)
    }

    /// A page of a kernel's builds, newest first, without their reports, which are long.
    ///
    /// # Errors
    /// Where there is no such kernel, or the actor may not read.
    pub async fn kernel_builds(
        &self,
        actor: &Actor,
        name: &str,
        slice: &Slice,
    ) -> Result<Page<KernelBuild>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let row = rows.kernel(name).await?.ok_or_else(|| no_kernel(name))?;
        let page = rows.kernel_builds_page(&row.kernel.id, slice).await?;
        Ok(Page { items: page.items.into_iter().map(|it| it.build).collect(), next: page.next })
    }

    /// One build of a kernel.
    ///
    /// # Errors
    /// Where there is none, or the actor may not read.
    pub async fn kernel_build(
        &self,
        actor: &Actor,
        name: &str,
        number: u32,
    ) -> Result<KernelBuild, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let found = self.read().await?.kernel_build(name, number).await?;
        Ok(found.ok_or_else(|| no_build(name, number))?.build)
    }
}

/// What lists show of kernels that stand in the order of their names: one query for each kind of
/// fact, however many kernels there are.
async fn summaries(
    rows: &mut Rows,
    kernels: Vec<KernelRow>,
) -> Result<Vec<KernelSummary>, ServiceError> {
    let (Some(first), Some(last)) = (kernels.first(), kernels.last()) else {
        return Ok(Vec::new());
    };
    let (first, last) = (first.kernel.name.clone(), last.kernel.name.clone());
    let mut newest: HashMap<String, KernelBuild> = HashMap::new();
    let mut built: HashMap<String, KernelBuild> = HashMap::new();
    for it in rows.newest_kernel_builds(&first, &last).await? {
        // Newest first.
        if it.build.record.is_some() {
            built.entry(it.kernel.clone()).or_insert_with(|| it.build.clone());
        }
        newest.entry(it.kernel).or_insert(it.build);
    }
    let mut uses = uses::of_kernels(rows, &first, &last).await?;
    let mut results: HashMap<String, Vec<KernelResult>> = HashMap::new();
    for it in rows.runs_with_kernels(&first, &last).await? {
        let (machine, run) = (it.machine, it.run);
        let result = KernelResult { machine, run, outcome: it.outcome, ended_at: it.ended_at };
        results.entry(it.kernel).or_default().push(result);
    }
    let summary = |row: KernelRow| {
        let name = row.kernel.name.as_str();
        KernelSummary {
            newest: newest.remove(name),
            built: built.remove(name),
            uses: uses.remove(name).unwrap_or_default(),
            results: results.remove(name).unwrap_or_default(),
            state: row.state,
            kernel: row.kernel,
        }
    };
    Ok(kernels.into_iter().map(summary).collect())
}

pub(crate) fn no_kernel(name: &str) -> ServiceError {
    ServiceError::NotFound(format!("kernel called {name}"))
}

fn no_build(name: &str, number: u32) -> ServiceError {
    ServiceError::NotFound(format!("build {number} of a kernel called {name}"))
}

/// Who listens to this is told of every change of the kernel.
pub(crate) fn topic(name: &str) -> String {
    format!("kernel/{name}")
}
