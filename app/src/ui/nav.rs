//! The frame of every page: skip link, navigation, who is signed in, the page itself.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use crate::{
    islands::page::Live,
    routes::Pages,
    viewer::{Looking, Theme},
};

/// Where people go: groups of name and address.
const GROUPS: [(&str, &[(&str, &str)]); 5] = [
    ("", &[("Overview", "/")]),
    (
        "Make",
        &[
            ("Recipes", "/recipes"),
            ("Kernels", "/kernels"),
            ("Releases", "/releases"),
            ("Variants", "/variants"),
            ("Guests", "/guests"),
            ("Jobs", "/jobs"),
        ],
    ),
    ("Prove", &[("Tests", "/tests"), ("Compare", "/compare"), ("Plans", "/plans")]),
    (
        "Deliver",
        &[
            ("Environments", "/environments"),
            ("Machines", "/machines"),
            ("Boots", "/boots"),
            ("Approvals", "/approvals"),
        ],
    ),
    ("Record", &[("Audit", "/audit"), ("Room", "/room"), ("People", "/people")]),
];

/// The frame with the page inside.
#[component]
pub(crate) fn Frame(looking: Looking) -> impl IntoView {
    let signed_in = looking.viewer.is_some();
    let bar = signed_in.then(|| bar(looking));
    // Before anything is read: a change from here on is noticed by the browser.
    let told = use_context::<services::Services>().map_or(0, |services| services.changes_told());
    view! {
        <a class="skip" href="#main">"Skip to the content"</a>
        <div class=if signed_in { "frame" } else { "frame alone" }>
            {bar}
            <main id="main">
                <Live signed_in told/>
                <Pages/>
            </main>
        </div>
    }
}

fn bar(looking: Looking) -> AnyView {
    let here = section_of(&use_location().pathname.get_untracked());
    let groups: Vec<_> = GROUPS
        .iter()
        .map(|(name, links)| {
            let links: Vec<_> = links
                .iter()
                .map(|(label, href)| {
                    let current = (here == *href).then_some("page");
                    view! { <li><a href=*href aria-current=current>{*label}</a></li> }
                })
                .collect();
            let name = (!name.is_empty()).then(|| view! { <h2>{*name}</h2> });
            view! { <div class="group">{name}<ul>{links}</ul></div> }
        })
        .collect();
    view! {
        <header class="bar">
            <a class="brand" href="/" aria-label="Bootwright, to the overview">
                <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
                    <rect width="32" height="32" rx="7"></rect>
                    <path d="M9 8h8.2c3.3 0 5.3 1.6 5.3 4.2 0 1.7-1 3-2.6 3.5 2 .4 3.3 1.9 3.3 3.9 0 2.8-2.2 4.4-5.7 4.4H9zM9 15.8h9"></path>
                </svg>
                <span>"Bootwright"</span>
            </a>
            <nav aria-label="Main">{groups}</nav>
            {who(looking)}
        </header>
    }
    .into_any()
}

/// The navigation's address under which a path is found.
fn section_of(path: &str) -> String {
    let first = path.split('/').nth(1).unwrap_or_default();
    match first {
        "deployments" => "/approvals".to_owned(),
        "runs" => "/tests".to_owned(),
        "suites" => "/plans".to_owned(),
        first => format!("/{first}"),
    }
}

/// Who is signed in, the colours, and the way out.
fn who(looking: Looking) -> AnyView {
    let Looking { viewer, theme } = looking;
    let path = use_location().pathname.get_untracked();
    let (next, label) = match theme {
        Theme::System => (Theme::Dark, "Dark colours"),
        Theme::Dark => (Theme::Light, "Light colours"),
        Theme::Light => (Theme::System, "System colours"),
    };
    let account = viewer.map(|viewer| {
        view! {
            <a class="account" href="/account">
                <strong>{viewer.name}</strong><span>{viewer.role.word()}</span>
            </a>
        }
    });
    view! {
        <div class="who">
            {account}
            <form method="post" action="/session/theme">
                <input type="hidden" name="theme" value=next.word()/>
                <input type="hidden" name="next" value=path/>
                <button type="submit" class="plain">{label}</button>
            </form>
            <form method="post" action="/session/logout">
                <button type="submit" class="plain">"Sign out"</button>
            </form>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_belongs_to_a_link_of_the_navigation() {
        let links: Vec<&str> =
            GROUPS.iter().flat_map(|(_, links)| links.iter().map(|(_, href)| *href)).collect();
        let alone = ["/account", "/api", "/login", "/welcome/:token", "/password/:token"];
        for (path, _) in crate::routes::PAGES {
            assert!(alone.contains(&path) || links.contains(&section_of(path).as_str()), "{path}");
        }
    }
}
