//! The one vocabulary of states: each is a word, an icon and a colour, the same on every page.

use domain::{
    boot::BootState,
    deployment::DeploymentState,
    guest::GuestState,
    job::{JobState, StepState},
    kernel::KernelState,
    machine::{Drift, MachineState},
    release::{Health, Stage},
    run::{Outcome, comparison::CaseChange},
    variant::VariantState,
};
use leptos::prelude::*;

use super::icon::Icon;

/// A state of anything that pages show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// How far a release has come.
    Stage(Stage),
    /// What its evidence says.
    Health(Health),
    /// How a job stands.
    Job(JobState),
    /// How a step of a job stands.
    Step(StepState),
    /// How a case or a run ended; `None` while it runs.
    Outcome(Option<Outcome>),
    /// How a case stands beside that of the base.
    Change(CaseChange),
    /// How a deployment stands.
    Deployment(DeploymentState),
    /// How a kernel stands.
    Kernel(KernelState),
    /// How a variant stands.
    Variant(VariantState),
    /// How a guest stands.
    Guest(GuestState),
    /// How a boot stands.
    Boot(BootState),
    /// It takes longer than it did.
    Slower,
    /// How a machine came to be known.
    Machine(MachineState),
    /// How what a machine runs stands to what it should.
    Drift(Drift),
    /// Somebody has locked it.
    Locked,
    /// An environment serves it.
    Live,
    /// It was put together elsewhere.
    Imported,
    /// Somebody answers for it that it does not stand in the way.
    Waived,
    /// Somebody did so until a while ago.
    WaiverEnded,
    /// Whether each failure was reviewed.
    Reviewed(bool),
}

/// The colour of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As wished.
    Good,
    /// Not as wished.
    Bad,
    /// At work.
    Busy,
    /// Waits for somebody.
    Wait,
    /// Needs nobody.
    Quiet,
}

impl Status {
    /// Its word, colour and icon.
    #[must_use]
    pub const fn look(self) -> (&'static str, Tone, Icon) {
        use Tone::{Bad, Busy, Good, Quiet, Wait};
        match self {
            Self::Stage(stage) => match stage {
                Stage::Building => (stage.word(), Busy, Icon::Turning),
                Stage::Candidate => (stage.word(), Wait, Icon::Dot),
                Stage::Released => (stage.word(), Good, Icon::Check),
                Stage::Failed => (stage.word(), Bad, Icon::Cross),
                Stage::Withdrawn => (stage.word(), Quiet, Icon::Dash),
            },
            Self::Health(health) => match health {
                Health::Passing => (health.word(), Good, Icon::Check),
                Health::Failing => (health.word(), Bad, Icon::Cross),
                Health::Unknown => (health.word(), Quiet, Icon::Question),
            },
            Self::Job(state) => match state {
                JobState::Queued => (state.word(), Wait, Icon::Clock),
                JobState::Running => (state.word(), Busy, Icon::Turning),
                JobState::Succeeded => (state.word(), Good, Icon::Check),
                JobState::Failed => (state.word(), Bad, Icon::Cross),
                JobState::Cancelled => (state.word(), Quiet, Icon::Dash),
            },
            Self::Step(state) => match state {
                StepState::Waiting => (state.word(), Quiet, Icon::Clock),
                StepState::Running => (state.word(), Busy, Icon::Turning),
                StepState::Succeeded => (state.word(), Good, Icon::Check),
                StepState::Reused => (state.word(), Good, Icon::Again),
                StepState::Failed => (state.word(), Bad, Icon::Cross),
                StepState::Interrupted => (state.word(), Wait, Icon::Broken),
                StepState::Cancelled => (state.word(), Quiet, Icon::Dash),
            },
            Self::Outcome(None) => ("running", Busy, Icon::Turning),
            Self::Outcome(Some(outcome)) => match outcome {
                Outcome::Passed => (outcome.word(), Good, Icon::Check),
                Outcome::Failed => (outcome.word(), Bad, Icon::Cross),
                Outcome::Errored => (outcome.word(), Bad, Icon::Warning),
                Outcome::Skipped => (outcome.word(), Quiet, Icon::Dash),
                Outcome::NotRun => ("not run", Quiet, Icon::Question),
            },
            Self::Change(change) => match change {
                CaseChange::Regression => (change.word(), Bad, Icon::Cross),
                CaseChange::NewFailure => ("new failure", Bad, Icon::Cross),
                CaseChange::StillFailing => ("still failing", Wait, Icon::Warning),
                CaseChange::Fixed => (change.word(), Good, Icon::Check),
                CaseChange::NewPass => ("new pass", Good, Icon::Check),
                CaseChange::Appeared => (change.word(), Quiet, Icon::Dot),
                CaseChange::Disappeared => (change.word(), Wait, Icon::Question),
                CaseChange::Unchanged => (change.word(), Quiet, Icon::Dash),
            },
            Self::Deployment(state) => match state {
                DeploymentState::Requested => (state.word(), Wait, Icon::Clock),
                DeploymentState::Approved => (state.word(), Wait, Icon::Check),
                DeploymentState::Deployed => (state.word(), Good, Icon::Check),
                DeploymentState::Refused | DeploymentState::Failed => {
                    (state.word(), Bad, Icon::Cross)
                }
                DeploymentState::Withdrawn | DeploymentState::Lapsed => {
                    (state.word(), Quiet, Icon::Dash)
                }
            },
            Self::Kernel(state) => match state {
                KernelState::New => (state.word(), Quiet, Icon::Dot),
                KernelState::Building => (state.word(), Busy, Icon::Turning),
                KernelState::Configured => (state.word(), Wait, Icon::Check),
                KernelState::Built => (state.word(), Good, Icon::Check),
                KernelState::Failed => (state.word(), Bad, Icon::Cross),
            },
            Self::Variant(state) => match state {
                VariantState::New => (state.word(), Quiet, Icon::Dot),
                VariantState::Building => (state.word(), Busy, Icon::Turning),
                VariantState::Ready => (state.word(), Good, Icon::Check),
                VariantState::Failed => (state.word(), Bad, Icon::Cross),
                VariantState::Expired => (state.word(), Quiet, Icon::Clock),
            },
            Self::Guest(state) => match state {
                GuestState::Starting => (state.word(), Busy, Icon::Turning),
                GuestState::Running => (state.word(), Good, Icon::Dot),
                GuestState::Ended => (state.word(), Quiet, Icon::Dash),
            },
            Self::Boot(state) => match state {
                BootState::UnderWay => ("under way", Busy, Icon::Turning),
                BootState::Up => (state.word(), Good, Icon::Check),
                BootState::Failed => (state.word(), Bad, Icon::Cross),
                BootState::Silent => (state.word(), Bad, Icon::Question),
                BootState::Unreported => ("not reported", Quiet, Icon::Dash),
            },
            Self::Slower => ("slower", Wait, Icon::Clock),
            Self::Machine(state) => match state {
                MachineState::Pending => (state.word(), Wait, Icon::Question),
                MachineState::Accepted => (state.word(), Quiet, Icon::Check),
            },
            Self::Drift(drift) => match drift {
                Drift::Unknown => ("not reported", Quiet, Icon::Question),
                Drift::None => ("as it should", Good, Icon::Check),
                Drift::Other => ("drifts", Wait, Icon::Warning),
                Drift::NothingToBoot => ("nothing to boot", Bad, Icon::Cross),
            },
            Self::Locked => ("locked", Wait, Icon::Dot),
            Self::Live => ("live", Good, Icon::Dot),
            Self::Imported => ("imported", Quiet, Icon::Dot),
            Self::Waived => ("waived", Wait, Icon::Check),
            Self::WaiverEnded => ("waiver ended", Quiet, Icon::Clock),
            Self::Reviewed(true) => ("reviewed", Good, Icon::Check),
            Self::Reviewed(false) => ("not reviewed", Wait, Icon::Question),
        }
    }
}

impl Tone {
    /// Its class in the style sheet.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Busy => "busy",
            Self::Wait => "wait",
            Self::Quiet => "quiet",
        }
    }
}

/// A state as a badge.
#[must_use]
pub fn badge(status: Status) -> AnyView {
    let (word, _, _) = status.look();
    labelled(status, word.to_owned())
}

/// A state as a badge with other words: "live in production".
#[must_use]
pub fn labelled(status: Status, words: String) -> AnyView {
    let (_, tone, icon) = status.look();
    view! { <span class=format!("badge {}", tone.class())>{icon.draw()}<span>{words}</span></span> }
        .into_any()
}

/// Badges that say where a release is live.
#[must_use]
pub fn live_in(environments: &[String]) -> Vec<AnyView> {
    environments.iter().map(|name| labelled(Status::Live, format!("live in {name}"))).collect()
}
