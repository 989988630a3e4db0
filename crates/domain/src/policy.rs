//! Who may do what, and why not: the one place that decides.
//!
//! Each function takes plain facts and answers `Ok` or a [`Refusal`], whose text says what to do
//! next. The server asks before it acts; pages ask the same function to disable a button and show
//! its reason. So both always say the same words.
//!
//! Moving an environment's pointer takes a [`Permit`], which only [`deploy_gate`] and
//! [`roll_back_gate`] make, from facts that were read inside the very transaction that moves it.

mod action;
mod gate;
mod guests;
mod kernels;
mod machines;
mod people;
mod refusal;
#[cfg(test)]
mod tests;
mod variants;
mod waivers;

pub use action::Action;
pub use gate::{
    Approving, Deploying, Permit, Requesting, RollingBack, Standing, counted_approvals,
    deploy_gate, lapsed, may_approve, may_deploy, may_refuse, may_request_deployment,
    may_roll_back, may_withdraw, roll_back_gate,
};
pub use guests::{GuestCounts, may_start_guest, may_use_guest};
pub use kernels::{KernelNeeds, may_build_kernel, may_delete_kernel, may_edit_kernel};
pub use machines::{
    Asking, may_assign_machine, may_lock_machine, may_unlock_machine, may_use_machine,
    passes_by_reason,
};
pub use people::{may_change_role, may_disable, may_manage_people};
pub use refusal::{FailureTie, Lapse, Refusal};
pub use variants::{
    bootable_variant, may_build_variant, may_delete_variant, may_edit_variant, may_empty_slot,
    may_fill_slot, may_validate_variant,
};
pub use waivers::{Waiving, may_count_results, may_waive, may_withdraw_waiver};

use crate::{job::JobState, person::Role, release::Stage};

/// Reading pages, logs and downloads.
///
/// # Errors
/// Why not.
pub fn may_read(role: Role) -> Result<(), Refusal> {
    Action::Read.allowed(role)
}

/// Making recipes and saving revisions.
///
/// # Errors
/// Why not.
pub fn may_edit_recipe(role: Role) -> Result<(), Refusal> {
    Action::EditRecipe.allowed(role)
}

/// Building a release.
///
/// # Errors
/// Why not.
pub fn may_build(role: Role) -> Result<(), Refusal> {
    Action::Build.allowed(role)
}

/// Stopping a job.
///
/// # Errors
/// Why not.
pub fn may_cancel_job(role: Role, state: JobState) -> Result<(), Refusal> {
    Action::CancelJob.allowed(role)?;
    if state.ended() { Err(Refusal::JobEnded { state }) } else { Ok(()) }
}

/// Running a plan against a release.
///
/// # Errors
/// Why not.
pub fn may_validate(role: Role, stage: Stage) -> Result<(), Refusal> {
    Action::Validate.allowed(role)?;
    bootable(stage)
}

/// Making a plan or a suite or changing one; `demanded_by` names the environments whose policies demand
/// it: whoever changes such a one changes what they demand.
///
/// # Errors
/// Why not.
pub fn may_edit_plan(role: Role, demanded_by: &[String]) -> Result<(), Refusal> {
    Action::EditPlan.allowed(role)?;
    if demanded_by.is_empty() { Ok(()) } else { may_change_policy(role) }
}

/// Changing what an environment demands.
///
/// # Errors
/// Why not.
pub fn may_change_policy(role: Role) -> Result<(), Refusal> {
    Action::ChangePolicy.allowed(role)
}

/// Taking a candidate back for good; `serving` names the environments that point at it, `pinned_by`
/// the person who pinned it.
///
/// # Errors
/// Why not.
pub fn may_withdraw_release(
    role: Role,
    stage: Stage,
    serving: &[String],
    pinned_by: Option<&str>,
) -> Result<(), Refusal> {
    Action::WithdrawRelease.allowed(role)?;
    if let Some(by) = pinned_by {
        return Err(Refusal::Pinned { by: by.to_owned() });
    }
    if let Some(environment) = serving.first() {
        return Err(Refusal::Served { environment: environment.clone() });
    }
    match stage {
        Stage::Candidate => Ok(()),
        Stage::Building => Err(Refusal::StillBuilding),
        Stage::Released | Stage::Failed | Stage::Withdrawn => Err(Refusal::NoCandidate { stage }),
    }
}

/// Saying that a release must stay.
///
/// # Errors
/// Why not.
pub fn may_pin(role: Role, stage: Stage) -> Result<(), Refusal> {
    Action::PinRelease.allowed(role)?;
    if stage == Stage::Candidate { Ok(()) } else { Err(Refusal::NothingToPin { stage }) }
}

/// Writing release notes and known issues.
///
/// # Errors
/// Why not.
pub fn may_edit_notes(role: Role, stage: Stage) -> Result<(), Refusal> {
    Action::EditNotes.allowed(role)?;
    match stage {
        Stage::Building | Stage::Candidate => Ok(()),
        Stage::Released => Err(Refusal::NotesFrozen),
        Stage::Failed | Stage::Withdrawn => Err(Refusal::NotBootable { stage }),
    }
}

/// The reason that a person gives for a change, without the blanks around it.
///
/// # Errors
/// [`Refusal::Reason`] where it has fewer than 3 or more than 2000 characters.
pub fn require_reason(text: &str) -> Result<String, Refusal> {
    let reason = text.trim();
    if (3..=2000).contains(&reason.chars().count()) {
        Ok(reason.to_owned())
    } else {
        Err(Refusal::Reason)
    }
}

/// Whether machines may boot the release at all, whoever asks.
///
/// # Errors
/// Why not.
pub fn bootable(stage: Stage) -> Result<(), Refusal> {
    match stage {
        Stage::Candidate | Stage::Released => Ok(()),
        Stage::Building => Err(Refusal::StillBuilding),
        Stage::Failed | Stage::Withdrawn => Err(Refusal::NotBootable { stage }),
    }
}
