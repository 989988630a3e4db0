//! The three figures that teams post, with what they are measured against.

use serde::{Deserialize, Serialize};

use crate::run::reported::Totals;

/// Passed, failed and the rate, each with its signed difference from a baseline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = ReportFigures))]
pub struct Figures {
    /// What counts.
    pub totals: Totals,
    /// What counts of the baseline; `null` without one.
    pub baseline: Option<Totals>,
    /// Those that failed or could not tell.
    pub failed: u64,
    /// Passed of those that passed or failed, in percent with two digits: `98.15`; `null` where none did.
    pub passed_percent: Option<String>,
    /// By how many more passed than in the baseline: `+5`.
    pub passed_change: Option<String>,
    /// By how many more failed: `-5`.
    pub failed_change: Option<String>,
    /// By how much the rate, as it is written, differs, in points: `+0.71`.
    pub percent_change: Option<String>,
}

impl Figures {
    /// The figures of `totals`, measured against `baseline`.
    #[must_use]
    pub fn new(totals: Totals, baseline: Option<Totals>) -> Self {
        let digits = |hundredths: u32| format!("{}.{:02}", hundredths / 100, hundredths % 100);
        let rates = totals.pass_rate().zip(baseline.as_ref().and_then(Totals::pass_rate));
        Self {
            failed: totals.failing(),
            passed_percent: totals.pass_rate().map(digits),
            passed_change: baseline.map(|base| Totals::signed(totals.passed, base.passed)),
            failed_change: baseline.map(|base| Totals::signed(totals.failing(), base.failing())),
            percent_change: rates.map(|(here, base)| {
                let sign = match here.cmp(&base) {
                    std::cmp::Ordering::Greater => "+",
                    std::cmp::Ordering::Less => "-",
                    std::cmp::Ordering::Equal => "±",
                };
                format!("{sign}{}", digits(here.abs_diff(base)))
            }),
            totals,
            baseline,
        }
    }

    /// As teams post them: `PASSED: 690 (+5)`, `FAILED: 13 (-5)`, `PASSED [%]: 98.15 (+0.71%)`.
    #[must_use]
    pub fn lines(&self) -> [String; 3] {
        let with = |change: &Option<String>, unit: &str| {
            change.as_ref().map_or_else(String::new, |it| format!(" ({it}{unit})"))
        };
        let rate = self.passed_percent.as_deref().unwrap_or("–");
        [
            format!("PASSED: {}{}", self.totals.passed, with(&self.passed_change, "")),
            format!("FAILED: {}{}", self.failed, with(&self.failed_change, "")),
            format!("PASSED [%]: {rate}{}", with(&self.percent_change, "%")),
        ]
    }

    /// The same in one short line: `690 (+5) / 13 (-5)`.
    #[must_use]
    pub fn short(&self) -> String {
        let with = |count: u64, change: &Option<String>| match change {
            Some(change) => format!("{count} ({change})"),
            None => count.to_string(),
        };
        let passed = with(self.totals.passed, &self.passed_change);
        format!("{passed} / {}", with(self.failed, &self.failed_change))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(passed: u64, failed: u64) -> Totals {
        Totals { passed, failed, ..Totals::default() }
    }

    #[test]
    fn figures_are_signed_as_teams_post_them() {
        let figures = Figures::new(totals(690, 13), Some(totals(685, 18)));
        assert_eq!(
            figures.lines(),
            ["PASSED: 690 (+5)", "FAILED: 13 (-5)", "PASSED [%]: 98.15 (+0.71%)"]
        );
        assert_eq!(figures.short(), "690 (+5) / 13 (-5)");
        let same = Figures::new(totals(8, 0), Some(totals(8, 0)));
        assert_eq!(same.lines()[2], "PASSED [%]: 100.00 (±0.00%)");
    }

    #[test]
    fn without_a_baseline_or_an_answer_nothing_is_made_up() {
        let alone = Figures::new(totals(2, 1), None);
        assert_eq!(alone.lines(), ["PASSED: 2", "FAILED: 1", "PASSED [%]: 66.67"]);
        let silent = Totals { skipped: 4, ..Totals::default() };
        let silent = Figures::new(silent, Some(totals(1, 0)));
        assert_eq!(silent.lines(), ["PASSED: 0 (-1)", "FAILED: 0 (±0)", "PASSED [%]: –"]);
        let errored = Totals { errored: 1, ..totals(1, 1) };
        assert_eq!(Figures::new(errored, None).lines()[1], "FAILED: 2");
    }
}
