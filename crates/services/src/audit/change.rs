//! What can change: each change of the store is one of these.

use domain::{
    assessment::MadeAssessment,
    audit::AuditEntry,
    deployment::Deployment,
    digest::Digest,
    environment::Policy,
    guest::Guest,
    ids::{JobId, RecipeId, RunId},
    kernel::{Kernel, UploadedFile},
    machine::{Machine, Rule, Unregistered},
    person::{Person, Role},
    plan::Plan,
    release::Release,
    room::RoomRules,
    run::Run,
    slot::Slot,
    suite::Suite,
    token::Token,
    variant::Variant,
};
use store::{kernels::builds::NewKernelBuild, variants::NewVariantBuild};

/// What changed, with what the audit row says of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change<'a> {
    PersonAdded {
        person: &'a Person,
    },
    SignedIn {
        person: &'a Person,
    },
    SignInFailed {
        name: &'a str,
    },
    RoleChanged {
        person: &'a Person,
        role: Role,
    },
    Disabled {
        person: &'a Person,
        disabled: bool,
    },
    PasswordLinkGiven {
        person: &'a Person,
    },
    PasswordSet {
        person: &'a Person,
    },
    TokenMade {
        token: &'a Token,
    },
    TokenRevoked {
        token: &'a Token,
    },
    RecipeSaved {
        recipe: &'a RecipeId,
        name: &'a str,
        revision: u32,
        digest: &'a Digest,
        message: &'a str,
    },
    BuildRequested {
        release: &'a Release,
    },
    ImportRequested {
        release: &'a Release,
        rootfs: &'a UploadedFile,
    },
    BuildEnded {
        release: &'a Release,
        outcome: &'a str,
    },
    ReleaseWithdrawn {
        release: &'a Release,
        reason: &'a str,
    },
    ReleasePinned {
        release: &'a Release,
        reason: &'a str,
    },
    ReleaseUnpinned {
        release: &'a Release,
    },
    FilesRemoved {
        release: &'a Release,
    },
    CollectionRequested {
        job: &'a JobId,
        dry_run: bool,
    },
    CollectionEnded {
        job: &'a JobId,
        outcome: &'a str,
    },
    RoomRulesChanged {
        from: &'a RoomRules,
        to: &'a RoomRules,
    },
    NotesSaved {
        release: &'a Release,
        revision: u32,
    },
    NotesFrozen {
        release: &'a Release,
        digest: &'a Digest,
    },
    PlanSaved {
        plan: &'a Plan,
    },
    PlanRemoved {
        plan: &'a Plan,
    },
    SuiteSaved {
        suite: &'a Suite,
    },
    SuiteRemoved {
        suite: &'a Suite,
    },
    ValidationRequested {
        release: &'a Release,
        plan: &'a Plan,
        job: &'a JobId,
    },
    ValidationEnded {
        job: &'a JobId,
        outcome: &'a str,
    },
    GuestStarted {
        guest: &'a Guest,
    },
    GuestExtended {
        guest: &'a Guest,
    },
    GuestEnded {
        guest: &'a Guest,
    },
    /// `last` is what the log said of it last.
    GuestInterrupted {
        last: &'a AuditEntry,
    },
    KeyboardTaken {
        guest: &'a Guest,
    },
    KeyboardGivenUp {
        guest: &'a Guest,
    },
    JobCancelled {
        job: &'a JobId,
    },
    DeploymentRequested {
        deployment: &'a Deployment,
    },
    DeploymentJudged {
        deployment: &'a Deployment,
        verdict: &'static str,
        comment: &'a str,
    },
    DeploymentWithdrawn {
        deployment: &'a Deployment,
    },
    DeploymentLapsed {
        deployment: &'a Deployment,
        why: &'a str,
    },
    Deployed {
        deployment: &'a Deployment,
    },
    KernelAdded {
        kernel: &'a Kernel,
    },
    KernelChanged {
        kernel: &'a Kernel,
    },
    KernelDeleted {
        kernel: &'a Kernel,
    },
    KernelBuildRequested {
        kernel: &'a str,
        build: &'a NewKernelBuild,
    },
    KernelBuildEnded {
        kernel: &'a str,
        job: &'a JobId,
        number: u32,
        record: Option<&'a Digest>,
        outcome: &'a str,
    },
    KernelFilesRemoved {
        kernel: &'a str,
        number: u32,
    },
    VariantMade {
        variant: &'a Variant,
    },
    VariantChanged {
        variant: &'a Variant,
    },
    VariantExtended {
        variant: &'a Variant,
    },
    VariantDeleted {
        variant: &'a Variant,
    },
    VariantValidationRequested {
        variant: &'a Variant,
        plan: &'a Plan,
        job: &'a JobId,
    },
    VariantBuildRequested {
        variant: &'a str,
        build: &'a NewVariantBuild,
    },
    VariantBuildEnded {
        variant: &'a str,
        job: &'a JobId,
        number: u32,
        manifest: Option<&'a Digest>,
        outcome: &'a str,
    },
    SlotFilled {
        environment: &'a str,
        slot: Slot,
        variant: &'a Variant,
    },
    SlotEmptied {
        environment: &'a str,
        slot: Slot,
    },
    VariantFilesRemoved {
        variant: &'a str,
        number: u32,
    },
    /// The row says how the machine stands after it; `reason` passes another person's lock, `into` is what
    /// a pending machine turned out to be.
    Machine {
        action: &'static str,
        machine: &'a Machine,
        reason: Option<&'a str>,
        into: Option<&'a str>,
    },
    MachinesImported {
        table: &'a Digest,
        added: usize,
        changed: usize,
    },
    MachineRulesChanged {
        revision: u32,
        rules: &'a [Rule],
    },
    UnregisteredChanged {
        from: Unregistered,
        to: Unregistered,
    },
    ResultsRecorded {
        run: &'a Run,
    },
    RunAttached {
        run: &'a Run,
    },
    RunMarked {
        run: &'a Run,
        important: bool,
    },
    RunFilesRemoved {
        run: &'a RunId,
    },
    RunCounted {
        run: &'a Run,
    },
    FailureAssessed {
        failure: (&'a str, &'a str),
        made: &'a MadeAssessment,
    },
    FailureWaived {
        failure: (&'a str, &'a str),
        made: &'a MadeAssessment,
    },
    WaiverWithdrawn {
        failure: (&'a str, &'a str),
        made: &'a MadeAssessment,
    },
    Uploaded {
        file: &'a UploadedFile,
        size: u64,
    },
    UploadForgotten {
        file: &'a UploadedFile,
    },
    PolicyChanged {
        environment: &'a str,
        from: &'a Policy,
        to: &'a Policy,
    },
}
