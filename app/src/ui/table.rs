//! Tables: of rows, and of properties.

use leptos::prelude::*;

/// A table of rows under headings; one that begins with `>` stands over numbers and is set to the right.
///
/// On narrow screens the table scrolls inside its own frame, which goes by the caption: on one page no two
/// have the same.
#[must_use]
pub fn table(caption: impl Into<String>, headings: &[&'static str], rows: Vec<AnyView>) -> AnyView {
    let caption: String = caption.into();
    let label = caption.clone();
    let headings: Vec<_> = headings
        .iter()
        .map(|heading| match heading.strip_prefix('>') {
            Some(heading) => view! { <th scope="col" class="number">{heading}</th> }.into_any(),
            None => view! { <th scope="col">{*heading}</th> }.into_any(),
        })
        .collect();
    view! {
        <div class="scroll" role="region" aria-label=label tabindex="0">
            <table>
                <caption class="hidden">{caption}</caption>
                <thead><tr>{headings}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// A row of cells.
#[must_use]
pub fn row(cells: Vec<AnyView>) -> AnyView {
    let cells: Vec<_> = cells.into_iter().map(|cell| view! { <td>{cell}</td> }).collect();
    view! { <tr>{cells}</tr> }.into_any()
}

/// Names and values.
#[must_use]
pub fn properties(rows: Vec<(&'static str, AnyView)>) -> AnyView {
    let rows: Vec<_> = rows
        .into_iter()
        .map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> })
        .collect();
    view! { <dl class="properties">{rows}</dl> }.into_any()
}

/// A link as a cell.
#[must_use]
pub fn link(href: String, text: String) -> AnyView {
    view! { <a href=href>{text}</a> }.into_any()
}

/// Something to read as it was typed.
#[must_use]
pub fn code(text: String) -> AnyView {
    view! { <code>{text}</code> }.into_any()
}

/// A number or size, set to the right.
#[must_use]
pub fn number(text: String) -> AnyView {
    view! { <span class="number">{text}</span> }.into_any()
}
