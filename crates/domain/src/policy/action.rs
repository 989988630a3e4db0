//! Everything that a person can ask the product to do, and the least role for it.

use super::Refusal;
use crate::{actor::Who, person::Role};

/// Something that a person can ask for. The routes, the use cases and their tests name these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Look at pages, logs, feeds and downloads. The only one that changes nothing.
    Read,
    /// Set a new password for oneself.
    ChangeOwnPassword,
    /// Make and revoke bearer tokens of one's own.
    ManageOwnTokens,
    /// Make a recipe or save a revision.
    EditRecipe,
    /// Build a release.
    Build,
    /// Add a kernel or change what it is made of.
    EditKernel,
    /// Make a kernel, or its configuration alone.
    BuildKernel,
    /// Remove a kernel.
    DeleteKernel,
    /// Make a variant, change it, give it more days or remove it.
    EditVariant,
    /// Build a variant.
    BuildVariant,
    /// Let a variant fill a slot of an environment, or empty one.
    FillSlot,
    /// Upload a file for a kernel or an import.
    Upload,
    /// Make a release of a rootfs, kernels and a menu that exist already.
    Import,
    /// Stop a job.
    CancelJob,
    /// Make a plan or a suite, change or remove one.
    EditPlan,
    /// Run a plan against a release.
    Validate,
    /// Bring results in, or say what they are about.
    RecordResults,
    /// Say that a run must keep its files, or need not any more.
    KeepRun,
    /// Say of a failure whose problem it is and where it is tracked.
    AssessFailure,
    /// Boot something in a guest, to try it.
    StartGuest,
    /// Type to a guest, give it more time, or end it.
    UseGuest,
    /// Register a machine, change, accept, merge or remove one.
    EditMachine,
    /// Say what a machine boots.
    AssignMachine,
    /// Lock a machine, extend a lock or release it.
    LockMachine,
    /// Take a candidate back for good.
    WithdrawRelease,
    /// Write release notes and known issues.
    EditNotes,
    /// Say that a release must stay, or need not any more.
    PinRelease,
    /// Remove what nothing needs, by the rules.
    CollectGarbage,
    /// Ask for a deployment.
    RequestDeployment,
    /// Take back a request for a deployment.
    WithdrawRequest,
    /// Execute a deployment that has its approvals.
    Deploy,
    /// Put an environment back on what it has served before.
    RollBack,
    /// Approve a deployment.
    Approve,
    /// Refuse a deployment.
    Refuse,
    /// Let results that came in from elsewhere decide at a gate.
    CountResults,
    /// Answer for a failure that it does not stand in the way, or take that back.
    Waive,
    /// Say what machines of certain labels boot.
    ChangeMachineRules,
    /// Add people, change roles, disable accounts, hand out one-time links.
    ManagePeople,
    /// Change what an environment demands.
    ChangePolicy,
    /// Change how long things stay, and how much room stays free.
    ChangeRoomRules,
    /// Say what machines get that nobody has accepted.
    ChangeUnregistered,
}

impl Action {
    /// All actions, ordered by the role they need.
    pub const ALL: [Self; 41] = [
        Self::Read,
        Self::ChangeOwnPassword,
        Self::ManageOwnTokens,
        Self::EditRecipe,
        Self::Build,
        Self::EditKernel,
        Self::BuildKernel,
        Self::DeleteKernel,
        Self::EditVariant,
        Self::BuildVariant,
        Self::FillSlot,
        Self::Upload,
        Self::Import,
        Self::CancelJob,
        Self::EditPlan,
        Self::Validate,
        Self::RecordResults,
        Self::KeepRun,
        Self::AssessFailure,
        Self::StartGuest,
        Self::UseGuest,
        Self::EditMachine,
        Self::AssignMachine,
        Self::LockMachine,
        Self::WithdrawRelease,
        Self::EditNotes,
        Self::PinRelease,
        Self::CollectGarbage,
        Self::RequestDeployment,
        Self::WithdrawRequest,
        Self::Deploy,
        Self::RollBack,
        Self::Approve,
        Self::Refuse,
        Self::CountResults,
        Self::Waive,
        Self::ChangeMachineRules,
        Self::ManagePeople,
        Self::ChangePolicy,
        Self::ChangeRoomRules,
        Self::ChangeUnregistered,
    ];

    /// The least role that may do it at all; facts of the case may demand more.
    #[must_use]
    pub const fn least_role(self) -> Role {
        match self {
            Self::Read | Self::ChangeOwnPassword | Self::ManageOwnTokens => Role::Viewer,
            Self::EditRecipe
            | Self::Build
            | Self::EditKernel
            | Self::BuildKernel
            | Self::DeleteKernel
            | Self::EditVariant
            | Self::BuildVariant
            | Self::FillSlot
            | Self::Upload
            | Self::Import
            | Self::CancelJob
            | Self::EditPlan
            | Self::Validate
            | Self::RecordResults
            | Self::KeepRun
            | Self::AssessFailure
            | Self::StartGuest
            | Self::UseGuest
            | Self::EditMachine
            | Self::AssignMachine
            | Self::LockMachine
            | Self::WithdrawRelease
            | Self::EditNotes
            | Self::PinRelease
            | Self::CollectGarbage
            | Self::RequestDeployment
            | Self::WithdrawRequest
            | Self::Deploy
            | Self::RollBack => Role::Developer,
            Self::Approve
            | Self::Refuse
            | Self::CountResults
            | Self::Waive
            | Self::ChangeMachineRules => Role::Approver,
            Self::ManagePeople
            | Self::ChangePolicy
            | Self::ChangeRoomRules
            | Self::ChangeUnregistered => Role::Administrator,
        }
    }

    /// The action as a refusal names it: "to … you need".
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        match self {
            Self::Read => "read this",
            Self::ChangeOwnPassword => "change your password",
            Self::ManageOwnTokens => "make or revoke a token",
            Self::EditRecipe => "save a recipe",
            Self::Build => "build a release",
            Self::EditKernel => "save a kernel",
            Self::BuildKernel => "build a kernel",
            Self::DeleteKernel => "remove a kernel",
            Self::EditVariant => "change a variant",
            Self::BuildVariant => "build a variant",
            Self::FillSlot => "fill or empty a slot",
            Self::Upload => "upload a file",
            Self::Import => "import a release",
            Self::CancelJob => "cancel a job",
            Self::EditPlan => "save a plan or a suite",
            Self::Validate => "validate a release",
            Self::RecordResults => "bring results in",
            Self::KeepRun => "say which runs are important",
            Self::AssessFailure => "assess a failure",
            Self::StartGuest => "boot something in a guest",
            Self::UseGuest => "use a guest",
            Self::EditMachine => "register or change a machine",
            Self::AssignMachine => "say what a machine boots",
            Self::LockMachine => "lock a machine",
            Self::WithdrawRelease => "withdraw a release",
            Self::EditNotes => "write release notes",
            Self::PinRelease => "pin a release",
            Self::CollectGarbage => "remove what nothing needs",
            Self::RequestDeployment => "ask for a deployment",
            Self::WithdrawRequest => "withdraw a request",
            Self::Deploy => "deploy a release",
            Self::RollBack => "roll back",
            Self::Approve => "approve a deployment",
            Self::Refuse => "refuse a deployment",
            Self::CountResults => "let results count for a plan",
            Self::Waive => "waive a failure",
            Self::ChangeMachineRules => "change the rules of machines",
            Self::ManagePeople => "manage people",
            Self::ChangePolicy => "change a policy",
            Self::ChangeRoomRules => "change how long things stay",
            Self::ChangeUnregistered => "say what unregistered machines get",
        }
    }

    /// Whether a person of `role` may do it at all.
    ///
    /// # Errors
    /// [`Refusal::Role`] where the role is too low.
    pub fn allowed(self, role: Role) -> Result<(), Refusal> {
        self.needs(self.least_role(), role)
    }

    /// Whether whoever asks may do it at all.
    ///
    /// The command line belongs to whoever may read the data folder anyway: it manages people, so
    /// that nobody is locked out, and reads; what needs a responsible person it may not do. The
    /// runner only records.
    ///
    /// # Errors
    /// [`Refusal::SignIn`], [`Refusal::Role`] or [`Refusal::NoPerson`].
    pub fn allowed_to(self, who: &Who) -> Result<(), Refusal> {
        match who {
            Who::Anonymous => Err(Refusal::SignIn),
            Who::Person { role, .. } => self.allowed(*role),
            Who::Reporter { plan, machine, .. } => Err(Refusal::Scope {
                to: self.phrase().to_owned(),
                plan: plan.clone(),
                machine: machine.clone(),
            }),
            Who::CommandLine if matches!(self, Self::Read | Self::ManagePeople) => Ok(()),
            Who::Runner if self == Self::Read => Ok(()),
            Who::CommandLine | Who::Runner => Err(Refusal::no_person(self)),
        }
    }

    /// As [`Action::allowed`] where the case demands `least`.
    pub(super) fn needs(self, least: Role, role: Role) -> Result<(), Refusal> {
        if role >= least {
            return Ok(());
        }
        Err(Refusal::Role { to: self.phrase().to_owned(), least, role })
    }
}
