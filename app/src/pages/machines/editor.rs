//! The form of what is said of a machine: a new one, one that was discovered, one that changes.

use domain::machine::{Architecture, LONGEST_LOCATION, LONGEST_NOTE, MachineDraft};
use leptos::prelude::*;

use super::{acts, crumbs};
use crate::{
    api::{
        Choice,
        machines::{MachineForm, MachinePage, NewMachinePage},
    },
    routes::href,
    ui::{form, page, raw},
};

/// `/machines/new`
#[must_use]
pub fn show_new(data: &NewMachinePage) -> AnyView {
    view! {
        {page::heading("Register a machine".to_owned(), crumbs(), ().into_any())}
        <p class="lead">"It boots what the rules say until it is assigned something of its own."</p>
        {editor("/machines/new".to_owned(), &data.form, None, ("Register", ""), &data.register)}
    }
    .into_any()
}

/// The form that accepts a machine that was discovered.
pub(super) fn accepting(data: &MachinePage) -> AnyView {
    let action = href::machine(&data.summary.machine.name);
    editor(action, &data.form, None, ("Accept", "accept"), &data.change)
}

/// The form that changes what is said of a machine.
pub(super) fn changing(data: &MachinePage) -> AnyView {
    let action = href::machine(&data.summary.machine.name);
    // Where it was refused, the reason must be seen.
    let open = data.form.is_refused();
    let reason = acts::reason(data, "reason-change");
    view! {
        <details class="danger" id="change" open=open>
            <summary>"Change what is said of it"</summary>
            {editor(action, &data.form, reason, ("Save", ""), &data.change)}
        </details>
    }
    .into_any()
}

fn editor(
    action: String,
    filled: &MachineForm,
    reason: Option<AnyView>,
    (label, task): (&'static str, &'static str),
    choice: &Choice,
) -> AnyView {
    let MachineForm { draft, base, error, .. } = filled;
    let MachineDraft { name, macs, uuid, serial, architecture, labels, location, note } = draft;
    let base = base.map(|it| view! { <input type="hidden" name="base" value=it.to_string()/> });
    let task = (!task.is_empty()).then(|| view! { <input type="hidden" name="do" value=task/> });
    let line = |id: &'static str, label: &'static str, hint: &str, value: &str, required: bool| {
        let error = filled.of_field(id);
        let hint = Some(hint.to_owned()).filter(|it| !it.is_empty());
        let about = (hint.is_some() || error.is_some()).then(|| format!("{id}-about"));
        let invalid = error.is_some().then_some("true");
        let control = view! {
            <input id=id name=id value=value.to_owned() autocomplete="off" spellcheck="false" required=required
                aria-invalid=invalid aria-describedby=about/>
        };
        form::field(id, label, hint, error, control.into_any())
    };
    let options: Vec<_> = Architecture::ALL
        .into_iter()
        .map(|it| {
            let word = it.word();
            view! { <option value=word selected=architecture == word>{word}</option> }
        })
        .collect();
    let architecture = view! { <select id="architecture" name="architecture">{options}</select> };
    let most = LONGEST_NOTE.to_string();
    let text = view! {
        <textarea id="note" name="note" rows="3" maxlength=most>{raw(note)}</textarea>
    };
    let place = format!("Where it stands, in {LONGEST_LOCATION} characters at the most.");
    view! {
        <form method="post" action=action class="sheet machine-form">
            {form::fault(error.clone())}
            {base}
            {task}
            {line("name", "Name", "By which runs and plans call it: a-z, 0-9, '.', '-' and '_'.", name, true)}
            {line("macs", "MAC addresses", "Of its network cards, separated by blanks; each is one machine's alone.", macs, true)}
            <div class="pair">
                {line("uuid", "UUID", "Of SMBIOS, where it has one of its own.", uuid, false)}
                {line("serial", "Serial number", "Where it has one of its own.", serial, false)}
            </div>
            {form::field("architecture", "Architecture", None, filled.of_field("architecture"), architecture.into_any())}
            {line("labels", "Labels", "Such as rack=3 role=build; by these rules find it.", labels, false)}
            {line("location", "Location", &place, location, false)}
            {form::field("note", "Note", None, filled.of_field("note"), text.into_any())}
            {reason}
            {form::submit(label, "main", choice)}
        </form>
    }
    .into_any()
}
