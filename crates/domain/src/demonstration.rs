//! Data to try things with: what is publicly recorded of pxe-server v1.0.0 to v1.1.2, of 2018.
//!
//! The pre-release round was written down by names without ids. Which id each of them has is told by the
//! final round, where it has the same subject; what has none there keeps its name.

use crate::{
    history::Day,
    run::{Outcome, reported::ReportedCase},
    time::Timestamp,
};

/// Who recorded them, as pages show it.
pub const RECORDED_BY: &str = "demonstration";
/// The suite in which they stand.
pub const SUITE: &str = "pxe-server";
/// The machine on which they were run.
pub const MACHINE: &str = "apu2";

/// A release of the demonstration.
#[derive(Debug, Clone, Copy)]
pub struct DemonstrationRelease {
    /// What it is called.
    pub name: &'static str,
    /// The day on which it was made or tested.
    pub day: &'static str,
    /// The round of tests; `None` where none was recorded.
    pub round: Option<Round>,
}

/// A round of tests.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    /// How long it took, in minutes, where somebody wrote it down.
    pub minutes: Option<i64>,
    /// Its cases: id, title, and whether each passed.
    cases: &'static [(&'static str, &'static str, bool)],
    /// What else is known.
    pub remarks: &'static [&'static str],
}

const PRE_RELEASE: &[(&str, &str, bool)] = &[
    ("XEN1.2", "Xen 4.8, IOMMU", false),
    ("XEN1.4", "Xen 4.8 with Linux dev, IOMMU", false),
    ("XEN1.5", "Xen dev with Linux 4.14.y", true),
    ("TCL1.1", "Core 6.4 over iPXE", false),
    ("VOY1.1", "Voyage install", false),
    ("Ubuntu install", "Ubuntu install", true),
    ("Debian i386 install", "Debian i386 install", false),
    ("Debian install", "Debian install", true),
    ("PFS1.1", "pfSense 2.4.x install", false),
];

const FINAL: &[(&str, &str, bool)] = &[
    ("XEN1.2", "Verify if IOMMU is enabled", true),
    ("XEN1.4", "Verify if IOMMU is enabled on Xen Linux dev", true),
    ("XEN1.5", "Verify if IOMMU is enabled on Xen dev", true),
    ("DEB1.1", "Debian from iPXE 4.14.y", true),
    ("DEB1.5", "Debian from iPXE 4.9.y", true),
    ("TCL1.1", "Boot to Core 6.4 booted over iPXE", true),
    ("VOY1.1", "Boot into Voyage installer", true),
    ("PFS1.1", "pfSense 2.4.x install test", true),
];

/// The releases, oldest first. Nobody recorded results of any v1.1.x.
pub const RELEASES: [DemonstrationRelease; 5] = [
    DemonstrationRelease {
        name: "v1.0.0-pre",
        day: "2018-09-18",
        round: Some(Round { minutes: Some(135), cases: PRE_RELEASE, remarks: &[] }),
    },
    DemonstrationRelease {
        name: "v1.0.0",
        day: "2018-09-24",
        round: Some(Round {
            minutes: None,
            cases: FINAL,
            remarks: &[
                "The rootfs took 42 min 09 s to build, 26 min 40 s with apt-cacher, and 23 min 19 s \
                 with ccache besides.",
                "Deploying took 5 min 09 s (apt 137 s, copying 64 s, docker 51 s, unpacking 36 s), \
                 and 14 min before.",
                "5 of the 12 boot entries have no recorded result.",
            ],
        }),
    },
    DemonstrationRelease { name: "v1.1.0", day: "2018-10-12", round: None },
    DemonstrationRelease { name: "v1.1.1", day: "2018-10-20", round: None },
    DemonstrationRelease { name: "v1.1.2", day: "2018-10-20", round: None },
];

impl DemonstrationRelease {
    /// When its day begins; nobody wrote down the hour.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        Day::parse(self.day).map_or(Timestamp(0), Day::begins)
    }
}

impl Round {
    /// Its cases as a runner would have reported them.
    #[must_use]
    pub fn cases(&self) -> Vec<ReportedCase> {
        let case = |(id, title, passed): &(&str, &str, bool)| ReportedCase {
            id: (*id).to_owned(),
            title: (*title).to_owned(),
            suites: Vec::new(),
            tags: Vec::new(),
            outcome: if *passed { Outcome::Passed } else { Outcome::Failed },
            started_at: None,
            duration_us: None,
            message: if *passed { "" } else { "It failed; why was not written down." }.to_owned(),
            excerpt: String::new(),
            measurements: Vec::new(),
            earlier: Vec::new(),
        };
        self.cases.iter().map(case).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rounds_are_as_they_were_recorded() {
        let counts: Vec<_> = RELEASES
            .iter()
            .map(|it| {
                let cases = it.round.map(|it| it.cases()).unwrap_or_default();
                let failed = cases.iter().filter(|it| it.outcome.fails()).count();
                (it.name, cases.len() - failed, failed)
            })
            .collect();
        assert_eq!(
            counts,
            [
                ("v1.0.0-pre", 3, 6),
                ("v1.0.0", 8, 0),
                ("v1.1.0", 0, 0),
                ("v1.1.1", 0, 0),
                ("v1.1.2", 0, 0),
            ]
        );
        assert!(RELEASES.iter().all(|it| it.at() > Timestamp(0)), "every day is one");
        assert!(RELEASES.is_sorted_by_key(DemonstrationRelease::at));
    }
}
