//! What stands above every tab of a release.

use domain::release::Stage;
use leptos::prelude::*;

use crate::{
    api::{
        releases::{ReleaseHead, ReleaseRow, WithdrawRelease},
        room::{PinRelease, UnpinRelease},
    },
    routes::href,
    ui::{
        badge::{Status, badge, live_in},
        form, page,
        time::time,
    },
};

/// Heading, state and tabs; `here` names the tab that is shown.
pub(super) fn head(head: &ReleaseHead, here: &'static str) -> AnyView {
    let row = &head.row;
    let name = row.release.name();
    let health = row.release.stage.bootable().then(|| badge(Status::Health(row.health)));
    let imported = row.release.is_imported().then(|| badge(Status::Imported));
    let variant = (here == "overview" && row.release.stage.bootable()).then(|| {
        let go = form::go("Make a variant of it", href::variant_of(&name), "", &head.variant);
        view! { <div class="page-acts">{go}</div> }
    });
    let badges = view! { {badge(Status::Stage(row.release.stage))}{imported}{health}{live_in(&row.serving)}{variant} };
    let tab = |label, part: &'static str| {
        let href =
            if part == "overview" { href::release(&name) } else { href::release_tab(&name, part) };
        (label, href, here == part)
    };
    let identical = row.release.identical_to.as_ref().map(|other| {
        let other = other.to_string();
        view! {
            <p class="summary">
                "This build came to the very bytes of "<a href=href::release(&other)>{other.clone()}</a>
                ", so it is not a release of its own."
            </p>
        }
    });
    let pinned = head.pinned.as_ref().map(|pin| {
        view! { <p class="summary">"Pinned by "{pin.by.clone()}" "{time(pin.at)}": "{pin.reason.clone()}</p> }
    });
    let removed = head.files_removed_at.map(|at| {
        view! { <p class="summary">"It was withdrawn, and its files were removed "{time(at)}". What was recorded about it stays."</p> }
    });
    view! {
        {page::heading(name.clone(), vec![("Releases", "/releases".to_owned())], badges.into_any())}
        {page::tabs(
            "Parts of this release",
            vec![
                tab("Overview", "overview"),
                tab("Contents", "contents"),
                tab("Tests", "tests"),
                tab("Deployments", "deployments"),
                tab("Notes", "notes"),
                tab("Files", "files"),
            ],
        )}
        {imported_note(row)}
        {identical}
        {pinned}
        {removed}
    }
    .into_any()
}

/// What is different about a release that was not built here.
fn imported_note(row: &ReleaseRow) -> Option<AnyView> {
    row.release.imported_at.map(|at| {
        view! {
            <p class="summary">
                "It was imported "{time(at)}": it has no lock, so it cannot be built again. It boots, and is validated, deployed and rolled back like any other."
            </p>
        }
        .into_any()
    })
}

/// Saying that it must stay, or need not any more.
pub(super) fn pinning(head: &ReleaseHead) -> AnyView {
    let hidden = vec![("version", head.row.release.name())];
    if head.pinned.is_some() {
        let off = form::submit("Take the pin off", "", &head.pin);
        return form::acting::<UnpinRelease>("", hidden, off);
    }
    if head.row.release.stage != Stage::Candidate {
        return ().into_any();
    }
    // Where it was refused, the reason must be seen.
    let open = form::failed::<PinRelease>().is_some();
    view! {
        <details class="danger" id="pin" open=open>
            <summary>"Pin this release"</summary>
            <p>"What is pinned stays, with its logs, until somebody takes the pin off."</p>
            {form::acting::<PinRelease>("", hidden, view! {
                {form::field("pin-reason", "Reason", None, None, form::sentences("pin-reason", "reason", true))}
                {form::submit("Pin", "", &head.pin)}
            }.into_any())}
        </details>
    }
    .into_any()
}

/// Taking a candidate back.
pub(super) fn withdrawing(head: &ReleaseHead) -> AnyView {
    if !head.row.release.stage.bootable() {
        return ().into_any();
    }
    // Where it was refused, the reason must be seen.
    let open = form::failed::<WithdrawRelease>().is_some();
    view! {
        <details class="danger" open=open>
            <summary>"Withdraw this release"</summary>
            <p>"No machine can boot a withdrawn release any more, and its name is not given again."</p>
            {form::acting::<WithdrawRelease>("", vec![("version", head.row.release.name())], view! {
                {form::field("withdraw-reason", "Reason", None, None, form::sentences("withdraw-reason", "reason", true))}
                {form::submit("Withdraw", "bad", &head.withdraw)}
            }.into_any())}
        </details>
    }
    .into_any()
}

/// What a tab shows that needs a complete build.
pub(super) fn incomplete() -> AnyView {
    crate::ui::empty::empty(
        "Not there yet",
        "This release's build is not complete. The overview tells how it goes.",
        None,
    )
}
