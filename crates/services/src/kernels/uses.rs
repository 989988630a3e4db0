//! Who needs a kernel, and removing one that nothing needs.

use std::collections::HashMap;

use domain::{
    actor::Actor,
    policy::{self, Action, KernelNeeds},
    recipe,
};
use store::Rows;

use super::{KernelUses, no_kernel, topic};
use crate::{Services, audit::Change, error::ServiceError};

impl Services {
    /// Removes a kernel that nothing needs; releases that hold a build of it keep their files.
    ///
    /// # Errors
    /// Where the actor may not, or a recipe, another kernel, a job or a build of a release needs it.
    pub async fn delete_kernel(&self, actor: &Actor, name: &str) -> Result<(), ServiceError> {
        let role = Self::role_of(actor, Action::DeleteKernel)?;
        let mut tx = self.begin().await?;
        let kernel = tx.kernel(name).await?.ok_or_else(|| no_kernel(name))?.kernel;
        let job = tx.open_job_of_kernel(&kernel.id).await?;
        let uses = of_kernels(&mut tx, name, name).await?.remove(name).unwrap_or_default();
        let needs = KernelNeeds {
            job: job.as_ref(),
            recipes: &uses.recipes,
            kernels: &uses.kernels,
            building: &uses.building,
        };
        policy::may_delete_kernel(role, &needs)?;
        tx.delete_kernel(&kernel.id, self.now()).await?;
        self.record(&mut tx, actor, Change::KernelDeleted { kernel: &kernel }).await?;
        self.commit(tx, &topic(name)).await?;
        let (builder, id) = (self.builder().clone(), kernel.id.clone());
        let forget = move || builder.forget_compiler_cache(&id);
        // The kernel is gone whether or not the disk gives the room back.
        match tokio::task::spawn_blocking(forget).await.map_err(ServiceError::internal)? {
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(kernel = %kernel.name, %error, "the compiler cache of a kernel that was removed stays on the disk");
            }
        }
        self.count_room_anew();
        Ok(())
    }
}

/// Who needs each kernel between these names, both included, by its name.
pub(super) async fn of_kernels(
    rows: &mut Rows,
    first: &str,
    last: &str,
) -> Result<HashMap<String, KernelUses>, ServiceError> {
    let mut uses: HashMap<String, KernelUses> = HashMap::new();
    for (kernel, release) in rows.releases_with_kernels(first, last, false).await? {
        uses.entry(kernel).or_default().releases.push(release);
    }
    for (kernel, release) in rows.releases_with_kernels(first, last, true).await? {
        uses.entry(kernel).or_default().building.push(release);
    }
    let wanted = |kernel: &String| (first..=last).contains(&kernel.as_str());
    // What it names, it has not resolved yet.
    for (release, text) in rows.texts_being_built().await? {
        for kernel in recipe::kernels_named(&text).into_iter().filter(wanted) {
            let building = &mut uses.entry(kernel).or_default().building;
            if !building.contains(&release) {
                building.push(release.clone());
            }
        }
    }
    for (name, text) in rows.newest_texts().await? {
        for kernel in recipe::kernels_named(&text).into_iter().filter(wanted) {
            uses.entry(kernel).or_default().recipes.push(name.clone());
        }
    }
    for (kernel, other) in rows.kernels_based_on(first, last).await? {
        uses.entry(kernel).or_default().kernels.push(other);
    }
    Ok(uses)
}
