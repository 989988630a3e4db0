//! Booting a release or a variant in a guest, from its page.

use domain::manifest::{BootEntry, Manifest};
use leptos::{prelude::*, server_fn::ServerFn};

use crate::{api::Choice, error::AppError, ui::form};

/// The button, which asks `S` for what is `named`, with the choice of a boot entry. Entries whose files lie elsewhere are not offered: a
/// guest reaches nothing but the boot listener.
pub(in crate::pages) fn trying<S: ServerFn<Error = AppError>>(
    named: (&'static str, String),
    manifest: &Manifest,
    choice: &Choice,
) -> AnyView {
    let entries = manifest.entries.iter().filter(|it| it.kind().boots_rootfs());
    let options: Vec<_> = entries.map(|entry| option(entry, &manifest.default_entry)).collect();
    let disabled = choice.is_err();
    let fields = view! {
        <label for="entry">"Boot entry"</label>
        <select id="entry" name="entry" disabled=disabled>
            {options}
            <option value="">"choose in the menu"</option>
        </select>
        {form::submit("Boot in a VM", "", choice)}
    };
    form::acting::<S>("inline try", vec![named], fields.into_any())
}

fn option(entry: &BootEntry, default: &str) -> AnyView {
    let label = entry.label().to_owned();
    let selected = label == default;
    view! { <option value=label.clone() selected=selected>{entry.text().to_owned()}</option> }
        .into_any()
}
