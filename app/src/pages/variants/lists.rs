//! The sections of the compose form that are lists: files, accounts and kernels.

use domain::kernel::Flavor;
use leptos::prelude::*;

use super::controls::{Field, Place, button, field, part};
use crate::{
    api::variants::{Group, VariantForm},
    pages::kernels::flavor_name,
};

/// Names the kernels of the list Kernels.
pub(super) const KNOWN_KERNELS: &str = "known-own-kernels";

/// A list, row by row, each with a way to take it out, and a way to add one.
fn list(
    form: &VariantForm,
    group: Group,
    (title, what, titled): (&'static str, &'static str, &'static str),
    disabled: bool,
    row: &dyn Fn(&Place<'_>) -> AnyView,
) -> AnyView {
    let word = group.word();
    let rows = form.rows(group);
    let titles: Vec<&str> =
        rows.iter().map(|row| row.text(titled)).filter(|it| !it.is_empty()).collect();
    let about = if titles.is_empty() { "none".to_owned() } else { titles.join(", ") };
    let shown: Vec<_> = rows
        .iter()
        .enumerate()
        .map(|(at, values)| {
            let title = match values.text(titled) {
                "" => format!("New {what}"),
                title => title.to_owned(),
            };
            let place = Place { form, row: values, before: format!("{word}.{at}.") };
            let remove = view! { "Remove "<span class="hidden" data-shown="">{title.clone()}</span> };
            view! {
                <fieldset class="row">
                    <legend data-shown="">{title}</legend>
                    {row(&place)}
                    {button(remove.into_any(), format!("remove.{word}.{at}"), word, "plain", disabled)}
                </fieldset>
            }
        })
        .collect();
    let add = button(format!("Add a {what}").into_any(), format!("add.{word}"), word, "", disabled);
    let open = !rows.is_empty() || form.open == Some(group);
    let content = view! { {shown}<div class="act">{add}</div> };
    part(word, title, about, open, content.into_any())
}

/// Files to write.
pub(super) fn files(form: &VariantForm, disabled: bool) -> AnyView {
    list(form, Group::Files, ("Files", "file", "path"), disabled, &|place| {
        view! {
            <div class="pair path-mode-owner">
                {place.line(&field("path", "Path", "/etc/motd"), None)}
                {place.line(&field("mode", "Mode", "0644"), None)}
                {place.line(&field("owner", "Owner", "root:root"), None)}
            </div>
            {place.area(&field("content", "Content", ""), 3)}
            {place.upload(&field("upload", "Or a file", ""), false)}
        }
        .into_any()
    })
}

/// Accounts to add.
pub(super) fn users(form: &VariantForm, disabled: bool) -> AnyView {
    list(form, Group::Users, ("Users", "user", "name"), disabled, &|place| {
        let password = Field {
            hint: "In the clear: whoever reaches the boot network can read it.",
            ..field("password", "Password", "none")
        };
        view! {
            <div class="pair">
                {place.line(&field("name", "Account", "root"), None)}
                {place.line(&password, None)}
                {place.line(&field("groups", "Groups, space-separated", ""), None)}
                {place.line(&field("shell", "Login shell", "/bin/bash"), None)}
            </div>
            {place.area(&field("ssh_keys", "SSH keys, one per line", ""), 2)}
        }
        .into_any()
    })
}

/// Kernels to swap.
pub(super) fn kernels(form: &VariantForm, disabled: bool) -> AnyView {
    list(form, Group::Kernels, ("Kernels", "kernel", "alias"), disabled, &|place| {
        let alias = Field {
            hint: "One that the release has is swapped; another one, such as vmlinuz-dev or xen-dev, gets a boot entry of its own.",
            ..field("alias", "Alias", "vmlinuz-6.1.y")
        };
        let flavors = Flavor::ALL
            .into_iter()
            .map(|it| (it.word().to_owned(), flavor_name(it).to_owned()))
            .collect();
        let package = Field {
            hint: "name/suite takes it from another suite.",
            ..field("package", "Package", "linux-image-cloud-amd64")
        };
        let kernel = place.line(&field("kernel", "Kernel", ""), Some(KNOWN_KERNELS));
        let image = Field {
            hint: "Alone, it has everything built in that it needs to boot.",
            ..field("image", "A bzImage", "")
        };
        let uploads = view! {
            <div class="pair">
                <div>{place.upload(&field("packages", ".debs of one kernel", ""), true)}</div>
                <div>{place.upload(&image, false)}</div>
            </div>
        };
        view! {
            <div class="pair">
                {place.line(&alias, None)}
                {place.choice(&field("flavor", "Flavor", ""), flavors)}
            </div>
            <div class="choices" role="radiogroup" aria-label="What it is">
                {way(place, "package", "A package of the suite", place.line(&package, None))}
                {way(place, "kernel", "One of the list Kernels", kernel)}
                {way(place, "upload", "Uploaded", uploads.into_any())}
            </div>
        }
        .into_any()
    })
}

/// One of the ways to name a kernel, with its fields below it while it is chosen.
fn way(place: &Place<'_>, word: &'static str, title: &'static str, fields: AnyView) -> AnyView {
    let checked = place.row.text("from") == word;
    view! {
        <div class="option">
            <label class="choice">
                <input type="radio" name=place.name("from") value=word checked=checked/>
                <span>{title}</span>
            </label>
            <div class="of-option">{fields}</div>
        </div>
    }
    .into_any()
}
