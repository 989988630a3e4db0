//! Finds out what became of each thing of a list: kept, changed, removed, added.

use std::{
    collections::{BTreeMap, VecDeque},
    hash::Hash,
    ops::Range,
};

use similar::{Algorithm, DiffOp, capture_diff_slices};

/// Beyond so many things that differ the lists are taken for different altogether: comparing each
/// with each would take long for a hostile text.
const MOST: usize = 4000;

/// What became of a thing, by its index in the former list and in the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It stands in both lists, the same or changed.
    Both(usize, usize),
    /// It is gone.
    Gone(usize),
    /// It is new.
    New(usize),
}

/// How `old` became `new`, in order. Things that differ are taken for the same where `key` says so,
/// else where they stand at the same place between the same neighbours.
pub(super) fn pair<T: Hash + Eq + Ord>(
    old: &[T],
    new: &[T],
    key: impl Fn(&T) -> &str,
) -> Vec<Step> {
    let same = |pair: &(&T, &T)| pair.0 == pair.1;
    let head = old.iter().zip(new).take_while(same).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(same).count();
    let old_middle = head..old.len() - tail;
    let new_middle = head..new.len() - tail;
    let mut steps: Vec<Step> = (0..head).map(|index| Step::Both(index, index)).collect();
    let ops = if old_middle.len() + new_middle.len() > MOST {
        Vec::new()
    } else {
        capture_diff_slices(Algorithm::Myers, &old[old_middle.clone()], &new[new_middle.clone()])
    };
    let (mut old_at, mut new_at) = (head, head);
    for op in ops {
        if let DiffOp::Equal { old_index, new_index, len } = op {
            let (from_old, from_new) = (head + old_index, head + new_index);
            changed(&mut steps, old, new, old_at..from_old, new_at..from_new, &key);
            steps.extend((0..len).map(|index| Step::Both(from_old + index, from_new + index)));
            (old_at, new_at) = (from_old + len, from_new + len);
        }
    }
    changed(&mut steps, old, new, old_at..old_middle.end, new_at..new_middle.end, &key);
    steps.extend((0..tail).map(|index| Step::Both(old_middle.end + index, new_middle.end + index)));
    steps
}

/// A stretch without a thing that stayed the same.
fn changed<T>(
    steps: &mut Vec<Step>,
    old: &[T],
    new: &[T],
    mut old_range: Range<usize>,
    mut new_range: Range<usize>,
    key: &impl Fn(&T) -> &str,
) {
    let mut known: BTreeMap<&str, VecDeque<usize>> = BTreeMap::new();
    for index in old_range.clone() {
        known.entry(key(&old[index])).or_default().push_back(index);
    }
    for new_index in new_range.clone() {
        let Some(indexes) = known.get_mut(key(&new[new_index])) else { continue };
        while indexes.front().is_some_and(|index| *index < old_range.start) {
            indexes.pop_front();
        }
        if let Some(old_index) = indexes.pop_front() {
            by_place(steps, old_range.start..old_index, new_range.start..new_index);
            steps.push(Step::Both(old_index, new_index));
            (old_range.start, new_range.start) = (old_index + 1, new_index + 1);
        }
    }
    by_place(steps, old_range, new_range);
}

fn by_place(steps: &mut Vec<Step>, old: Range<usize>, new: Range<usize>) {
    let both = old.len().min(new.len());
    steps.extend(old.clone().zip(new.clone()).map(|(old, new)| Step::Both(old, new)));
    steps.extend(old.skip(both).map(Step::Gone));
    steps.extend(new.skip(both).map(Step::New));
}
