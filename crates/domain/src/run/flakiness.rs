//! Flakiness: how often a case fails although nothing has changed.
//!
//! An execution is flaky where it failed and another one of the same case, on the same machine and boot
//! entry, against the same bytes, passed. Attempts that a runner repeats count as executions of their
//! own. The rate is given with its 95 % Wilson score interval (E. B. Wilson, 1927), which stays sensible
//! where there are few executions: 0 of 5 is no proof of 0 %.

use std::collections::HashMap;
use std::hash::Hash;

use serde::{Deserialize, Serialize};

use super::Outcome;

/// The 97.5th percentile of the standard normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// A rate of something that happens or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Flakiness {
    /// Executions that gave an answer.
    pub executions: u64,
    /// Those of them that were flaky.
    pub flaky: u64,
}

/// One result of a case with the attempts before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Executed {
    /// How it ended.
    pub outcome: Outcome,
    /// Attempts before it.
    pub retries: u64,
    /// Those of them that failed.
    pub failed_retries: u64,
}

impl Flakiness {
    /// Of results of one case; `same` says which were made of the same bytes at the same place.
    #[must_use]
    pub fn of<K: Hash + Eq>(results: impl IntoIterator<Item = (K, Executed)>) -> Self {
        let mut groups: HashMap<K, (u64, u64)> = HashMap::new();
        for (same, it) in results {
            let (passed, failed) = groups.entry(same).or_default();
            *failed += it.failed_retries;
            *passed += it.retries.saturating_sub(it.failed_retries);
            match it.outcome {
                Outcome::Passed => *passed += 1,
                Outcome::Failed | Outcome::Errored => *failed += 1,
                Outcome::Skipped | Outcome::NotRun => {}
            }
        }
        let mut flakiness = Self::default();
        for (passed, failed) in groups.into_values() {
            flakiness.executions += passed + failed;
            if passed > 0 {
                flakiness.flaky += failed;
            }
        }
        flakiness
    }

    /// The rate, from 0 to 1; `None` where nothing was executed.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        (self.executions > 0).then(|| real(self.flaky) / real(self.executions))
    }

    /// The bounds of the 95 % interval of the rate, each from 0 to 1; `None` where nothing was executed.
    #[must_use]
    pub fn interval(&self) -> Option<(f64, f64)> {
        let rate = self.rate()?;
        let n = real(self.executions);
        let z2 = Z * Z;
        let centre = rate + z2 / (2.0 * n);
        let half = Z * (rate * (1.0 - rate) / n + z2 / (4.0 * n * n)).sqrt();
        let scale = 1.0 + z2 / n;
        Some((((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0)))
    }
}

/// Counts of executions are far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "nobody executes a case 2^53 times")]
fn real(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn executed(outcome: Outcome, retries: u64, failed_retries: u64) -> Executed {
        Executed { outcome, retries, failed_retries }
    }

    #[test]
    fn a_failure_is_flaky_where_the_same_passed_as_well() {
        use Outcome::{Errored, Failed, Passed, Skipped};
        let results = [
            ("v1 apu2", executed(Passed, 0, 0)),
            ("v1 apu2", executed(Failed, 0, 0)),
            ("v1 apu3", executed(Passed, 2, 2)),
            // Always fails: broken, not flaky.
            ("v2 apu2", executed(Failed, 1, 1)),
            ("v2 apu2", executed(Errored, 0, 0)),
            ("v2 apu3", executed(Skipped, 0, 0)),
        ];
        assert_eq!(Flakiness::of(results), Flakiness { executions: 8, flaky: 3 });
    }

    /// Values of R's `prop.test(x, n, correct = FALSE)`.
    #[test]
    fn intervals_are_those_of_wilson() {
        for (flaky, executions, low, high) in [
            (0, 5, 0.0, 0.434_482),
            (1, 10, 0.017_876, 0.404_150),
            (50, 100, 0.403_832, 0.596_168),
            (5, 5, 0.565_518, 1.0),
        ] {
            let (found_low, found_high) = Flakiness { executions, flaky }.interval().unwrap();
            assert!((found_low - low).abs() < 1e-5, "{flaky}/{executions}: {found_low}");
            assert!((found_high - high).abs() < 1e-5, "{flaky}/{executions}: {found_high}");
        }
        assert_eq!(Flakiness::default().rate(), None);
        assert_eq!(Flakiness::default().interval(), None);
    }
}
