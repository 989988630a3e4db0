//! Booting a release in a guest, from its page.

use domain::manifest::{BootEntry, Manifest};
use leptos::prelude::*;

use crate::{
    api::{Choice, guests::StartGuest},
    ui::form,
};

/// The button, with the choice of a boot entry. Entries whose files lie elsewhere are not offered: a
/// guest reaches nothing but the boot listener.
pub(super) fn trying(release: &str, manifest: &Manifest, choice: &Choice) -> AnyView {
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
    let hidden = vec![("version", release.to_owned())];
    form::acting::<StartGuest>("inline try", hidden, fields.into_any())
}

fn option(entry: &BootEntry, default: &str) -> AnyView {
    let label = entry.label().to_owned();
    let selected = label == default;
    view! { <option value=label.clone() selected=selected>{entry.text().to_owned()}</option> }
        .into_any()
}
