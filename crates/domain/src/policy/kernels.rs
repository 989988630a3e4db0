//! Kernels: making one, and removing one that nothing needs.

use super::{Action, Refusal};
use crate::{ids::JobId, kernel::BuildMode, person::Role};

/// What stands in the way of removing a kernel; all empty where nothing does.
#[derive(Debug, Clone, Copy, Default)]
pub struct KernelNeeds<'a> {
    /// The job about it that has not ended.
    pub job: Option<&'a JobId>,
    /// Names of the recipes whose newest revision names it.
    pub recipes: &'a [String],
    /// Names of the kernels whose configuration starts from its own.
    pub kernels: &'a [String],
    /// Names of the releases that are being built with it.
    pub building: &'a [String],
}

/// Adding a kernel, or changing what it is made of.
///
/// # Errors
/// Why not.
pub fn may_edit_kernel(role: Role) -> Result<(), Refusal> {
    Action::EditKernel.allowed(role)
}

/// Making a kernel: one job of it at a time. `binary` says that it was compiled elsewhere.
///
/// # Errors
/// Why not.
pub fn may_build_kernel(
    role: Role,
    binary: bool,
    mode: BuildMode,
    job: Option<&JobId>,
) -> Result<(), Refusal> {
    Action::BuildKernel.allowed(role)?;
    if binary && mode == BuildMode::Configure {
        return Err(Refusal::NothingToConfigure);
    }
    job.map_or(Ok(()), |job| Err(Refusal::KernelAtWork { job: job.clone() }))
}

/// Removing a kernel for good. Releases that hold a build of it do not need it: their files are
/// their own.
///
/// # Errors
/// The first thing that needs it.
pub fn may_delete_kernel(role: Role, needs: &KernelNeeds<'_>) -> Result<(), Refusal> {
    Action::DeleteKernel.allowed(role)?;
    if let Some(job) = needs.job {
        return Err(Refusal::KernelAtWork { job: job.clone() });
    }
    if let Some(recipe) = needs.recipes.first() {
        return Err(Refusal::KernelNamed { recipe: recipe.clone() });
    }
    if let Some(kernel) = needs.kernels.first() {
        return Err(Refusal::KernelIsBase { kernel: kernel.clone() });
    }
    if let Some(release) = needs.building.first() {
        return Err(Refusal::KernelInBuild { release: release.clone() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_removed_when_nothing_needs_it() {
        let (job, name) = (JobId::from("j"), ["x".to_owned()]);
        let nothing = KernelNeeds::default();
        let may = |needs: KernelNeeds<'_>| may_delete_kernel(Role::Developer, &needs);
        assert_eq!(may(nothing), Ok(()));
        assert!(matches!(
            may_delete_kernel(Role::Viewer, &nothing),
            Err(Refusal::Role { least: Role::Developer, .. })
        ));
        let job = KernelNeeds { job: Some(&job), ..nothing };
        assert!(matches!(may(job), Err(Refusal::KernelAtWork { .. })));
        let recipes = KernelNeeds { recipes: &name, ..nothing };
        assert_eq!(may(recipes), Err(Refusal::KernelNamed { recipe: "x".to_owned() }));
        let kernels = KernelNeeds { kernels: &name, ..nothing };
        assert_eq!(may(kernels), Err(Refusal::KernelIsBase { kernel: "x".to_owned() }));
        let building = KernelNeeds { building: &name, ..nothing };
        assert_eq!(may(building), Err(Refusal::KernelInBuild { release: "x".to_owned() }));
    }

    #[test]
    fn one_job_of_a_kernel_at_a_time_and_binaries_are_not_configured() {
        let job = JobId::from("j");
        for mode in BuildMode::ALL {
            let may = |binary, job| may_build_kernel(Role::Developer, binary, mode, job);
            assert_eq!(may(false, None), Ok(()));
            assert!(matches!(may(false, Some(&job)), Err(Refusal::KernelAtWork { .. })));
            assert_eq!(may(true, None).is_ok(), mode != BuildMode::Configure);
            assert!(may_build_kernel(Role::Viewer, false, mode, None).is_err());
        }
    }
}
