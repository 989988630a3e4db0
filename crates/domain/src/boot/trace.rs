//! The trace of a boot: from its events, the stages with their times, and how it stands.

use serde::{Deserialize, Serialize};

use super::{
    BootEvent, BootState, BootStep,
    report::{BootReport, ReportedStage},
};
use crate::{
    digest::Digest,
    run::FailureClass,
    time::{Timestamp, human_size},
    transfer::{Transfer, TransferKind},
};

/// One stage of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedStep {
    /// Which stage.
    pub step: BootStep,
    /// When it began; nothing where nobody saw that.
    pub started_at: Option<Timestamp>,
    /// When it ended; nothing where nobody saw that.
    pub ended_at: Option<Timestamp>,
    /// Bytes that were sent for it; nothing where none were asked for.
    pub bytes: Option<u64>,
}

/// What is known of a boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootTrace {
    /// Its stages, all of them, in order.
    pub steps: Vec<TracedStep>,
    /// The last stage of which something was seen.
    pub step: BootStep,
    /// How it stands as long as nothing more comes: never [`BootState::Silent`].
    pub state: BootState,
    /// Why it ended early; where it is under way, why it did should nothing more come.
    pub reason: String,
    /// Whose problem that is, as the machine says.
    pub class: Option<FailureClass>,
    /// Bytes that were sent.
    pub bytes: u64,
    /// How often something was asked for again.
    pub retries: u32,
    /// When something was seen last.
    pub last_at: Option<Timestamp>,
}

impl BootTrace {
    /// How a boot stands of which nothing more was heard.
    #[must_use]
    pub fn left_alone(&self) -> BootState {
        match self.state {
            BootState::UnderWay if !self.reason.is_empty() => BootState::Silent,
            BootState::UnderWay => BootState::Unreported,
            state => state,
        }
    }
}

/// Puts together what was seen of a boot.
#[must_use]
pub fn trace(events: &[BootEvent]) -> BootTrace {
    let seen = Seen(events);
    let steps: Vec<_> = BootStep::ALL.into_iter().map(|step| seen.step(step)).collect();
    let step = steps
        .iter()
        .rev()
        .find(|it| it.started_at.is_some())
        .map_or(BootStep::Script, |it| it.step);
    let failed = seen.reported(ReportedStage::Failed).map(|(_, report)| report);
    let (state, reason) = match failed {
        Some(report) => (BootState::Failed, report.note.clone()),
        None if seen.reported(ReportedStage::Login).is_some() => (BootState::Up, String::new()),
        None => (BootState::UnderWay, seen.why_nothing_comes(step)),
    };
    BootTrace {
        step,
        state,
        reason,
        class: failed.and_then(|report| report.class),
        bytes: seen.transfers().map(|(transfer, _)| transfer.bytes).sum(),
        retries: seen.retries(),
        last_at: events.iter().map(BootEvent::at).max(),
        steps,
    }
}

struct Seen<'a>(&'a [BootEvent]);

impl<'a> Seen<'a> {
    fn transfers(&self) -> impl Iterator<Item = (&'a Transfer, Option<Digest>)> {
        self.0.iter().filter_map(|event| match event {
            BootEvent::Transfer { transfer, sha256 } => Some((transfer, *sha256)),
            BootEvent::Report { .. } => None,
        })
    }

    fn reports(&self) -> impl Iterator<Item = (Timestamp, &'a BootReport)> {
        self.0.iter().filter_map(|event| match event {
            BootEvent::Report { at, report } => Some((*at, report)),
            BootEvent::Transfer { .. } => None,
        })
    }

    /// The first report of a stage.
    fn reported(&self, stage: ReportedStage) -> Option<(Timestamp, &'a BootReport)> {
        self.reports().find(|(_, report)| report.stage == stage)
    }

    /// When a stage began by the server's clock.
    fn began(&self, stage: ReportedStage) -> Option<Timestamp> {
        self.reported(stage).map(|(at, report)| Timestamp(at.0.saturating_sub(report.ago_us)))
    }

    fn step(&self, step: BootStep) -> TracedStep {
        let (init, services) =
            (self.began(ReportedStage::Init), self.began(ReportedStage::Services));
        let login = self.began(ReportedStage::Login);
        let failed = self.reported(ReportedStage::Failed).map(|(at, _)| at);
        let spoken = |started_at: Option<Timestamp>, next: Option<Timestamp>| TracedStep {
            step,
            started_at,
            ended_at: next.or(failed.filter(|_| started_at.is_some())),
            bytes: None,
        };
        match step {
            BootStep::Script => self.transferred(step, TransferKind::Script),
            BootStep::Kernel => self.transferred(step, TransferKind::Kernel),
            BootStep::Initrd => self.transferred(step, TransferKind::Initrd),
            BootStep::Start => {
                let first = self.reports().next();
                let kernel = first.and_then(|(at, report)| {
                    Some(Timestamp(at.0.saturating_sub(report.kernel_ago_us?)))
                });
                spoken(kernel, self.began(ReportedStage::Rootfs))
            }
            BootStep::Rootfs => {
                let images = self.transferred(step, TransferKind::Image);
                let began = self.began(ReportedStage::Rootfs).or(images.started_at);
                let told = spoken(began, init);
                TracedStep {
                    ended_at: told.ended_at.or(images.ended_at),
                    bytes: images.bytes,
                    ..told
                }
            }
            BootStep::Init => spoken(init, services.or(login)),
            BootStep::Services => spoken(services, login),
            BootStep::Login => TracedStep { step, started_at: login, ended_at: login, bytes: None },
        }
    }

    fn transferred(&self, step: BootStep, kind: TransferKind) -> TracedStep {
        let of_kind = || self.transfers().map(|(it, _)| it).filter(|it| it.kind == kind);
        TracedStep {
            step,
            started_at: of_kind().map(|it| it.started_at).min(),
            ended_at: of_kind().map(|it| it.ended_at).max(),
            bytes: of_kind().next().map(|_| of_kind().map(|it| it.bytes).sum()),
        }
    }

    fn retries(&self) -> u32 {
        let mut paths: Vec<&str> = Vec::new();
        let mut retries = 0;
        for (transfer, _) in self.transfers() {
            if paths.contains(&transfer.path.as_str()) {
                retries += 1;
            } else {
                paths.push(&transfer.path);
            }
        }
        retries
    }

    /// Why a boot that came to `step` ended there; nothing where there is no more to come.
    fn why_nothing_comes(&self, step: BootStep) -> String {
        if self.reports().next().is_some() {
            return match step {
                BootStep::Services => "services were started, and no login came",
                BootStep::Init => "the rootfs's init was started, and nothing came after",
                _ => match self.bad_transfer() {
                    Some(reason) => return reason,
                    None => "the rootfs was not loaded to its end",
                },
            }
            .to_owned();
        }
        if let Some(reason) = self.bad_transfer() {
            return reason;
        }
        match step {
            BootStep::Script => {
                "the script was loaded, and nothing of what its entries name".to_owned()
            }
            BootStep::Initrd => {
                "kernel and initrd were loaded, and nothing came after: the kernel did not start, \
                 or found no network"
                    .to_owned()
            }
            // A kernel alone, or images without a word: what is booted does not report.
            _ => String::new(),
        }
    }

    /// What was wrong with the last transfer.
    fn bad_transfer(&self) -> Option<String> {
        let (last, _) = self.transfers().last()?;
        let name = last.path.rsplit('/').next().unwrap_or(&last.path);
        if !last.served() {
            return Some(format!("{name} was refused: {}", last.refusal));
        }
        (!last.complete).then(|| format!("{name} broke off after {}", human_size(last.bytes)))
    }
}

#[cfg(test)]
#[path = "trace_tests.rs"]
mod tests;
