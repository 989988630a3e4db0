//! The waterfall of a boot: what was observed of each stage, and where nobody looked.

use domain::{
    run::{BootStage, ObservedStage},
    time::Timestamp,
    transfer::{Transfer, TransferKind},
};

/// When console lines of a boot were first seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ConsoleTimes {
    /// The initrd began to load images.
    pub rootfs: Option<Timestamp>,
    /// The initrd handed over to the rootfs's init.
    pub init: Option<Timestamp>,
    /// The login prompt appeared.
    pub login: Option<Timestamp>,
    /// A shell answered.
    pub shell: Option<Timestamp>,
}

/// Merges what the boot listener counted with what the console said.
#[must_use]
pub fn waterfall(transfers: &[Transfer], console: &ConsoleTimes) -> Vec<ObservedStage> {
    BootStage::ALL
        .into_iter()
        .map(|stage| match stage {
            BootStage::Script => transferred(stage, transfers, TransferKind::Script),
            BootStage::Kernel => transferred(stage, transfers, TransferKind::Kernel),
            BootStage::Initrd => transferred(stage, transfers, TransferKind::Initrd),
            BootStage::Rootfs => {
                let images = transferred(stage, transfers, TransferKind::Image);
                ObservedStage {
                    started_at: console.rootfs.or(images.started_at),
                    ended_at: console.init.or(images.ended_at),
                    ..images
                }
            }
            BootStage::Init => spoken(stage, console.init, console.login),
            BootStage::Login => spoken(stage, console.login, console.shell),
        })
        .collect()
}

fn transferred(stage: BootStage, transfers: &[Transfer], kind: TransferKind) -> ObservedStage {
    let of_kind = || transfers.iter().filter(|it| it.kind == kind && it.served());
    ObservedStage {
        stage,
        started_at: of_kind().map(|it| it.started_at).min(),
        ended_at: of_kind().map(|it| it.ended_at).max(),
        bytes: of_kind().next().map(|_| of_kind().map(|it| it.bytes).sum()),
    }
}

const fn spoken(
    stage: BootStage,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
) -> ObservedStage {
    ObservedStage { stage, started_at, ended_at, bytes: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_merged_and_what_nobody_saw_says_so() {
        let transfer = |kind, start, end, bytes| Transfer {
            kind,
            path: String::new(),
            started_at: Timestamp(start),
            ended_at: Timestamp(end),
            bytes,
            status: 200,
            complete: true,
            refusal: String::new(),
        };
        let transfers = [
            transfer(TransferKind::Script, 1, 2, 10),
            transfer(TransferKind::Kernel, 3, 5, 100),
            transfer(TransferKind::Image, 9, 12, 1000),
            transfer(TransferKind::Image, 12, 15, 500),
        ];
        let console = ConsoleTimes {
            rootfs: Some(Timestamp(8)),
            init: Some(Timestamp(17)),
            ..Default::default()
        };
        let stages = waterfall(&transfers, &console);
        let row = |stage: BootStage| {
            let it = stages.iter().find(|it| it.stage == stage).unwrap();
            (it.started_at.map(|at| at.0), it.ended_at.map(|at| at.0), it.bytes)
        };
        assert_eq!(row(BootStage::Script), (Some(1), Some(2), Some(10)));
        assert_eq!(row(BootStage::Initrd), (None, None, None));
        assert_eq!(row(BootStage::Rootfs), (Some(8), Some(17), Some(1500)));
        assert_eq!(row(BootStage::Init), (Some(17), None, None));
        assert_eq!(row(BootStage::Login), (None, None, None));
    }
}
