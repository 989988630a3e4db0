//! A comparison as Markdown, as people post it: pages offer it to be copied, the command line prints it.

use std::fmt::Write as _;

use super::{CaseChange, ComparedCase, SeenCase};
use crate::markdown::cell;

/// What differs, for an issue or a post: how many cases changed how, then the cases in a table.
#[must_use]
pub fn markdown(
    here: &str,
    base: &str,
    counts: &[(CaseChange, u64)],
    cases: &[ComparedCase],
) -> String {
    let (here, base) = (cell(here), cell(base));
    let mut text = format!("## {here} compared with {base}\n\n| Change | Cases |\n|---|---|\n");
    for (change, count) in counts.iter().filter(|(_, count)| *count > 0) {
        let _ = writeln!(text, "| {} | {count} |", words(*change));
    }
    if cases.is_empty() {
        return text;
    }
    let head = format!("| Case | Machine | Entry | Change | {here} | {base} |");
    let _ = writeln!(text, "\n{head}\n|---|---|---|---|---|---|");
    for it in cases {
        let title = if it.title == it.case { "" } else { it.title.as_str() };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} |",
            cell(format!("{} {title}", it.case).trim_end()),
            cell(&it.machine),
            cell(&it.entry),
            words(it.change),
            side(it.here.as_ref()),
            side(it.base.as_ref())
        );
    }
    text
}

fn words(change: CaseChange) -> String {
    change.word().replace('-', " ")
}

/// How a case ended, with the first line of what was seen where it speaks against the side.
fn side(seen: Option<&SeenCase>) -> String {
    match seen {
        None => "–".to_owned(),
        Some(seen) if seen.outcome.fails() => {
            let first = seen.message.lines().next().unwrap_or_default();
            cell(format!("{}: {first}", seen.outcome.word()).trim_end_matches(": "))
        }
        Some(seen) => seen.outcome.word().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Outcome;

    fn seen(outcome: Outcome, message: &str) -> SeenCase {
        let message = message.to_owned();
        SeenCase { run: "r".into(), outcome, duration_us: None, message }
    }

    #[test]
    fn what_a_runner_wrote_is_no_mark_in_a_table() {
        let case = ComparedCase {
            entry: "linux".to_owned(),
            machine: "board-1".to_owned(),
            case: "XEN1.2".to_owned(),
            title: "a|b".to_owned(),
            change: CaseChange::Regression,
            here: Some(seen(Outcome::Failed, "<b>*no*</b> @all\nsecond line")),
            base: Some(seen(Outcome::Passed, "fine")),
        };
        let counts = [(CaseChange::Regression, 1), (CaseChange::NewPass, 0)];
        let expected = "\
## v1.1.0 compared with v1.0.0

| Change | Cases |
|---|---|
| regression | 1 |

| Case | Machine | Entry | Change | v1.1.0 | v1.0.0 |
|---|---|---|---|---|---|
| XEN1.2 a\\|b | board-1 | linux | regression | failed: \\<b\\>\\*no\\*\\</b\\> \\@all | passed |
";
        assert_eq!(markdown("v1.1.0", "v1.0.0", &counts, &[case]), expected);
    }

    #[test]
    fn without_cases_the_counts_stand_alone_and_silence_is_a_dash() {
        let counts = [(CaseChange::Unchanged, 9)];
        assert!(markdown("a", "b", &counts, &[]).ends_with("\n| unchanged | 9 |\n"));
        assert_eq!(side(None), "–");
        assert_eq!(side(Some(&seen(Outcome::Errored, ""))), "errored");
    }
}
