//! What a variant changes of its base, for people.

use domain::{
    kernel::UploadedFile,
    variant::{Definition, File, Playbook},
};
use leptos::prelude::*;

use crate::ui::{change::counted, copy, empty, table};

/// How many things of each kind are different, those that are.
pub(super) fn counts(definition: &Definition) -> Vec<String> {
    let Definition { packages, services, boot, users, files, kernels, .. } = definition;
    let mut said = Vec::new();
    let mut count = |count: usize, one: &str, many: &str| {
        if count > 0 {
            said.push(counted(count, one, many));
        }
    };
    count(packages.add.len(), "package to add", "packages to add");
    count(packages.remove.len(), "package to remove", "packages to remove");
    count(kernels.len(), "kernel", "kernels");
    count(files.len(), "file", "files");
    count(users.len(), "user", "users");
    count(services.enable.len() + services.disable.len(), "service", "services");
    let arguments = [&boot.arguments, &boot.hypervisor_arguments];
    for (there, words) in [
        (definition.hostname.is_some(), "the host name"),
        (arguments.iter().any(|it| !it.is_empty()), "boot arguments"),
        (definition.playbook.is_some(), "a playbook"),
        (definition.script.is_some(), "a script"),
    ] {
        if there {
            said.push(words.to_owned());
        }
    }
    said
}

/// Everything that is different, by kind.
pub(super) fn changes(definition: &Definition) -> AnyView {
    let Definition { packages, services, boot, users, files, kernels, .. } = definition;
    let mut rows = Vec::new();
    let mut words = |title: &'static str, list: &[String]| {
        if !list.is_empty() {
            let items: Vec<_> =
                list.iter().map(|it| view! { <li><code>{it.clone()}</code></li> }).collect();
            rows.push((title, view! { <ul class="words">{items}</ul> }.into_any()));
        }
    };
    words("Adds", &packages.add);
    words("Removes", &packages.remove);
    words("May go along", &packages.accept_removal);
    words("Switches on", &services.enable);
    words("Switches off", &services.disable);
    words("Users", &users.iter().map(|it| it.name.clone()).collect::<Vec<_>>());
    if !kernels.is_empty() {
        let items: Vec<_> = kernels
            .iter()
            .map(|it| view! { <li><code>{it.alias.clone()}</code>" is "{it.origin()}</li> })
            .collect();
        rows.push(("Kernels", view! { <ul class="plain">{items}</ul> }.into_any()));
    }
    if let Some(hostname) = &definition.hostname {
        rows.push(("Host name", table::code(hostname.clone())));
    }
    for (title, value) in
        [("Linux gets", &boot.arguments), ("Hypervisor gets", &boot.hypervisor_arguments)]
    {
        if !value.is_empty() {
            rows.push((title, table::code(value.clone())));
        }
    }
    if !files.is_empty() {
        let items: Vec<_> = files.iter().map(file).collect();
        rows.push(("Files", view! { <div>{items}</div> }.into_any()));
    }
    if let Some(playbook) = &definition.playbook {
        rows.push(("Playbook", played(playbook)));
    }
    if let Some(script) = &definition.script {
        let limit = format!("{} s at the most", script.limit_seconds);
        let about =
            format!("{}, {limit}", counted(script.content.lines().count(), "line", "lines"));
        rows.push(("Script", folded(about.into_any(), &script.content, "the script")));
    }
    if rows.is_empty() {
        return empty::nothing("Nothing yet: it is as its base is.");
    }
    table::properties(rows)
}

fn file(file: &File) -> AnyView {
    let File { path, mode, owner, content, upload } = file;
    let about = view! { <code>{path.clone()}</code>" "<span class="quiet">{format!("{mode} {owner}")}</span> };
    match (content, upload) {
        (_, Some(UploadedFile { name, sha256 })) => view! {
            <p>{about}" "<span class="quiet">"upload "</span><code>{name.clone()}</code>" "{copy::digest(sha256, "the file's digest")}</p>
        }
        .into_any(),
        (Some(content), None) if !content.is_empty() => {
            folded(about.into_any(), content, "what the file holds")
        }
        (_, None) => view! { <p>{about}" "<span class="quiet">"empty"</span></p> }.into_any(),
    }
}

fn played(playbook: &Playbook) -> AnyView {
    let file = playbook.file.clone().unwrap_or_else(|| "site.yml".to_owned());
    match (&playbook.archive, &playbook.content) {
        (Some(archive), _) => view! { <code>{file}</code>" of "<code>{archive.name.clone()}</code>" "{copy::digest(&archive.sha256, "the archive's digest")} }.into_any(),
        (None, Some(content)) => {
            let about = counted(content.lines().count(), "line", "lines");
            folded(about.into_any(), content, "the playbook")
        }
        (None, None) => ().into_any(),
    }
}

/// A text that is read where somebody wants to.
fn folded(about: AnyView, text: &str, what: &'static str) -> AnyView {
    view! { <details class="folded"><summary>{about}</summary>{copy::block(text, what)}</details> }
        .into_any()
}
