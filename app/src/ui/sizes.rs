//! How a size is made up: one bar, and the same in words below it.

use domain::{manifest::Component, time::human_size};
use leptos::prelude::*;

/// A part of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is called.
    pub name: String,
    /// How large it is, in bytes.
    pub bytes: u64,
}

/// A bar of the components' sizes.
#[must_use]
pub fn sizes(components: &[Component]) -> AnyView {
    let part = |it: &Component| Part { name: it.name.clone(), bytes: it.size };
    parts(&components.iter().map(part).collect::<Vec<_>>())
}

/// A bar of parts, largest first. Each part of the bar names itself.
#[must_use]
pub fn parts(parts: &[Part]) -> AnyView {
    const WIDTH: f64 = 1000.0;
    let mut parts: Vec<&Part> = parts.iter().collect();
    parts.sort_by_key(|part| std::cmp::Reverse(part.bytes));
    let total: u64 = parts.iter().map(|part| part.bytes).sum();
    if total == 0 {
        return ().into_any();
    }
    let mut left = 0.0;
    let mut marks = Vec::new();
    let mut legend = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let width = part.bytes as f64 / total as f64 * WIDTH;
        let class = format!("part part{}", index % 7);
        let words = format!("{}: {}", part.name, human_size(part.bytes));
        marks.push(view! {
            <rect class=class.clone() x=format!("{left:.1}") y="0" width=format!("{:.1}", (width - 2.0).max(1.0)) height="14">
                <title>{words}</title>
            </rect>
        });
        legend.push(view! {
            <li>
                <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true"><rect class=class width="10" height="10"></rect></svg>
                <span>{part.name.clone()}</span>
                <span class="number">{human_size(part.bytes)}</span>
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
