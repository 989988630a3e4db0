//! What changed from one text to another, line by line, for pages and for copying.

use serde::{Deserialize, Serialize};
use similar::{ChangeTag, TextDiff};

/// How many unchanged lines are shown around a change.
const CONTEXT: usize = 3;

/// A line of either text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DiffLine {
    /// In which of the texts it stands.
    pub kind: DiffKind,
    /// Its number in the former text, from 1; `None` where it is new.
    pub old: Option<u32>,
    /// Its number in the new text, from 1; `None` where it went.
    pub new: Option<u32>,
    /// The line without its end.
    pub text: String,
}

/// In which of the texts a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum DiffKind {
    /// In both.
    Same,
    /// In the former only.
    Removed,
    /// In the new one only.
    Added,
    /// Some lines that stand in both are left out here; `text` says how many.
    Gap,
}

impl DiffKind {
    /// The sign in front of such a line, as `diff -u` writes it.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Same => " ",
            Self::Removed => "-",
            Self::Added => "+",
            Self::Gap => "…",
        }
    }
}

/// What changed from `old` to `new`: the changed lines with some around each; nothing where the
/// texts are the same.
#[must_use]
pub fn diff(old: &str, new: &str) -> Vec<DiffLine> {
    let all = all_lines(old, new);
    let changed = |line: &DiffLine| line.kind != DiffKind::Same;
    if !all.iter().any(changed) {
        return Vec::new();
    }
    let near: Vec<bool> = (0..all.len())
        .map(|at| {
            let from = at.saturating_sub(CONTEXT);
            let to = (at + CONTEXT + 1).min(all.len());
            all[from..to].iter().any(changed)
        })
        .collect();
    let mut lines = Vec::new();
    let mut hidden = 0_usize;
    for (line, near) in all.into_iter().zip(near) {
        if near {
            push_gap(&mut lines, &mut hidden);
            lines.push(line);
        } else {
            hidden += 1;
        }
    }
    push_gap(&mut lines, &mut hidden);
    lines
}

fn push_gap(lines: &mut Vec<DiffLine>, hidden: &mut usize) {
    if *hidden > 0 {
        let text = match *hidden {
            1 => "1 line unchanged".to_owned(),
            count => format!("{count} lines unchanged"),
        };
        lines.push(DiffLine { kind: DiffKind::Gap, old: None, new: None, text });
        *hidden = 0;
    }
}

/// Every line of both texts, removed ones before those that replace them.
fn all_lines(old: &str, new: &str) -> Vec<DiffLine> {
    let number = |index: Option<usize>| {
        index.map(|index| u32::try_from(index.saturating_add(1)).unwrap_or(u32::MAX))
    };
    TextDiff::from_lines(old, new)
        .iter_all_changes()
        .map(|change| DiffLine {
            kind: match change.tag() {
                ChangeTag::Equal => DiffKind::Same,
                ChangeTag::Delete => DiffKind::Removed,
                ChangeTag::Insert => DiffKind::Added,
            },
            old: number(change.old_index()),
            new: number(change.new_index()),
            text: change.value().trim_end_matches(['\n', '\r']).to_owned(),
        })
        .collect()
}

/// How many lines were added and removed.
#[must_use]
pub fn counts(lines: &[DiffLine]) -> (usize, usize) {
    let of = |kind| lines.iter().filter(|line| line.kind == kind).count();
    (of(DiffKind::Added), of(DiffKind::Removed))
}

/// A row of two columns: the former text's line beside the new one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideBySide {
    /// The left line; `None` where only the right one exists.
    pub left: Option<DiffLine>,
    /// The right line; `None` where only the left one exists.
    pub right: Option<DiffLine>,
}

/// The same change in two columns: what went stands beside what came in its place.
#[must_use]
pub fn side_by_side(lines: &[DiffLine]) -> Vec<SideBySide> {
    let mut rows = Vec::new();
    let (mut removed, mut added) = (Vec::new(), Vec::new());
    for line in lines {
        match line.kind {
            DiffKind::Removed => removed.push(line.clone()),
            DiffKind::Added => added.push(line.clone()),
            DiffKind::Same | DiffKind::Gap => {
                pair(&mut rows, &mut removed, &mut added);
                rows.push(SideBySide { left: Some(line.clone()), right: Some(line.clone()) });
            }
        }
    }
    pair(&mut rows, &mut removed, &mut added);
    rows
}

fn pair(rows: &mut Vec<SideBySide>, removed: &mut Vec<DiffLine>, added: &mut Vec<DiffLine>) {
    let height = removed.len().max(added.len());
    let mut left = std::mem::take(removed).into_iter();
    let mut right = std::mem::take(added).into_iter();
    rows.extend((0..height).map(|_| SideBySide { left: left.next(), right: right.next() }));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(lines: &[DiffLine]) -> Vec<String> {
        lines.iter().map(|line| format!("{}{}", line.kind.sign(), line.text)).collect()
    }

    #[test]
    fn changes_stand_with_some_lines_around_them() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let new = "1\n2\n3\n4\n5\n6\n7\neight\n9\n10\n";
        let lines = diff(old, new);
        assert_eq!(
            plain(&lines),
            ["…4 lines unchanged", " 5", " 6", " 7", "-8", "+eight", " 9", "+10"]
        );
        assert_eq!((lines[4].old, lines[4].new), (Some(8), None));
        assert_eq!((lines[5].old, lines[5].new), (None, Some(8)));
        assert_eq!(counts(&lines), (2, 1));
        assert_eq!(diff(old, old), []);
    }

    #[test]
    fn two_columns_pair_what_went_with_what_came() {
        let rows = side_by_side(&diff("a\nb\nc\n", "a\nx\n"));
        let text = |line: &Option<DiffLine>| line.as_ref().map(|line| line.text.clone());
        let pairs: Vec<_> = rows.iter().map(|row| (text(&row.left), text(&row.right))).collect();
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(pairs, [(some("a"), some("a")), (some("b"), some("x")), (some("c"), None)]);
    }

    proptest! {
        /// Whoever has the former text and the change has the new text.
        #[test]
        fn the_lines_of_both_texts_are_kept(
            old in proptest::collection::vec("[ab]{0,2}", 0..12),
            new in proptest::collection::vec("[ab]{0,2}", 0..12),
        ) {
            let join = |lines: &[String]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
            let lines = all_lines(&join(&old), &join(&new));
            let side = |without: DiffKind| -> Vec<String> {
                lines.iter().filter(|line| line.kind != without).map(|line| line.text.clone()).collect()
            };
            prop_assert_eq!(side(DiffKind::Added), old);
            prop_assert_eq!(side(DiffKind::Removed), new);
        }

        #[test]
        fn no_text_makes_it_panic(old in ".*", new in ".*") {
            let rows = side_by_side(&diff(&old, &new));
            prop_assert!(rows.iter().all(|row| row.left.is_some() || row.right.is_some()));
        }
    }
}
