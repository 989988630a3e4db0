//! Where a kernel comes from, as the form offers it: each kind with its own fields, of which the
//! style sheet shows those of the chosen kind.

use leptos::prelude::*;

use crate::{
    api::kernels::{BaseKind, KernelDraft, Slot, SourceKind},
    ui::form::option,
};

/// The kinds of sources with their fields.
pub(super) fn source(draft: &KernelDraft) -> AnyView {
    let options: Vec<_> = SourceKind::ALL
        .into_iter()
        .map(|kind| {
            let (about, fields) = of_kind(draft, kind);
            option("kind", kind.word(), kind.title(), about, draft.kind == kind, fields)
        })
        .collect();
    view! {
        <fieldset class="choices">
            <legend>"Source"</legend>
            {options}
        </fieldset>
    }
    .into_any()
}

/// What a kind is good for, and its fields.
fn of_kind(draft: &KernelDraft, kind: SourceKind) -> (&'static str, AnyView) {
    // Kinds share names of faults; they are those of the chosen one.
    let fault = |field: &str| draft.fault(field).filter(|_| draft.kind == kind);
    match kind {
        SourceKind::DebianSource => (
            "A tree that Debian packages below /usr/src; it is compiled here.",
            debian(draft, ["source.suite", "source.package", "source.version"], "linux-source-6.1", &fault),
        ),
        SourceKind::DebianBinary => (
            "A kernel that Debian has compiled; it is taken as it is.",
            debian(draft, ["binary.suite", "binary.package", "binary.version"], "linux-image-amd64", &fault),
        ),
        SourceKind::Git => (
            "A tag or commit; it is compiled here.",
            view! {
                {line(draft, "git.url", "Repository", "https://git.example/linux.git", "https://…, ssh://user@host/path, or a path below the folder that an administrator opened.", fault("source.url"))}
                {line(draft, "git.reference", "Tag or commit", "v6.1.170", "A tag must not move: it is held to the commit that it stood for first.", fault("source.reference").or_else(|| fault("source.commit")))}
                {line(draft, "git.key", "Key, for ssh only", "", "Name of a key that an administrator has put there.", fault("source.key"))}
            }
            .into_any(),
        ),
        SourceKind::Archive => (
            "A tree to fetch; it is compiled here.",
            view! {
                {line(draft, "archive.url", "URL", "https://kernels.example/linux-6.1.170.tar.xz", "http or https.", fault("source.url"))}
                {line(draft, "archive.sha256", "SHA-256", "", "64 hexadecimal digits; what is fetched must have it.", fault("source.sha256"))}
            }
            .into_any(),
        ),
        SourceKind::UploadedArchive => (
            "A tree from your machine; it is compiled here.",
            view! {
                {kept(draft, Slot::Archive)}
                {upload(draft, Slot::Archive, "Archive", "A tar archive of the tree.")}
            }
            .into_any(),
        ),
        SourceKind::UploadedPackages => (
            "A kernel that was compiled elsewhere; it is taken as it is.",
            view! {
                {kept(draft, Slot::Packages)}
                {upload(draft, Slot::Packages, "Packages", "The .debs of one kernel.")}
                {kept(draft, Slot::Image)}
                {upload(draft, Slot::Image, "Image", "The vmlinuz that was built with them, where it is at hand.")}
            }
            .into_any(),
        ),
    }
}

/// Suite, package and version of Debian.
fn debian(
    draft: &KernelDraft,
    [suite, package, version]: [&'static str; 3],
    example: &'static str,
    fault: &dyn Fn(&str) -> Option<String>,
) -> AnyView {
    view! {
        <div class="pair">
            {line(draft, suite, "Suite", "bookworm", "", fault("source.suite"))}
            {line(draft, package, "Package", example, "", fault("source.package"))}
            {line(draft, version, "Version", "the newest", "", fault("source.version"))}
        </div>
    }
    .into_any()
}

/// A line of text to type.
pub(super) fn line(
    draft: &KernelDraft,
    name: &'static str,
    label: &'static str,
    example: &'static str,
    hint: &'static str,
    fault: Option<String>,
) -> AnyView {
    let id = name.replace('.', "-");
    let about = format!("{id}-about");
    let invalid = fault.as_ref().map(|_| "true");
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <input id=id name=name value=draft.text(name).to_owned() placeholder=example autocomplete="off"
                spellcheck="false" aria-invalid=invalid aria-describedby=about.clone()/>
            <p class="about" id=about>
                {fault.map(|fault| view! { <span class="wrong" role="alert">{fault}" "</span> })}
                {hint}
            </p>
        </div>
    }
    .into_any()
}

/// What was uploaded before, each to keep or not.
pub(super) fn kept(draft: &KernelDraft, slot: Slot) -> AnyView {
    let name = format!("kept.{}", slot.word());
    let rows: Vec<_> = draft
        .uploaded(slot)
        .iter()
        .map(|file| {
            let value = format!("{} {}", file.sha256, file.name);
            view! {
                <label class="choice">
                    <input type="checkbox" name=name.clone() value=value checked/>
                    <span><code>{file.name.clone()}</code>" "<span class="quiet">{format!("uploaded, SHA-256 {}", file.sha256.short())}</span></span>
                </label>
            }
        })
        .collect();
    rows.into_any()
}

/// Files to choose.
pub(super) fn upload(
    draft: &KernelDraft,
    slot: Slot,
    label: &'static str,
    hint: &'static str,
) -> AnyView {
    let id = format!("upload-{}", slot.word());
    let about = format!("{id}-about");
    // The base of a configuration has its fault where it can be a file only.
    let base =
        draft.fault(slot.field()).filter(|_| slot != Slot::Config || draft.base == BaseKind::File);
    let fault = base.or_else(|| draft.fault(slot.word()));
    let replaces = (!slot.several() && !draft.uploaded(slot).is_empty())
        .then_some(" Another one replaces it.");
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <input id=id r#type="file" name=slot.word() multiple=slot.several() aria-describedby=about.clone()/>
            <p class="about" id=about>
                {fault.map(|fault| view! { <span class="wrong" role="alert">{fault}" "</span> })}
                {hint}{replaces}
            </p>
        </div>
    }
    .into_any()
}
