//! How the size of a release is made up: one bar, and the same in words below it.

use domain::{manifest::Component, time::human_size};
use leptos::prelude::*;

/// A bar of the components' sizes, largest first. Each part of the bar names itself.
#[must_use]
pub fn sizes(components: &[Component]) -> AnyView {
    const WIDTH: f64 = 1000.0;
    let mut components: Vec<&Component> = components.iter().collect();
    components.sort_by_key(|component| std::cmp::Reverse(component.size));
    let total: u64 = components.iter().map(|component| component.size).sum();
    if total == 0 {
        return ().into_any();
    }
    let mut left = 0.0;
    let mut marks = Vec::new();
    let mut legend = Vec::new();
    for (index, component) in components.iter().enumerate() {
        let width = component.size as f64 / total as f64 * WIDTH;
        let class = format!("part part{}", index % 5);
        let words = format!("{}: {}", component.name, human_size(component.size));
        marks.push(view! {
            <rect class=class.clone() x=format!("{left:.1}") y="0" width=format!("{:.1}", (width - 2.0).max(1.0)) height="14">
                <title>{words}</title>
            </rect>
        });
        legend.push(view! {
            <li>
                <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true"><rect class=class width="10" height="10"></rect></svg>
                <span>{component.name.clone()}</span>
                <span class="number">{human_size(component.size)}</span>
            </li>
        });
        left += width;
    }
    view! {
        <figure class="sizes">
            <svg viewBox="0 0 1000 14" preserveAspectRatio="none" role="img" aria-label=format!("{} in all", human_size(total))>
                {marks}
            </svg>
            <figcaption><ul>{legend}</ul></figcaption>
        </figure>
    }
    .into_any()
}
