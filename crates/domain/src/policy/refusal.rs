//! Why something may not be done, worded for people: what stands in the way and what to do next.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Action;
use crate::{
    deployment::DeploymentState, ids::JobId, job::JobState, person::Role, release::Stage,
    time::Timestamp, version::CandidateVersion,
};

/// Why something may not be done.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Refusal {
    /// Nobody has signed in.
    #[error("sign in first")]
    SignIn,
    /// The role is too low.
    #[error("to {to} you need the role {least}, and yours is {role}; ask an administrator for it")]
    Role {
        /// The action in words.
        to: String,
        /// The least role for it.
        least: Role,
        /// The present role of whoever asks.
        role: Role,
    },
    /// The token was made for results of one plan and machine.
    #[error(
        "to {to} you need a token for everything, and this one is for results of plan \"{plan}\" on machine \"{machine}\" only"
    )]
    Scope {
        /// The action in words.
        to: String,
        /// Name of the plan.
        plan: String,
        /// Name of the machine.
        machine: String,
    },
    /// Only a person can be responsible for it.
    #[error("to {to} takes a person who answers for it; sign in to the dashboard")]
    NoPerson {
        /// The action in words.
        to: String,
    },
    /// No reason, or a useless one, or a novel.
    #[error("give a reason of 3 to 2000 characters")]
    Reason,
    /// The job has ended.
    #[error("the job has ended already ({state}); there is nothing left to cancel")]
    JobEnded {
        /// How it ended.
        state: JobState,
    },
    /// The release has no bytes yet.
    #[error("the release is still being built; wait until its build has ended")]
    StillBuilding,
    /// The release cannot be booted any more.
    #[error("the release is {stage}, and no machine may boot it; take another release")]
    NotBootable {
        /// Its stage.
        stage: Stage,
    },
    /// Another candidate of the same version was released.
    #[error("{} was released already, from {by}; build the recipe again to get the next version", by.target)]
    NameTaken {
        /// The candidate that has the name.
        by: CandidateVersion,
    },
    /// Only candidates can be withdrawn.
    #[error("only a candidate can be withdrawn, and this release is {stage}")]
    NoCandidate {
        /// Its stage.
        stage: Stage,
    },
    /// Somebody wants it to stay.
    #[error("{by} pinned this release; take the pin off first")]
    Pinned {
        /// Name of the person.
        by: String,
    },
    /// Its files stay for ever, or it has none.
    #[error(
        "only a candidate can be pinned, and this release is {stage}: files of releases stay for ever, and nothing else has files to keep"
    )]
    NothingToPin {
        /// Its stage.
        stage: Stage,
    },
    /// The release has its name, and its notes with it.
    #[error(
        "the notes were frozen when the release got its name; write what is new in the next release"
    )]
    NotesFrozen,
    /// Machines boot it now.
    #[error("{environment} serves this release; deploy another one there first")]
    Served {
        /// An environment that points at it.
        environment: String,
    },
    /// The environment points at it already.
    #[error("{environment} serves this release already")]
    ServedAlready {
        /// The environment.
        environment: String,
    },
    /// The same release is asked for already.
    #[error(
        "a request for this release in {environment} is open already; approve, refuse or withdraw that one"
    )]
    RequestedAlready {
        /// The environment.
        environment: String,
    },
    /// A plan of the policy did not pass.
    #[error(
        "{environment} demands the plan \"{plan}\", and a required case of it failed for this release; look at its runs, then validate again or build anew"
    )]
    PlanFailing {
        /// The environment.
        environment: String,
        /// The plan.
        plan: String,
    },
    /// A plan of the policy has not come to a result.
    #[error(
        "{environment} demands the plan \"{plan}\", and not all of its required cases have passed for this release; validate it first"
    )]
    PlanUnknown {
        /// The environment.
        environment: String,
        /// The plan.
        plan: String,
    },
    /// The request waits for nobody any more.
    #[error("this request is {state} already; ask anew if it is still wanted")]
    Closed {
        /// How it stands.
        state: DeploymentState,
    },
    /// What it was asked for or approved on has changed.
    #[error("this request has lapsed: {lapse}; ask anew")]
    Lapsed {
        /// What has changed.
        lapse: Lapse,
    },
    /// A person would approve what that person asked for.
    #[error(
        "you asked for this, and nobody approves their own request in {environment}; ask another approver"
    )]
    OwnRequest {
        /// The environment.
        environment: String,
    },
    /// As [`Refusal::OwnRequest`] where there is nobody else.
    #[error(
        "you asked for this, and nobody approves their own request in {environment}. This installation has one person: add an approver, or let an administrator switch on \"people may approve their own requests\" in the policy of {environment}; the audit log keeps that"
    )]
    OwnRequestAlone {
        /// The environment.
        environment: String,
    },
    /// A person would approve twice.
    #[error("you have approved this already; each approval must come from another person")]
    ApprovedAlready,
    /// A person would refuse what that person asked for.
    #[error("you asked for this; withdraw the request instead of refusing it")]
    WithdrawInstead,
    /// A person would withdraw what somebody else asked for.
    #[error("{requester} asked for this; only that person or an administrator may withdraw it")]
    NotRequester {
        /// Who asked.
        requester: String,
    },
    /// A person would deploy what somebody else asked for.
    #[error("{requester} asked for this; only that person or an approver may deploy it")]
    NotDeployer {
        /// Who asked.
        requester: String,
    },
    /// Too few approvals count.
    #[error(
        "{environment} demands {demanded} approval(s), and {counted} count(s) now; ask an approver. Approvals count while their giver is an approver and their manifest and evidence are unchanged"
    )]
    Approvals {
        /// The environment.
        environment: String,
        /// How many are demanded.
        demanded: u32,
        /// How many count.
        counted: u32,
    },
    /// A roll-back would lead somewhere new.
    #[error(
        "{environment} has never served this release; ask for a deployment of it instead of rolling back"
    )]
    NeverServed {
        /// The environment.
        environment: String,
    },
    /// A job of the kernel has not ended.
    #[error("job {job} is about this kernel and has not ended; wait for it or cancel it")]
    KernelAtWork {
        /// Which job.
        job: JobId,
    },
    /// What was compiled elsewhere brings its configuration.
    #[error(
        "this kernel was compiled elsewhere, and there is nothing to configure; take its files over with a build"
    )]
    NothingToConfigure,
    /// A recipe's newest revision names the kernel.
    #[error("recipe {recipe} names this kernel; save a revision of it that does not")]
    KernelNamed {
        /// Name of the recipe.
        recipe: String,
    },
    /// Another kernel's configuration starts from the kernel's own.
    #[error(
        "the configuration of kernel {kernel} starts from this one; let that one start from something else"
    )]
    KernelIsBase {
        /// Name of the other kernel.
        kernel: String,
    },
    /// A release that is being built holds the kernel.
    #[error("{release} is being built with this kernel; wait until its build has ended")]
    KernelInBuild {
        /// Name of the release.
        release: String,
    },
    /// The variant is somebody else's.
    #[error(
        "{owner} owns this variant; clone it to change it your way, or ask {owner} or an administrator"
    )]
    NotOwner {
        /// Name of the owner.
        owner: String,
    },
    /// A job of the variant has not ended.
    #[error("job {job} is about this variant and has not ended; wait for it or cancel it")]
    VariantAtWork {
        /// Which job.
        job: JobId,
    },
    /// Nothing of it was built.
    #[error("nothing of this variant can be booted yet; build it first")]
    VariantNotBuilt,
    /// Its days are over.
    #[error("the days of this variant are over; give it more first")]
    VariantExpired,
    /// The environment serves releases alone.
    #[error(
        "{environment} has no slots: it serves releases alone, and variants fill slots of the environment development"
    )]
    NoSlots {
        /// Its name.
        environment: String,
    },
    /// Whoever runs the server wants no guests.
    #[error("no guests run on this server; ask whoever runs it to start it with --guests")]
    NoGuests,
    /// As many guests run as may at once.
    #[error(
        "{most} guest(s) run now, and this server runs no more at once; stop one on the page Guests, or wait until one has ended"
    )]
    GuestsFull {
        /// How many may run at once.
        most: u32,
    },
    /// One person runs as many guests as may be.
    #[error(
        "you run {most} guest(s) now, and nobody runs more at once; stop one of yours on the page Guests first"
    )]
    OwnGuestsFull {
        /// How many a person may run at once.
        most: u32,
    },
    /// The guest has ended.
    #[error("the guest has ended; boot it again to go on")]
    GuestEnded,
    /// Somebody else types.
    #[error("{by} has the keyboard; it is free when {by} gives it up or has left the page")]
    KeyboardHeld {
        /// Name of the typist.
        by: String,
    },
    /// Whoever types has not taken the keyboard.
    #[error("nobody has the keyboard; take it first")]
    KeyboardFree,
    /// Somebody else has the machine.
    #[error(
        "{owner} has locked this machine until {until} for: {purpose}; ask {owner}, wait, or let an administrator say why that must end"
    )]
    MachineLocked {
        /// Name of whoever has it.
        owner: String,
        /// What for.
        purpose: String,
        /// When that ends by itself.
        until: Timestamp,
    },
    /// Nobody has the machine.
    #[error("nobody has locked this machine; there is nothing to release")]
    MachineNotLocked,
    /// The machine boots what an environment serves that demands something.
    #[error(
        "this machine follows {environment}, which demands that releases pass and are approved; lock the machine first, so that all see who takes it and until when, or ask an approver"
    )]
    MachineFollows {
        /// The environment.
        environment: String,
    },
    /// Nobody has said that the machine belongs here.
    #[error("nobody has accepted this machine yet; accept it first")]
    MachinePending,
    /// A waiver without an end, or one that is too far away.
    #[error(
        "say until when the waiver holds: a day such as 2026-12-31, in the future and at most a year ahead"
    )]
    WaiverEnd,
    /// A person would waive a failure of what that person asked for.
    #[error(
        "{tie}, and nobody waives a failure of their own request; ask another approver. Where every environment that demands something lets people approve their own requests, they may waive as well"
    )]
    OwnFailure {
        /// How the failure is that person's own.
        tie: FailureTie,
    },
    /// A plan passes only by waivers of whoever asks for the deployment.
    #[error(
        "{environment} demands the plan \"{plan}\", and it passes only by waivers of whoever asks for the deployment, which do not count there; let another approver waive these failures"
    )]
    OwnWaiver {
        /// The environment.
        environment: String,
        /// The plan.
        plan: String,
    },
    /// Results decide at a gate already.
    #[error("these results count for the plan \"{plan}\" already")]
    Counted {
        /// Name of the plan.
        plan: String,
    },
    /// Results of what no gate asks for.
    #[error(
        "only results of a release of this installation, whose run has ended, count for a plan; say first what they are about"
    )]
    NothingToCount,
    /// A person would let count what that person brought in.
    #[error(
        "you brought these results in, and nobody lets their own results decide; ask another approver. Where every environment that demands something lets people approve their own requests, they may do this as well"
    )]
    OwnResults,
    /// There is no waiver to take back.
    #[error("this failure has no waiver that could be taken back")]
    NoWaiver,
    /// Nothing speaks against what was tested.
    #[error("this case passed; there is nothing to assess")]
    NothingFailed,
    /// Nobody could manage people any more.
    #[error(
        "{name} is the last administrator; make somebody else an administrator first, or nobody could manage people"
    )]
    LastAdministrator {
        /// The person.
        name: String,
    },
}

impl Refusal {
    pub(super) fn no_person(action: Action) -> Self {
        Self::NoPerson { to: action.phrase().to_owned() }
    }
}

/// How a failure is a person's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureTie {
    /// That person asked for the validation.
    #[error("you asked for the validation that found this")]
    Validation,
    /// That person brought the results.
    #[error("you brought these results in")]
    Results,
    /// That person wants the release deployed.
    #[error("you asked that {environment} serve this release")]
    Deployment {
        /// The environment.
        environment: String,
    },
}

/// What has changed since a deployment was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lapse {
    /// The release is made of other bytes.
    #[error("the release's manifest is another one now")]
    Manifest,
    /// Other runs decide, failures are assessed or waived otherwise, or the environment demands other
    /// plans.
    #[error(
        "the evidence is another one now, since the release was validated again, what people say of its failures changed, a waiver ended, or the plans changed"
    )]
    Evidence,
}
