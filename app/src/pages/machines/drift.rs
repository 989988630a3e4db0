//! `/machines/drift`: machines that run something else than they should.

use leptos::prelude::*;

use super::{because, crumbs, lock, target};
use crate::{
    api::machines::DriftPage,
    routes::href,
    ui::{empty, page, table, time::time},
};

/// The page.
#[must_use]
pub fn show(data: &DriftPage) -> AnyView {
    let DriftPage { machines, around } = data;
    let rows: Vec<_> = machines
        .iter()
        .map(|it| {
            let machine = &it.machine;
            let (runs, since) = machine
                .running
                .as_ref()
                .map_or_else(|| ("–".to_owned(), None), |it| (it.name.clone(), Some(it.since)));
            table::row(vec![
                table::link(href::machine(&machine.name), machine.name.clone()),
                runs.into_any(),
                since.map(time).into_any(),
                view! { {target(&it.assigned.target)}<div class="quiet">{because(&it.assigned)}</div> }
                    .into_any(),
                machine.lock.as_ref().map_or_else(|| "–".into_any(), lock),
            ])
        })
        .collect();
    let list = if rows.is_empty() {
        empty::nothing("No machine has reported that it runs something else than it should.")
    } else {
        let headings = ["Machine", "Runs", "Since", "Should boot", "Locked by"];
        table::table("Machines that drift", &headings, rows)
    };
    view! {
        {page::heading("Drift".to_owned(), crumbs(), ().into_any())}
        <p class="lead">"Accepted machines whose last report names something else than what they should boot now. The next boot of each ends that."</p>
        {list}
        {page::turning("/machines/drift", around, "First", "Next")}
    }
    .into_any()
}
