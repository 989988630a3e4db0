//! Sets of blocks, held as ranges: what was written from end to end takes one, however long it is.

use std::{collections::BTreeMap, ops::Range};

/// Ranges that neither overlap nor touch.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    /// Where each begins, and where it ends.
    ranges: BTreeMap<u64, u64>,
    total: u64,
}

impl Ranges {
    /// How many blocks there are.
    pub(super) const fn total(&self) -> u64 {
        self.total
    }

    /// Puts blocks in.
    pub(super) fn insert(&mut self, added: Range<u64>) {
        if added.is_empty() {
            return;
        }
        let (mut begin, mut end) = (added.start, added.end);
        // What overlaps or touches is taken out and comes back as one, from the last to the first.
        while let Some((&first, &last)) = self.ranges.range(..=end).next_back() {
            if last < begin {
                break;
            }
            self.ranges.remove(&first);
            self.total -= last - first;
            begin = begin.min(first);
            end = end.max(last);
        }
        self.ranges.insert(begin, end);
        self.total += end - begin;
    }

    /// Takes all from a block on out.
    pub(super) fn cut(&mut self, from: u64) {
        while let Some((&first, &last)) = self.ranges.last_key_value() {
            if last <= from {
                break;
            }
            self.ranges.remove(&first);
            self.total -= last - first;
            if first < from {
                self.ranges.insert(first, from);
                self.total += from - first;
            }
        }
    }

    /// What of a range is there, in order.
    pub(super) fn within(&self, asked: Range<u64>) -> impl Iterator<Item = Range<u64>> {
        let before = self.ranges.range(..asked.start).next_back();
        let inside = self.ranges.range(asked.clone());
        before.into_iter().chain(inside).filter_map(move |(&first, &last)| {
            let part = first.max(asked.start)..last.min(asked.end);
            (!part.is_empty()).then_some(part)
        })
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = Range<u64>> {
        self.ranges.iter().map(|(&first, &last)| first..last)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranges_hold_what_a_set_of_numbers_does(
            steps in proptest::collection::vec((any::<bool>(), 0..60_u64, 0..20_u64), 0..40),
            asked in (0..70_u64, 0..30_u64),
        ) {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for (put, begin, length) in steps {
                if put {
                    ranges.insert(begin..begin + length);
                    set.extend(begin..begin + length);
                } else {
                    ranges.cut(begin);
                    set.retain(|it| *it < begin);
                }
                prop_assert_eq!(ranges.total(), set.len() as u64);
            }
            let all: Vec<u64> = ranges.all().flatten().collect();
            prop_assert_eq!(&all, &set.iter().copied().collect::<Vec<_>>());
            let asked = asked.0..asked.0 + asked.1;
            let within: Vec<u64> = ranges.within(asked.clone()).flatten().collect();
            prop_assert_eq!(within, set.range(asked).copied().collect::<Vec<_>>());
        }
    }
}
