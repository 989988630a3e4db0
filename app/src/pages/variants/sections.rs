//! The sections of the compose form that are no lists.

use domain::variant::{LIFETIME_DAYS, LONGEST_LIFETIME_DAYS, SCRIPT_LIMIT};
use leptos::prelude::*;

use super::{
    controls::{Field, Place, button, field, part},
    hits,
};
use crate::{
    api::variants::{ARCHIVE, Bases, Look, VariantForm},
    ui::change::counted,
};

/// What it is called, for what, and for how long.
pub(super) fn about(form: &VariantForm, new: bool) -> AnyView {
    let place = Place::single(form);
    let purpose = field("description", "What is it for?", "The board hangs without the new driver");
    let purpose = place.line(&purpose, None);
    let days = Field {
        hint: "Counted from now; it can be given more later.",
        ..field("days", "Days to live", "14")
    };
    let days = place.line(&days, None);
    let content = if new {
        let name = Field {
            hint: "a-z, 0-9, '.' and '-': part of the address that machines boot it from.",
            ..field("name", "Name", "probe-7")
        };
        view! { <div class="pair about-pair">{place.line(&name, None)}{days}</div>{purpose} }
            .into_any()
    } else {
        view! { <div class="pair about-pair">{purpose}{days}</div> }.into_any()
    };
    let summary = if new {
        format!(
            "{LIFETIME_DAYS} days unless you say otherwise, {LONGEST_LIFETIME_DAYS} at the most"
        )
    } else {
        String::new()
    };
    part("about", "Variant", summary, true, content)
}

/// The release that it stands on.
pub(super) fn base(form: &VariantForm, bases: &Bases) -> AnyView {
    let production = match &bases.production {
        Some(name) => format!("what production runs: {name}"),
        None => "what production runs: nothing yet".to_owned(),
    };
    let named = bases.names.iter().map(|name| (name.clone(), name.clone()));
    let words = std::iter::once((String::new(), production)).chain(named).collect();
    let control = Place::single(form).choice(
        &Field {
            hint: "Each build takes the release as it is then; production itself is never touched.",
            ..field("base", "Release", "")
        },
        words,
    );
    let base = form.single.text("base");
    let about = if base.is_empty() {
        bases.production.clone().unwrap_or_else(|| "production runs nothing yet".to_owned())
    } else {
        base.to_owned()
    };
    part("base", "Base release", about, true, control)
}

/// Packages to add and remove, and the search over the archive.
pub(super) fn packages(form: &VariantForm, look: &Look, disabled: bool) -> AnyView {
    let place = Place::single(form);
    let count = |name: &str| form.single.raw(name).split_whitespace().count();
    let about = format!("{} to add, {} to remove", count("packages.add"), count("packages.remove"));
    let search = view! {
        <div class="search-archive" data-task="search">
            {place.line(&field("search.words", "Search the archive", "name or description"), None)}
            {place.line(&field("search.suites", "In suites besides", "bookworm-backports"), None)}
            {button("Search".into_any(), "search".to_owned(), "packages", "", disabled)}
        </div>
        <div data-shown="" aria-live="polite">{hits::found(form, look, disabled)}</div>
    };
    let add = Field {
        hint: "Names, one per line; name/suite takes one from another suite.",
        ..field("packages.add", "Packages to add", "htop\ntmux/bookworm-backports")
    };
    let remove = Field {
        hint: "Their configuration goes too.",
        ..field("packages.remove", "Packages to remove", "nano")
    };
    let content = view! {
        {search}
        <div class="pair">{place.area(&add, 4)}{place.area(&remove, 4)}</div>
    };
    part("packages", "Packages", about, true, content.into_any())
}

/// Host name and units.
pub(super) fn system(form: &VariantForm) -> AnyView {
    let place = Place::single(form);
    let count = |name: &str| form.single.raw(name).split_whitespace().count();
    let (on, off) = (count("services.enable"), count("services.disable"));
    let hostname = form.single.text("hostname");
    let mut said = Vec::new();
    if !hostname.is_empty() {
        said.push(hostname.to_owned());
    }
    if on + off > 0 {
        said.push(format!("{on} on, {off} off"));
    }
    let open = !said.is_empty();
    let about = if open { said.join("; ") } else { "as the release".to_owned() };
    let content = view! {
        {place.line(&field("hostname", "Host name", "as the release"), None)}
        <div class="pair">
            {place.area(&field("services.enable", "Units to switch on, one per line", "ssh.service"), 2)}
            {place.area(&field("services.disable", "Units to switch off, one per line", "cron.service"), 2)}
        </div>
    };
    part("system", "Host name and services", about, open, content.into_any())
}

/// What the kernels are told besides.
pub(super) fn boot(form: &VariantForm) -> AnyView {
    let place = Place::single(form);
    let said = ["boot.arguments", "boot.hypervisor_arguments"].map(|name| form.single.text(name));
    let open = said.iter().any(|it| !it.is_empty());
    let about = if open { said.join(" ").trim().to_owned() } else { "as the release".to_owned() };
    let content = view! {
        {place.line(&field("boot.arguments", "Added to the arguments of Linux", "debug loglevel=7"), None)}
        {place.line(&field("boot.hypervisor_arguments", "Added to the arguments of the hypervisor", "loglvl=all"), None)}
    };
    part("boot", "Boot arguments", about, open, content.into_any())
}

/// An Ansible playbook.
pub(super) fn playbook(form: &VariantForm) -> AnyView {
    let place = Place::single(form);
    let archive = form.single.uploaded(ARCHIVE).first().map(|it| it.name.clone());
    let content = form.single.text("playbook.content");
    let about = match &archive {
        Some(name) => name.clone(),
        None if content.is_empty() => "none".to_owned(),
        None => counted(content.lines().count(), "line", "lines"),
    };
    let open = archive.is_some() || !content.is_empty();
    let whole = form.fault("playbook");
    let fields = view! {
        <p class="about">"Ansible plays it on the variant's tree, in the sandbox, after packages and files."</p>
        <p class="wrong" data-shown="">{whole}</p>
        {place.area(&field("playbook.content", "Playbook", "- hosts: all\n  tasks: []"), 5)}
        <div class="pair">
            {place.upload(
                &Field {
                    hint: "Instead of a text: a tar archive with a playbook and its roles.",
                    ..field(ARCHIVE, "Or an archive", "")
                },
                false,
            )}
            {place.line(&field("playbook.file", "File to play in the archive", "site.yml"), None)}
        </div>
    };
    part("playbook", "Playbook", about, open, fields.into_any())
}

/// What is left.
pub(super) fn script(form: &VariantForm) -> AnyView {
    let place = Place::single(form);
    let content = form.single.text("script.content");
    let open = !content.is_empty();
    let about =
        if open { counted(content.lines().count(), "line", "lines") } else { "none".to_owned() };
    let limit = Field {
        hint: "In seconds; a script that takes longer is stopped, and the build fails.",
        ..field("script.limit_seconds", "Time limit", "600")
    };
    let fields = view! {
        <p class="about">"For what is left: /bin/sh runs it in the variant's tree, last, and ends at the first command that fails."</p>
        {place.area(&field("script.content", "Script", "update-alternatives --set editor /usr/bin/vim.basic"), 5)}
        {place.line(&limit, None)}
    };
    let limited = form.single.text("script.limit_seconds");
    let unusual = !limited.is_empty() && limited != SCRIPT_LIMIT.to_string();
    part("script", "Script", about, open || unusual, fields.into_any())
}
