//! Times: absolute in UTC; the browser makes them relative to its clock.

use domain::time::{Timestamp, human_duration};
use leptos::prelude::*;

/// A point in time.
#[must_use]
pub fn time(at: Timestamp) -> AnyView {
    let absolute = at.to_string();
    let shown = absolute.trim_end_matches(" UTC").to_owned();
    view! { <time datetime=at.rfc3339() title=absolute data-at=at.0.to_string()>{shown}</time> }
        .into_any()
}

/// A point in time, where there is one.
#[must_use]
pub fn time_or_dash(at: Option<Timestamp>) -> AnyView {
    at.map_or_else(|| "–".into_any(), time)
}

/// How long something took, or takes up to now.
#[must_use]
pub fn took(from: Option<Timestamp>, to: Option<Timestamp>) -> AnyView {
    match (from, to) {
        (Some(from), Some(to)) => human_duration(to.since(from)).into_any(),
        (Some(from), None) => {
            view! { <span data-since=from.0.to_string()>"not ended"</span> }.into_any()
        }
        (None, _) => "–".into_any(),
    }
}
