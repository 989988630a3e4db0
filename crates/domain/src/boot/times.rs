//! How long boots take, and whether a release made them slower.

use serde::{Deserialize, Serialize};

/// From how many boots on a release is compared with another.
const FEWEST_BOOTS: usize = 3;
/// From which part a boot counts as slower, in percent; and from which time, in microseconds: a board that
/// boots in three seconds may take half a second more or less.
const SLOWER_PERCENT: i64 = 20;
const SLOWER_US: i64 = 2_000_000;

/// The boots of one release that came up, on the machines that were asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootTimes {
    /// How the release or variant was called.
    pub name: String,
    /// How many boots came up.
    pub boots: usize,
    /// The shortest, the middle one and the longest, from script to login, in microseconds.
    pub shortest_us: i64,
    /// See above.
    pub median_us: i64,
    /// See above.
    pub longest_us: i64,
    /// By how many percent more than the release before it; nothing where it is not slower.
    pub slower_percent: Option<i64>,
}

/// Sorts boots by release: `boots` has of each its release and its time, the newest first. The first of the
/// answer is the release that was booted last.
#[must_use]
pub fn times(boots: &[(String, i64)]) -> Vec<BootTimes> {
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in boots {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut all: Vec<BootTimes> = Vec::with_capacity(names.len());
    for name in names.into_iter().rev() {
        let mut took: Vec<i64> =
            boots.iter().filter(|(of, _)| of == name).map(|(_, took)| *took).collect();
        took.sort_unstable();
        let at = |index: usize| took.get(index).copied().unwrap_or_default();
        let median_us = at(took.len() / 2);
        let enough = |boots: usize| boots >= FEWEST_BOOTS;
        let before = all.iter().rev().find(|it| enough(it.boots)).map(|it| it.median_us);
        let slower_percent = before
            .filter(|before| enough(took.len()) && *before > 0 && median_us - before > SLOWER_US)
            .map(|before| (median_us - before) * 100 / before)
            .filter(|percent| *percent >= SLOWER_PERCENT);
        all.push(BootTimes {
            name: name.to_owned(),
            boots: took.len(),
            shortest_us: at(0),
            median_us,
            longest_us: at(took.len().saturating_sub(1)),
            slower_percent,
        });
    }
    all.reverse();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boots(of: &[(&str, &[i64])]) -> Vec<(String, i64)> {
        let each = |(name, seconds): &(&str, &[i64])| {
            let name = (*name).to_owned();
            let one = move |it: &i64| (name.clone(), it * 1_000_000);
            seconds.iter().map(one).collect::<Vec<_>>()
        };
        of.iter().flat_map(each).collect()
    }

    #[test]
    fn a_release_that_boots_slower_than_the_one_before_says_so() {
        let times =
            times(&boots(&[("v3", &[40, 41, 42]), ("v2", &[29, 31]), ("v1", &[30, 32, 28])]));
        let shown: Vec<_> =
            times.iter().map(|it| (it.name.as_str(), it.boots, it.median_us / 1_000_000)).collect();
        assert_eq!(shown, [("v3", 3, 41), ("v2", 2, 31), ("v1", 3, 30)]);
        // v2 has too few boots to be compared with.
        let slower: Vec<_> = times.iter().map(|it| it.slower_percent).collect();
        assert_eq!(slower, [Some(36), None, None]);
    }

    #[test]
    fn what_is_little_slower_or_faster_says_nothing() {
        for newer in [[31, 31, 31], [20, 20, 20]] {
            let times = times(&boots(&[("v2", &newer), ("v1", &[30, 30, 30])]));
            assert!(times.iter().all(|it| it.slower_percent.is_none()), "{newer:?}");
        }
        assert_eq!(times(&[]), []);
    }
}
