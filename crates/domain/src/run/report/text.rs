//! A report as Markdown, to be posted.

use std::fmt::Write as _;

use super::{ChangedCase, Changes, Fail, FailWaiver, Figures, Matrix, RATE, Report};
use crate::{
    deployment::Verdict,
    history::beyond_id,
    markdown::{cell, prose},
    time::human_size,
};

impl Report {
    /// The report as Markdown: headings, lists and tables, as every forum and issue tracker reads it.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("# Release report: {}\n", cell(&self.release));
        if let Some(stage) = &self.stage {
            let _ = write!(text, "\nStage: {}\n", cell(stage));
        }
        // Of what was made elsewhere nothing is here but its results.
        let own = self.stage.is_some();
        if own {
            let changes = prose_or(&self.key_changes, "Nobody has written any.");
            section(&mut text, "Key changes", &changes);
        }
        self.testing(&mut text);
        self.failing(&mut text);
        section(
            &mut text,
            "Not tested",
            &list_or(&self.not_tested, "Every boot entry has a result."),
        );
        if own {
            self.binaries(&mut text);
            let issues = prose_or(&self.known_issues, "None are written down.");
            section(&mut text, "Known issues", &issues);
            self.approvals(&mut text);
        }
        text
    }

    fn testing(&self, text: &mut String) {
        text.push_str("\n## Testing\n\n");
        if let Some(baseline) = &self.baseline {
            let _ = writeln!(text, "Measured against {}.\n", cell(baseline));
        }
        for line in self.figures.lines() {
            let _ = writeln!(text, "* {}", cell(&line));
        }
        let _ = writeln!(text, "\n{RATE}");
        matrix(text, &self.matrix, &self.figures);
        if self.baseline.is_some() {
            text.push_str("\n### Test changes in this release\n");
            if self.changes.is_empty() {
                text.push_str("\nNo case stands otherwise than before.\n");
            }
            for changes in &self.changes {
                changed(text, changes);
            }
        }
    }

    fn failing(&self, text: &mut String) {
        text.push_str("\n## Reasons for fails\n\n");
        if self.fails.is_empty() {
            text.push_str("Nothing fails.\n");
            return;
        }
        text.push_str("| Description | Result |\n|---|---|\n");
        for it in &self.fails {
            let what = described(&it.case, &it.title);
            let why = format!("{}: {}", it.outcome.word(), it.reason);
            let why = cell(why.trim_end_matches(": ")) + &reviewed(it);
            let _ = writeln!(text, "| {what} ({}) | {why} |", cell(&it.place));
        }
        if self.more_fails {
            text.push_str("\nNot all are listed.\n");
        }
    }

    fn binaries(&self, text: &mut String) {
        text.push_str("\n## Binaries\n\n");
        if self.binaries.is_empty() {
            text.push_str("It has none yet.\n");
            return;
        }
        text.push_str("| File | Size | SHA-256 |\n|---|---|---|\n");
        for it in &self.binaries {
            let (name, size) = (cell(&it.name), human_size(it.size));
            let _ = writeln!(text, "| {name} | {size} | `{}` |", it.sha256);
        }
        if let Some(manifest) = &self.manifest {
            let _ = writeln!(text, "\nManifest: `{manifest}`");
        }
        if let Some(key) = &self.signed_by {
            let _ = writeln!(text, "Signed by key `{key}`");
        }
    }

    fn approvals(&self, text: &mut String) {
        text.push_str("\n## Approvals\n\n");
        if self.approvals.is_empty() {
            text.push_str("Nobody has approved it.\n");
        }
        for it in &self.approvals {
            let verdict = match it.verdict {
                Verdict::Approved => "approved",
                Verdict::Refused => "refused",
            };
            let (who, environment) = (cell(&it.by), cell(&it.environment));
            let why =
                if it.comment.is_empty() { String::new() } else { format!(": {}", it.comment) };
            let _ =
                writeln!(text, "* {who} {verdict} it for {environment}, {}{}", it.at, cell(&why));
        }
    }
}

/// What people say of a failure: whose problem it is, where it is tracked, who waived it.
fn reviewed(fail: &Fail) -> String {
    let mut text = String::new();
    if let Some(blame) = fail.blame {
        let _ = write!(text, "; problem of the {blame}");
    }
    if let Some(issue) = &fail.issue {
        // An address is a link where it stands between angles; a key is one to its tracker.
        let plain = !issue.as_str().contains(['<', '>', '|', '\\']);
        let issue = match issue.href() {
            Some(href) if plain => format!("<{href}>"),
            _ => cell(issue.as_str()),
        };
        let _ = write!(text, "; issue {issue}");
    }
    if let Some(FailWaiver { by, until, reason }) = &fail.waiver {
        let words = format!("; waived by {by} until {until}: {reason}");
        text.push_str(&cell(&words));
    }
    text
}

fn section(text: &mut String, heading: &str, content: &str) {
    let _ = write!(text, "\n## {heading}\n\n{content}");
}

fn prose_or(text: &str, otherwise: &str) -> String {
    if text.trim().is_empty() { format!("{otherwise}\n") } else { prose(text) }
}

fn list_or(items: &[String], otherwise: &str) -> String {
    if items.is_empty() {
        return format!("{otherwise}\n");
    }
    items.iter().map(|it| format!("* {}\n", cell(it))).collect()
}

fn described(case: &str, title: &str) -> String {
    cell(format!("{case} {}", beyond_id(title, case)).trim_end())
}

fn matrix(text: &mut String, matrix: &Matrix, all: &Figures) {
    if matrix.machines.is_empty() {
        return;
    }
    text.push_str("\nPASSED / FAILED of each machine and suite:\n\n| Machine |");
    for suite in &matrix.suites {
        let _ = write!(text, " {} |", cell(&suite.name));
    }
    text.push_str(" All suites | PASSED \\[%\\] |\n|---|");
    text.push_str(&"---|".repeat(matrix.suites.len() + 2));
    text.push('\n');
    for (machine, cells) in matrix.machines.iter().zip(&matrix.cells) {
        let _ = write!(text, "| {} |", cell(&machine.name));
        for it in cells {
            let _ = write!(text, " {} |", it.as_ref().map_or("–".to_owned(), Figures::short));
        }
        let _ = writeln!(text, " {} | {} |", machine.figures.short(), rate(&machine.figures));
    }
    text.push_str("| All machines |");
    for suite in &matrix.suites {
        let _ = write!(text, " {} |", suite.figures.short());
    }
    let _ = write!(text, " {} | {} |\n| PASSED \\[%\\] |", all.short(), rate(all));
    for suite in &matrix.suites {
        let _ = write!(text, " {} |", rate(&suite.figures));
    }
    let _ = writeln!(text, " {} | |", rate(all));
}

fn rate(figures: &Figures) -> String {
    match (&figures.passed_percent, &figures.percent_change) {
        (None, _) => "–".to_owned(),
        (Some(rate), None) => rate.clone(),
        (Some(rate), Some(change)) => format!("{rate} ({change}%)"),
    }
}

fn changed(text: &mut String, changes: &Changes) {
    let title = changes.kind.title();
    let _ =
        write!(text, "\n**{title}: {}**\n\n| Description | Result |\n|---|---|\n", changes.counted);
    for ChangedCase { case, title, places, outcome } in &changes.cases {
        let what = described(case, title);
        let _ = writeln!(text, "| {what} ({}) | {outcome} |", cell(&places.join("; ")));
    }
    let listed = changes.cases.len() as u64;
    if listed < changes.counted {
        let _ = writeln!(text, "\nThe first {listed} are listed.");
    }
}
