//! What stands above every tab of a release.

use leptos::prelude::*;

use crate::{
    api::releases::{ReleaseHead, WithdrawRelease},
    routes::href,
    ui::{
        badge::{Status, badge, live_in},
        form, page,
    },
};

/// Heading, state and tabs; `here` names the tab that is shown.
pub(super) fn head(head: &ReleaseHead, here: &'static str) -> AnyView {
    let row = &head.row;
    let name = row.release.name();
    let health = row.release.stage.bootable().then(|| badge(Status::Health(row.health)));
    let badges = view! { {badge(Status::Stage(row.release.stage))}{health}{live_in(&row.serving)} };
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
        {identical}
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
