//! `/releases/:version/report`: what teams post about a release, computed, to be read, printed or copied.

use domain::{
    deployment::Verdict,
    history::beyond_id,
    run::report::{ChangedCase, Changes, Fail, Figures, Line, Matrix, RATE, Report},
    time::human_size,
};
use leptos::prelude::*;

use crate::{
    api::releases::ReportPage,
    pages::history::{baseline_form, figures, page_of_key},
    routes::href,
    ui::{
        assessment,
        badge::{Status, badge},
        copy, empty, page, table,
    },
};

/// How many suites a matrix has at the most that fits on paper.
const PRINTED: usize = 5;

/// The page.
#[must_use]
pub fn show(data: ReportPage) -> AnyView {
    let ReportPage { report, badge, choices } = data;
    let tests = page_of_key(&report.about, report.stage.is_some());
    let crumbs = match report.stage {
        Some(_) => vec![
            ("Releases", "/releases".to_owned()),
            ("The release", href::release(&report.about)),
            ("Its tests", tests),
        ],
        None => vec![("Tests", "/tests".to_owned()), ("Its results", tests)],
    };
    let text = href::report_text(&report.about, report.baseline_about.as_deref());
    let beside = view! { <a class="button act" href=text>"As Markdown"</a> }.into_any();
    let path = href::report(&report.about, None);
    let measured = baseline_form(&path, &report.about, report.baseline_about.as_deref(), &choices);
    let posted = report.markdown();
    // Of what was made elsewhere nothing is here but its results.
    let own = report.stage.is_some();
    view! {
        {page::heading(format!("Release report: {}", report.release), crumbs, beside)}
        <div class="report">
            {measured}
            {about(&report)}
            {own.then(|| page::section("Key changes", prose(&report.key_changes, "Nobody has written any.")))}
            {page::section("Testing", testing(&report))}
            {report.baseline.is_some().then(|| page::section("Test changes in this release", changes(&report)))}
            {page::section("Reasons for fails", fails(&report))}
            {page::section("Not tested", not_tested(&report))}
            {own.then(|| view! {
                {page::section("Binaries", binaries(&report))}
                {page::section("Known issues", prose(&report.known_issues, "None are written down."))}
                {page::section("Approvals", approvals(&report))}
            })}
        </div>
        <div class="act">
            {page::section("To post it", view! {
                <p class="badge-line">
                    <img src=href::tests_badge(&report.about) alt=format!("Badge of the tests of {}", report.release) height="20"/>
                    <span class="quiet">"A badge for those who may read; for everybody where the server runs with --public-badges."</span>
                </p>
                {copy::command(&format!("![tests of {}]({badge})", report.release), "the badge as Markdown")}
                <details class="posted">
                    <summary>"The report as Markdown"</summary>
                    {copy::block(&posted, "the report as Markdown")}
                </details>
            }.into_any())}
        </div>
    }
    .into_any()
}

fn about(report: &Report) -> AnyView {
    let stage = report.stage.as_ref().map_or_else(
        || "It was made elsewhere: what is known of it here are its results.".to_owned(),
        |stage| format!("Stage: {stage}."),
    );
    let measured = match &report.baseline {
        Some(baseline) => format!(" Measured against {baseline}."),
        None => " Nothing stands before it that it could be measured against.".to_owned(),
    };
    view! { <p class="summary">{stage}{measured}</p> }.into_any()
}

fn prose(text: &str, otherwise: &'static str) -> AnyView {
    if text.trim().is_empty() {
        return empty::nothing(otherwise);
    }
    view! { <p class="said">{text.to_owned()}</p> }.into_any()
}

fn testing(report: &Report) -> AnyView {
    let Matrix { suites, machines, .. } = &report.matrix;
    let both = machines.len() > 1 && suites.len() > 1;
    view! {
        {figures(&report.figures)}
        <p class="quiet">{RATE}</p>
        {lines("By machine", "Machine", machines)}
        {lines("By suite", "Suite", suites)}
        {both.then(|| matrix(report))}
    }
    .into_any()
}

/// Machines or suites, each with its figures.
fn lines(title: &'static str, heading: &'static str, lines: &[Line]) -> AnyView {
    if lines.is_empty() {
        return ().into_any();
    }
    let changed = |count: String, change: &Option<String>, unit: &str| {
        let change = change.as_ref().map(|it| format!(" ({it}{unit})"));
        view! { <span class="number">{count}<span class="quiet">{change}</span></span> }.into_any()
    };
    let rows = lines
        .iter()
        .map(|Line { name, figures: it }| {
            let rate = it.passed_percent.as_ref().map_or("–".to_owned(), |it| format!("{it} %"));
            let silent = it.totals.skipped.saturating_add(it.totals.not_run);
            table::row(vec![
                name.clone().into_any(),
                changed(it.totals.passed.to_string(), &it.passed_change, ""),
                changed(it.failed.to_string(), &it.failed_change, ""),
                changed(rate, &it.percent_change, " %"),
                table::number(silent.to_string()),
            ])
        })
        .collect();
    let headings = [heading, ">Passed", ">Failed", ">Passed [%]", ">Skipped or not run"];
    view! { <h3>{title}</h3>{table::table(title, &headings, rows)} }.into_any()
}

/// Machines and suites; both edges stand above.
fn matrix(report: &Report) -> AnyView {
    let Matrix { suites, machines, cells } = &report.matrix;
    let heads: Vec<_> = suites
        .iter()
        .map(|it| view! { <th scope="col" class="number">{it.name.clone()}</th> })
        .collect();
    let rows: Vec<_> = machines
        .iter()
        .zip(cells)
        .map(|(machine, cells)| {
            let cells: Vec<_> = cells.iter().map(|it| cell(it.as_ref())).collect();
            view! { <tr><th scope="row">{machine.name.clone()}</th>{cells}</tr> }
        })
        .collect();
    // Paper cannot be scrolled: of a wide one the edges are printed alone.
    let class = if suites.len() > PRINTED { "on-screen" } else { "" };
    let label = "Passed and failed by machine and suite";
    view! {
        <div class=class>
            <h3>"Machines and suites"</h3>
            <div class="scroll" role="region" aria-label=label tabindex="0">
                <table class="matrix">
                    <caption class="hidden">{label}</caption>
                    <thead><tr><th scope="col">"Passed / failed"</th>{heads}</tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </div>
    }
    .into_any()
}

fn cell(figures: Option<&Figures>) -> AnyView {
    let Some(figures) = figures else {
        return view! { <td class="number quiet">"–"</td> }.into_any();
    };
    let rate = figures.passed_percent.as_ref().map(|it| {
        let change = figures.percent_change.as_ref().map(|it| format!(" ({it} %)"));
        view! { <span class="quiet">{format!("{it} %")}{change}</span> }
    });
    view! { <td class="number">{figures.short()}{rate}</td> }.into_any()
}

fn changes(report: &Report) -> AnyView {
    if report.changes.is_empty() {
        return empty::nothing("No case stands otherwise than before.");
    }
    let parts: Vec<_> = report.changes.iter().map(changed).collect();
    view! { {parts} }.into_any()
}

fn changed(changes: &Changes) -> AnyView {
    let rows = changes
        .cases
        .iter()
        .map(|ChangedCase { case, title, places, outcome }| {
            table::row(vec![
                described(case, title, &places.join("; ")),
                badge(Status::Outcome(Some(*outcome))),
            ])
        })
        .collect();
    let listed = changes.cases.len() as u64;
    let more = (listed < changes.counted)
        .then(|| view! { <p class="quiet">{format!("The first {listed} are listed.")}</p> });
    view! {
        <h3>{changes.kind.title()}" "<span class="quiet">{changes.counted}</span></h3>
        <div class="narrow-last">
            {table::table(changes.kind.title(), &["Description", changes.kind.outcome_is()], rows)}
        </div>
        {more}
    }
    .into_any()
}

fn described(case: &str, title: &str, place: &str) -> AnyView {
    let title = beyond_id(title, case).to_owned();
    view! { <a href=href::case(case, "", "")>{case.to_owned()}</a>" "{title}<div class="quiet">{place.to_owned()}</div> }
        .into_any()
}

fn fails(report: &Report) -> AnyView {
    if report.fails.is_empty() {
        return empty::nothing("Nothing fails.");
    }
    let rows = report
        .fails
        .iter()
        .map(|it| {
            let place = format!("{}, suite {}", it.place, it.suite);
            let run = href::result(&it.run.as_str().into(), &it.case);
            table::row(vec![
                described(&it.case, &it.title, &place),
                view! {
                    <a href=run>{badge(Status::Outcome(Some(it.outcome)))}</a>
                    <div class="said">{it.reason.clone()}</div>
                    {reviewed(it)}
                }
                .into_any(),
            ])
        })
        .collect();
    let more = report.more_fails.then(|| view! { <p class="quiet">"Not all are listed."</p> });
    view! { {table::table("Reasons for fails", &["Description", "Result"], rows)}{more} }.into_any()
}

/// What people say of a failure.
fn reviewed(fail: &Fail) -> AnyView {
    let blame = fail.blame.map(|it| view! { <div>"Problem of the "{it.word()}</div> });
    let issue = fail.issue.as_ref().map(|it| view! { <div>"Issue "{assessment::issue(it)}</div> });
    let waiver = fail.waiver.as_ref().map(|it| {
        let words = format!("Waived by {} until {}: {}", it.by, it.until, it.reason);
        view! { <div>{words}</div> }
    });
    view! { {blame}{issue}{waiver} }.into_any()
}

fn not_tested(report: &Report) -> AnyView {
    if report.not_tested.is_empty() {
        return empty::nothing("Every boot entry has a result.");
    }
    let items: Vec<_> =
        report.not_tested.iter().map(|it| view! { <li>{it.clone()}</li> }).collect();
    view! { <ul class="bullets">{items}</ul> }.into_any()
}

fn binaries(report: &Report) -> AnyView {
    if report.binaries.is_empty() {
        return empty::nothing("It has none yet.");
    }
    let rows = report
        .binaries
        .iter()
        .map(|it| {
            table::row(vec![
                table::link(href::release_file(&report.about, &it.name), it.name.clone()),
                table::number(human_size(it.size)),
                view! { <code class="digest">{it.sha256.to_string()}</code> }.into_any(),
            ])
        })
        .collect();
    let mut named = Vec::new();
    if let Some(manifest) = &report.manifest {
        let digest = manifest.to_string();
        named.push(("Manifest", view! { <code class="digest">{digest}</code> }.into_any()));
    }
    if let Some(key) = &report.signed_by {
        named.push(("Signed by", view! { "key "<code>{key.clone()}</code> }.into_any()));
    }
    view! {
        {table::table("Binaries", &["File", ">Size", "SHA-256"], rows)}
        {table::properties(named)}
    }
    .into_any()
}

fn approvals(report: &Report) -> AnyView {
    if report.approvals.is_empty() {
        return empty::nothing("Nobody has approved it.");
    }
    let items: Vec<_> = report
        .approvals
        .iter()
        .map(|it| {
            let verdict = match it.verdict {
                Verdict::Approved => "approved",
                Verdict::Refused => "refused",
            };
            let comment = (!it.comment.is_empty()).then(|| format!(": {}", it.comment));
            view! {
                <li>
                    <strong>{it.by.clone()}</strong>
                    {format!(" {verdict} it for {}, {}", it.environment, it.at)}{comment}
                </li>
            }
        })
        .collect();
    view! { <ul class="bullets">{items}</ul> }.into_any()
}
