//! `/tests`: the grid of cases and releases, the past of one case, and one result of a run.

mod case;
mod grid;
mod result;
mod standing;

use domain::{ids::RunId, run::Outcome};
use leptos::prelude::*;

use crate::{
    api::history::{Narrowed, load_case, load_history, load_result, load_standing},
    pages::{parameter, query},
    ui::page,
};
pub use case::show as show_case;
pub use grid::show as show_grid;
pub use result::show as show_result;
pub(in crate::pages) use standing::{baseline_form, figures, page_of_key};
pub use standing::{part as standing_part, show as show_standing};

/// What lets results look otherwise.
const TOPICS: &[&str] = &["run/"];

pub(crate) fn grid() -> AnyView {
    page::loaded(TOPICS, load_history(query), |data| show_grid(&data))
}

pub(crate) fn case() -> AnyView {
    let before = query("before");
    let data = load_case(query("id"), query("machine"), query("about"), query("window"), before);
    page::loaded(TOPICS, data, |data| show_case(&data))
}

pub(crate) fn standing() -> AnyView {
    let data = load_standing(query("about"), Narrowed::of(query));
    page::loaded(TOPICS, data, |data| show_standing(&data))
}

pub(crate) fn result() -> AnyView {
    let data = load_result(RunId(parameter("id")), query("case"));
    page::loaded(&[], data, |data| show_result(&data))
}

/// The sign and the class of an outcome in a narrow cell, the same as those of its badge.
pub(in crate::pages) const fn glyph(outcome: Outcome) -> (&'static str, &'static str) {
    let tone = match outcome {
        Outcome::Passed => "good",
        Outcome::Failed | Outcome::Errored => "bad",
        Outcome::Skipped | Outcome::NotRun => "quiet",
    };
    (outcome.sign(), tone)
}
