//! What changes from one release to another: what an approver has to look at.

use domain::{
    change::{
        EntryChange, EntryChangeKind, FieldChange, PackageChange, PackageChangeKind, ReleaseChange,
    },
    lock::Part,
    time::human_size,
};
use leptos::prelude::*;

use super::{diff::diff, table};
use crate::api::releases::ChangeAgainst;

/// What changed, group by group, in front of everything a line that counts it.
#[must_use]
pub fn changes(against: &ChangeAgainst) -> AnyView {
    let ChangeAgainst { base, change, recipe } = against;
    let Some(base) = base else {
        return view! {
            <p class="summary">"Production serves nothing yet, so there is nothing to compare with. Everything in this release is new."</p>
        }
        .into_any();
    };
    if change.is_empty() && recipe.is_empty() {
        return view! { <p class="summary">"Nothing: it is made of the same bytes as "<strong>{base.clone()}</strong>"."</p> }
            .into_any();
    }
    let diff_caption = format!("Recipe text of {base} against this one's");
    view! {
        <p class="summary">
            "Against "<strong>{base.clone()}</strong>": "{change.summary()}"."
        </p>
        {kernels(change)}
        {packages(&change.packages)}
        {entries(change)}
        {components(change)}
        {(!recipe.is_empty()).then(|| view! { <details class="group"><summary>"Recipe"</summary>{diff(recipe, diff_caption)}</details> })}
    }
    .into_any()
}

fn group(title: String, content: AnyView) -> AnyView {
    view! { <details class="group" open=true><summary>{title}</summary>{content}</details> }
        .into_any()
}

/// `1 package`, `2 packages`.
#[must_use]
pub fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn kernels(change: &ReleaseChange) -> AnyView {
    if change.kernels.is_empty() {
        return ().into_any();
    }
    let rows = change
        .kernels
        .iter()
        .map(|kernel| {
            table::row(vec![table::code(kernel.alias.clone()), from_to(&kernel.from, &kernel.to)])
        })
        .collect();
    let title = counted(change.kernels.len(), "kernel", "kernels");
    group(title, table::table("Kernels that changed", &["Alias", "Kernel"], rows))
}

fn packages(packages: &[PackageChange]) -> AnyView {
    if packages.is_empty() {
        return ().into_any();
    }
    let mut rows = Vec::new();
    for kind in PackageChangeKind::ALL {
        rows.extend(packages.iter().filter(|package| package.kind == kind).map(package));
    }
    let title = counted(packages.len(), "package", "packages");
    let table = table::table("Packages that changed", &["Change", "Package", "Version"], rows);
    // A first release against nothing would fill the page with what is on the contents tab.
    let short = packages.len() <= 60;
    view! { <details class="group" open=short><summary>{title}</summary>{table}</details> }
        .into_any()
}

fn package(package: &PackageChange) -> AnyView {
    let part = match package.part {
        Part::Rootfs => "",
        Part::Kernel => " (kernel)",
        Part::Initrd => " (initrd)",
    };
    let name = view! { <code>{package.name.clone()}</code>{part} }.into_any();
    table::row(vec![kind(package.kind.word()), name, from_to(&package.from, &package.to)])
}

/// How something changed, in a word.
pub(super) fn kind(word: &'static str) -> AnyView {
    view! { <span class=format!("kind {word}")>{word}</span> }.into_any()
}

/// A former value struck out, an arrow, the new one.
pub(super) fn from_to(from: &Option<String>, to: &Option<String>) -> AnyView {
    match (from.clone(), to.clone()) {
        (Some(from), Some(to)) => view! {
            <span class="from-to"><del>{from}</del><span aria-hidden="true">" → "</span><ins>{to}</ins></span>
        }
        .into_any(),
        (None, Some(to)) => view! { <span class="from-to"><ins>{to}</ins></span> }.into_any(),
        (Some(from), None) => view! { <span class="from-to"><del>{from}</del></span> }.into_any(),
        (None, None) => "–".into_any(),
    }
}

fn entries(change: &ReleaseChange) -> AnyView {
    if change.entries.is_empty() && change.menu.is_empty() {
        return ().into_any();
    }
    let mut rows: Vec<_> = change.entries.iter().map(entry).collect();
    if !change.menu.is_empty() {
        let name = "the menu itself".into_any();
        rows.push(table::row(vec![kind("changed"), name, fields(&change.menu)]));
    }
    let title = counted(rows.len(), "menu change", "menu changes");
    group(title, table::table("Boot entries that changed", &["Change", "Entry", "What"], rows))
}

fn entry(entry: &EntryChange) -> AnyView {
    let word = match entry.kind {
        EntryChangeKind::Added => "added",
        EntryChangeKind::Removed => "removed",
        EntryChangeKind::Changed => "changed",
    };
    table::row(vec![kind(word), table::code(entry.label.clone()), fields(&entry.fields)])
}

fn fields(fields: &[FieldChange]) -> AnyView {
    let rows: Vec<_> = fields
        .iter()
        .map(|field| view! { <li><span class="field-name">{field.field.clone()}</span>" "{from_to(&field.from, &field.to)}</li> })
        .collect();
    view! { <ul class="fields">{rows}</ul> }.into_any()
}

fn components(change: &ReleaseChange) -> AnyView {
    if change.components.is_empty() {
        return ().into_any();
    }
    let rows = change
        .components
        .iter()
        .map(|component| {
            let word = match (&component.from, &component.to) {
                (None, _) => "added",
                (Some(_), None) => "removed",
                (Some(_), Some(_)) => "changed",
            };
            let size =
                |bytes: Option<domain::change::Bytes>| bytes.map(|bytes| human_size(bytes.size));
            table::row(vec![
                kind(word),
                table::code(component.name.clone()),
                from_to(&size(component.from), &size(component.to)),
            ])
        })
        .collect();
    let title = counted(change.components.len(), "file", "files");
    group(title, table::table("Files that changed", &["Change", "File", "Size"], rows))
}
