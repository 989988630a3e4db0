//! `/audit`: who did what, when, from where.

use domain::audit::AuditRow;
use leptos::prelude::*;

use crate::{
    api::audit::{AuditPage, load_audit},
    ui::{copy, empty, page, table, time::time},
};

pub(crate) fn audit() -> AnyView {
    page::loaded(&[], load_audit(page::after()), |data| show(&data))
}

/// The page.
#[must_use]
pub fn show(data: &AuditPage) -> AnyView {
    let rows: Vec<_> = data.rows.iter().map(row).collect();
    let list = if rows.is_empty() {
        empty::nothing("No change was made yet.")
    } else {
        table::table(
            "Changes",
            &[">No.", "When", "Who", "What", "Of what", "Details", "From where", "Hash"],
            rows,
        )
    };
    view! {
        {page::heading("Audit log".to_owned(), Vec::new(), ().into_any())}
        <p class="lead">
            "Every change, in one gapless sequence. Each row has the hash of the one before, so an edited, removed or inserted row is found by "
            <code>"bootwright audit verify"</code>"."
        </p>
        {list}
        {page::around("/audit", &data.around)}
    }
    .into_any()
}

fn row(row: &AuditRow) -> AnyView {
    let entry = &row.entry;
    let details: Vec<_> = entry
        .details
        .as_object()
        .map(|details| {
            details
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| {
                    let text = value.as_str().map_or_else(|| value.to_string(), short);
                    view! { <li><span class="field-name">{name.clone()}</span>" "{text}</li> }
                })
                .collect()
        })
        .unwrap_or_default();
    table::row(vec![
        table::number(row.sequence.to_string()),
        time(entry.at),
        entry.actor.clone().into_any(),
        table::code(entry.action.clone()),
        format!("{} {}", entry.subject_kind, entry.subject).into_any(),
        view! { <ul class="fields">{details}</ul> }.into_any(),
        entry.address.clone().unwrap_or_else(|| "–".to_owned()).into_any(),
        copy::digest(&row.hash, &format!("hash of row {}", row.sequence)),
    ])
}

/// Digests by their first characters: the whole ones are in the export.
fn short(text: &str) -> String {
    let digest = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digest { format!("{}…", &text[..12]) } else { text.to_owned() }
}
