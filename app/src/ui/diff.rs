//! What changed in a text.

use domain::text_diff::{DiffKind, DiffLine, counts};
use leptos::prelude::*;

/// The lines that changed, with some around them. The sign in front of a line says what happened
/// to it; the colour only repeats that.
#[must_use]
pub fn diff(lines: &[DiffLine], caption: String) -> AnyView {
    if lines.is_empty() {
        return view! { <p class="nothing">"The texts are the same."</p> }.into_any();
    }
    let (added, removed) = counts(lines);
    let label = caption.clone();
    let rows: Vec<_> = lines.iter().map(row).collect();
    view! {
        <p class="diff-counts">
            <span class="plus">{format!("+{added}")}</span>" "
            <span class="minus">{format!("−{removed}")}</span>" lines"
        </p>
        <div class="scroll" role="region" aria-label=label tabindex="0">
            <table class="diff">
                <caption class="hidden">{caption}</caption>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(line: &DiffLine) -> AnyView {
    let class = match line.kind {
        DiffKind::Same => "same",
        DiffKind::Added => "added",
        DiffKind::Removed => "removed",
        DiffKind::Gap => "gap",
    };
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    view! {
        <tr class=class>
            <td class="n">{number(line.old)}</td>
            <td class="n">{number(line.new)}</td>
            <td class="sign">{line.kind.sign()}</td>
            <td class="text">{line.text.clone()}</td>
        </tr>
    }
    .into_any()
}
