//! Reviewing failures: what people say of one, and the fields by which they say it of one or many.

use domain::{
    assessment::{Assessment, MadeAssessment},
    evidence::{DecidingCase, Evidence},
    plan::WHOLE_RUN,
    run::{FailureClass, Outcome},
    time::Timestamp,
};
use leptos::{prelude::*, server_fn::ServerFn};
use services::assessments::{MissingCase, Review};

use crate::{
    api::{
        Choice,
        assessments::{AssessFailures, WaiveFailures, WithdrawWaivers},
    },
    ui::{
        assessment,
        badge::{Status, labelled},
        empty, form, page, raw,
        time::time,
    },
};

/// What is an address or a key of an issue, so that a browser says so before the form is sent.
const ISSUE: &str = r"\s*(https?:\/\/\S+|#[0-9]+|[A-Za-z][A-Za-z0-9_]*-[0-9]+)\s*";

/// Where the form is that says the same of many failures.
pub const MANY: &str = "review-ticked";

/// The part of the page of a result that says what people say of it; `failure` is how forms name it.
#[must_use]
pub fn section(review: &Review, failure: &str, about: Option<&str>) -> AnyView {
    let (newest, now) = (review.history.first(), review.now);
    let present = match newest {
        Some(made) if made.said != Assessment::default() => {
            assessment::line(Some(made), about, now)
        }
        _ => empty::nothing("Nobody has reviewed this failure yet."),
    };
    let withdraw = newest.is_some_and(|it| it.said.waiver.is_some()).then(|| {
        view! {
            <div class="card">
                <h3>"Take the waiver back"</h3>
                <p class="quiet">"It stands in the way again, in every release and environment."</p>
                {form::acting::<WithdrawWaivers>("", naming(failure), form::submit("Take it back", "bad", &review.withdraw))}
            </div>
        }
    });
    let said = newest.map(|it| &it.said);
    page::section("Review", view! {
        {present}
        <p class="quiet">"What is said here holds for each failure of this case that says the same, on any machine and in any release."</p>
        <div class="cards">
            <div class="card">
                <h3>"Assess"</h3>
                {form::acting::<AssessFailures>("", naming(failure), view! {
                    {assess_fields(said)}
                    {form::submit("Keep", "main", &review.assess)}
                }.into_any())}
            </div>
            <div class="card">
                <h3>"Waive"</h3>
                {form::acting::<WaiveFailures>("", naming(failure), view! {
                    {waive_fields("", now, true)}
                    {form::submit("Waive", "", &review.waive)}
                }.into_any())}
            </div>
            {withdraw}
        </div>
        {(review.history.len() > 1).then(|| history(&review.history, now))}
    }.into_any())
}

/// How far a review has come; nothing where nothing fails.
#[must_use]
pub fn state(reviewed: u64, all: u64) -> AnyView {
    let words = match all {
        0 => return ().into_any(),
        _ if reviewed >= all => "all failures reviewed".to_owned(),
        _ => format!("{reviewed} of {all} failures reviewed"),
    };
    labelled(Status::Reviewed(reviewed >= all), words)
}

fn naming(failure: &str) -> Vec<(&'static str, String)> {
    vec![("failures[]", failure.to_owned())]
}

fn history(history: &[MadeAssessment], now: Timestamp) -> AnyView {
    let items: Vec<_> = history
        .iter()
        .map(|made| {
            let about = made.about.clone().map(|about| format!(", at {about}"));
            let nothing = (made.said == Assessment::default()).then_some("took everything back");
            view! {
                <li>
                    <strong>{made.by.clone()}</strong>" "{time(made.at)}{about}
                    <p class="assessment">{nothing}{assessment::words(&made.said, now)}</p>
                </li>
            }
        })
        .collect();
    view! { <details><summary>"Who said what"</summary><ul class="list">{items}</ul></details> }
        .into_any()
}

/// Whose problem it is and where it is tracked.
fn assess_fields(said: Option<&Assessment>) -> AnyView {
    let issue = said.and_then(|it| it.issue.as_ref()).map(|it| it.as_str().to_owned());
    let comment = said.map(|it| it.comment.clone()).unwrap_or_default();
    let blame = said.and_then(|it| it.blame);
    let options: Vec<_> = FailureClass::ALL
        .into_iter()
        .map(|it| {
            let chosen = blame == Some(it);
            view! { <option value=it.word() selected=chosen>{it.word()}</option> }
        })
        .collect();
    let blame = view! {
        <select id="blame" name="blame"><option value="">"nobody knows yet"</option>{options}</select>
    };
    let hint = "Its address, or its key such as #123 or ABC-12.";
    let issue = view! {
        <input id="issue" name="issue" value=issue.unwrap_or_default() maxlength="500" pattern=ISSUE title=hint autocomplete="off" spellcheck="false" aria-describedby="issue-about"/>
    };
    let comment = view! {
        <textarea id="comment" name="comment" rows="2" maxlength="2000">{raw(&comment)}</textarea>
    };
    view! {
        {form::field("blame", "Whose problem it is", None, None, blame.into_any())}
        {form::field("issue", "Issue", Some(hint.to_owned()), None, issue.into_any())}
        {form::field("comment", "Comment", None, None, comment.into_any())}
    }
    .into_any()
}

/// Why a failure does not stand in the way, and until when; `form` tells the fields of several forms of a
/// page apart.
fn waive_fields(form: &str, now: Timestamp, required: bool) -> AnyView {
    let day = |at: Timestamp| at.rfc3339().chars().take(10).collect::<String>();
    let last = now.plus(std::time::Duration::from_secs(365 * 86_400));
    let (reason_id, until_id) = (format!("reason{form}"), format!("until{form}"));
    let reason = view! {
        <textarea id=reason_id.clone() name="reason" rows="2" minlength="3" maxlength="2000" required=required></textarea>
    };
    let about = format!("{until_id}-about");
    let until = view! {
        <input id=until_id.clone() name="until" type="date" min=day(now) max=day(last) required=required aria-describedby=about/>
    };
    let hint = "The whole of this day counts, in UTC; a year ahead at the most.";
    view! {
        {form::field(reason_id, "Why it does not stand in the way", None, None, reason.into_any())}
        {form::field(until_id, "Until", Some(hint.to_owned()), None, until.into_any())}
    }
    .into_any()
}

/// A form that waives demanded cases that no run answered; nothing where there are none.
#[must_use]
pub fn missing(evidence: &Evidence, release: &str, now: Timestamp, waive: &Choice) -> AnyView {
    let unanswered = |it: &&DecidingCase| {
        it.waiver.is_none()
            && (it.ended() == Outcome::NotRun || it.case == WHOLE_RUN)
            && it.ended() != Outcome::Passed
    };
    let boxes: Vec<_> = evidence
        .cases
        .iter()
        .filter(unanswered)
        .map(|it| {
            let missing = MissingCase {
                release: release.to_owned(),
                plan: evidence.plan.clone(),
                suite: it.suite.clone(),
                machine: it.machine.clone(),
                entry: it.entry.clone(),
                case: it.case.clone(),
            };
            let named = missing.to_text();
            let case = if it.case == WHOLE_RUN { "the whole run" } else { it.case.as_str() };
            let place = match it.entry.as_str() {
                "" => format!("{case} on {}", it.machine),
                entry => format!("{case} on {}, entry {entry}", it.machine),
            };
            view! {
                <label class="choice">
                    <input type="checkbox" name="failures[]" value=format!("{}{named}", assessment::MISSING)/>
                    <span>{place}</span>
                </label>
            }
        })
        .collect();
    if boxes.is_empty() {
        return ().into_any();
    }
    let id = format!("waive-missing-{}", evidence.plan);
    let open = form::failed::<WaiveFailures>().is_some();
    view! {
        <details class="missing" open=open id=id>
            <summary>{format!("Waive what no run answered ({})", boxes.len())}</summary>
            <p class="quiet">"Where a machine is dead, an approver can answer for what it cannot say. It holds for this machine and entry until the day given, in the next releases as well."</p>
            {form::acting::<WaiveFailures>("", Vec::new(), view! {
                <fieldset><legend>"Cases"</legend>{boxes}</fieldset>
                {waive_fields(&format!("-{}", evidence.plan), now, true)}
                {form::submit("Waive the ticked", "", waive)}
            }.into_any())}
        </details>
    }
    .into_any()
}

/// A list of failures to tick, and the forms that say the same of all that are ticked.
#[must_use]
pub fn many(list: AnyView, now: Timestamp, assess: &Choice, waive: &Choice) -> AnyView {
    let faults = [form::failed::<AssessFailures>(), form::failed::<WaiveFailures>()];
    let faults: Vec<_> = faults.into_iter().map(form::fault).collect();
    let why_not = |choice: &Choice| {
        let reason = choice.as_ref().err().map(|it| crate::error::sentence(it));
        reason.map(|reason| view! { <p class="reason">{reason}</p> })
    };
    view! {
        <form method="post" action=AssessFailures::url() class="review-many">
            {list}
            <h3 id=MANY>"Say the same of all that are ticked"</h3>
            {faults}
            <div class="cards">
                <fieldset class="card">
                    <legend>"Assess"</legend>
                    {assess_fields(None)}
                    <input type="hidden" name="keeping" value="true"/>
                    <p class="quiet">"What is left empty stays as it was said before."</p>
                    <div class="act">
                        <button type="submit" class="main" disabled=assess.is_err()>"Keep for the ticked"</button>
                        {why_not(assess)}
                    </div>
                </fieldset>
                <fieldset class="card">
                    <legend>"Waive"</legend>
                    {waive_fields("", now, false)}
                    <div class="act">
                        <button type="submit" formaction=WaiveFailures::url() disabled=waive.is_err()>"Waive the ticked"</button>
                        {why_not(waive)}
                    </div>
                </fieldset>
            </div>
        </form>
    }
    .into_any()
}
