//! `/machines/import`: machines from a table, which is looked at before it is taken.

use domain::machine::RowFault;
use leptos::prelude::*;
use services::machines::Imported;

use super::crumbs;
use crate::{
    api::machines::table::{Looked, TableDraft, TablePage, Taken},
    routes::href,
    ui::{change::counted, form, page, raw, table},
};

/// How many names or faults stand on the page.
const SHOWN: usize = 200;

/// The page.
#[must_use]
pub fn show(data: &TablePage) -> AnyView {
    let TablePage { draft, taken, administrator, import } = data;
    let error = draft.error.as_ref();
    let wrong = error.and_then(|it| it.of_field("table"));
    let general = draft.error.clone().filter(|_| wrong.is_none());
    let text = view! {
        <textarea id="table" name="table" rows="10" spellcheck="false" wrap="off" class="as-typed" aria-describedby="table-about">{raw(&draft.table)}</textarea>
    };
    let hint = "The first line names the columns, of which name alone must be there. A column that is missing leaves what a known machine has as it is.";
    let file = view! { <input type="file" id="file" name="file" accept=".csv,text/csv" aria-describedby="file-about"/> };
    let size = "In UTF-8, 4 MiB at the most; programs send up to 32 MiB. It takes the place of what is typed above.";
    let reason = administrator.then(|| {
        let hint = "Only where others have locked machines of the table.".to_owned();
        let control = view! {
            <textarea id="reason" name="reason" rows="2" maxlength="2000" aria-describedby="reason-about">{raw(&draft.reason)}</textarea>
        };
        form::field("reason", "Why these locks do not hold", Some(hint), None, control.into_any())
    });
    let looked_well = matches!(draft.looked, Some(Looked::Would(_)));
    let take = looked_well.then(|| {
        let seen = draft.seen().to_string();
        view! {
            <input type="hidden" name="seen" value=seen/>
            <button type="submit" class="main" name="do" value="take">"Take it"</button>
        }
    });
    let look = if looked_well { "Look again" } else { "Look what it would do" };
    let kind = if looked_well { "" } else { "main" };
    let acts = match import {
        Ok(()) => view! {
            <div class="acts">
                {take}
                <button type="submit" class=kind name="do" value="look">{look}</button>
            </div>
        }
        .into_any(),
        Err(_) => form::submit(look, "main", import),
    };
    view! {
        {page::heading("Import a table".to_owned(), crumbs(), ().into_any())}
        <p class="lead">"Comma-separated values: a new name is registered, a known one becomes what its line says. All lines are taken, or none."</p>
        {taken.as_ref().map(done)}
        {looked(draft)}
        <form method="post" action="/machines/import" enctype="multipart/form-data" class="table-form">
            {form::fault(general)}
            {form::field("table", "Table", Some(hint.to_owned()), wrong, text.into_any())}
            {form::field("file", "Or a file", Some(size.to_owned()), None, file.into_any())}
            {reason}
            {acts}
        </form>
        {page::section("Columns", columns())}
    }
    .into_any()
}

fn done(taken: &Taken) -> AnyView {
    let words = format!(
        "Taken: {} registered, {} changed, {} as it says already.",
        counted(taken.added, "machine", "machines"),
        taken.changed,
        taken.unchanged
    );
    view! { <p class="done" role="status">{words}" "<a href=href::MACHINES>"To the machines"</a></p> }.into_any()
}

fn looked(draft: &TableDraft) -> AnyView {
    match &draft.looked {
        None => ().into_any(),
        Some(Looked::Faulty(faults)) => faulty(faults),
        Some(Looked::Would(imported)) => would(imported),
    }
}

fn faulty(faults: &[RowFault]) -> AnyView {
    let words = format!("{}; nothing is taken", counted(faults.len(), "fault", "faults"));
    let rows = faults
        .iter()
        .take(SHOWN)
        .map(|it| {
            table::row(vec![table::number(it.line.to_string()), it.message.clone().into_any()])
        })
        .collect();
    let more = faults.len().checked_sub(SHOWN).filter(|it| *it > 0);
    let more = more.map(|it| view! { <p class="quiet">{format!("And {it} more.")}</p> });
    view! {
        <section>
            <p class="alert" role="alert"><strong>{words}</strong></p>
            {table::table("Faults of the table", &[">Line", "What is wrong"], rows)}
            {more}
        </section>
    }
    .into_any()
}

fn would(imported: &Imported) -> AnyView {
    let Imported { added, changed, unchanged } = imported;
    let named = |title: &'static str, names: &[String]| {
        (!names.is_empty()).then(|| {
            let more = names.len().checked_sub(SHOWN).filter(|it| *it > 0);
            let more = more.map(|it| format!(" and {it} more")).unwrap_or_default();
            let shown = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
            (title, format!("{shown}{more}").into_any())
        })
    };
    let same =
        format!("{} as the table says already", counted(*unchanged, "machine is", "machines are"));
    let nothing = added.is_empty() && changed.is_empty();
    let words = if nothing {
        "It would change nothing.".to_owned()
    } else {
        format!(
            "It would register {} and change {}. Nothing is done yet.",
            counted(added.len(), "machine", "machines"),
            changed.len()
        )
    };
    let rows = [named("Registers", added), named("Changes", changed)].into_iter().flatten();
    let rows = rows.chain((*unchanged > 0).then(|| ("Leaves", same.into_any()))).collect();
    view! { <section><p class="done" role="status">{words}</p>{table::properties(rows)}</section> }
        .into_any()
}

fn columns() -> AnyView {
    let rows = [
        ("name", "Of the machine; must be there."),
        ("macs", "MAC addresses, separated by blanks."),
        ("uuid, serial", "Of SMBIOS, where it has them."),
        ("architecture", "amd64 or arm64; amd64 where a new machine says nothing."),
        ("labels", "Such as rack=3 role=build."),
        ("location, note", "For people."),
        (
            "environment, release, variant",
            "What it boots: one of them is filled at the most; none gives it back to the rules.",
        ),
    ];
    let rows = rows
        .into_iter()
        .map(|(name, words)| table::row(vec![table::code(name.to_owned()), words.into_any()]))
        .collect();
    view! {
        {table::table("Columns of the table", &["Column", "What it says"], rows)}
        <p class="after"><a href="/machines/export" download="machines.csv">"Export all machines"</a>" in this very form."</p>
    }
    .into_any()
}
