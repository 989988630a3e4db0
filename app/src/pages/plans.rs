//! `/plans` and `/suites`: what is run to judge a release.

use leptos::prelude::*;

/// The choice of a plan beside a button that runs one; nothing to choose where there is only one.
#[must_use]
pub(crate) fn choice(plans: &[String]) -> AnyView {
    if plans.len() < 2 {
        return ().into_any();
    }
    let options: Vec<_> = plans
        .iter()
        .map(|plan| view! { <option value=plan.clone()>{format!("Plan {plan}")}</option> })
        .collect();
    view! { <select name="plan" aria-label="Plan">{options}</select> }.into_any()
}
