//! Differences of kernels' configurations: counts that narrow them, a search, and the options by
//! menu.

use domain::kernel::ConfigDifference;
use leptos::prelude::*;

use super::{change::kind, empty};
use crate::{
    api::kernels::{Differs, Narrowed, Narrowing},
    routes::href::encode,
};

/// Where differences stand, and what their sides are called.
#[derive(Debug, Clone)]
pub struct Place {
    /// The page's path.
    pub path: String,
    /// Parameters of its address that stay when somebody narrows what is shown.
    pub kept: Vec<(&'static str, String)>,
    /// What the table is called.
    pub caption: String,
    /// What the former values are.
    pub before: &'static str,
    /// What the later values are.
    pub after: &'static str,
}

/// The differences with everything that narrows them.
#[must_use]
pub fn differences(narrowed: &Narrowed, place: &Place) -> AnyView {
    let list = if narrowed.fitting == 0 {
        empty::nothing("No option differs like that.")
    } else {
        table(narrowed, place)
    };
    let shown: usize = narrowed.menus.iter().map(|(_, shown)| shown.len()).sum();
    let more = (shown < narrowed.fitting).then(|| {
        view! {
            <p class="summary">
                {format!("The first {shown} of {} are shown: narrow the search to see others.", narrowed.fitting)}
            </p>
        }
    });
    view! { {search(&narrowed.narrowing, place)}{counts(narrowed, place)}{more}{list} }.into_any()
}

/// The form that searches among differences.
fn search(narrowing: &Narrowing, place: &Place) -> AnyView {
    let kept: Vec<_> = place
        .kept
        .iter()
        .map(|(name, value)| view! { <input type="hidden" name=*name value=value.clone()/> })
        .collect();
    let differs =
        narrowing.differs.map(|it| view! { <input type="hidden" name="differs" value=it.word()/> });
    view! {
        <form method="get" action=place.path.clone() class="search" role="search">
            {kept}{differs}
            <label for="q">"Option or menu contains"</label>
            <input id="q" name="q" type="search" value=narrowing.search.clone()/>
            <button type="submit">"Search"</button>
        </form>
    }
    .into_any()
}

/// How many there are of each kind; each leads to those alone.
fn counts(narrowed: &Narrowed, place: &Place) -> AnyView {
    let Narrowing { search, differs } = &narrowed.narrowing;
    let link = |words: &str, count: usize, only: Option<Differs>| {
        let mut parameters = place.kept.clone();
        if !search.is_empty() {
            parameters.push(("q", search.clone()));
        }
        parameters.extend(only.map(|it| ("differs", it.word().to_owned())));
        let parameters: Vec<String> =
            parameters.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let href = format!("{}?{}", place.path, parameters.join("&"));
        let current = (*differs == only).then_some("page");
        let text = format!("{count} {words}");
        view! { <li><a href=href aria-current=current>{text}</a></li> }
    };
    let all = link("in all", narrowed.counts.iter().sum(), None);
    let kinds: Vec<_> = Differs::ALL
        .into_iter()
        .zip(narrowed.counts)
        .map(|(differs, count)| link(differs.word(), count, Some(differs)))
        .collect();
    view! { <nav class="counts" aria-label="Which differences"><ul>{all}{kinds}</ul></nav> }
        .into_any()
}

fn table(narrowed: &Narrowed, place: &Place) -> AnyView {
    let menus: Vec<_> = narrowed.menus.iter().map(|(menu, shown)| group(menu, shown)).collect();
    view! {
        <div class="scroll" role="region" aria-label=place.caption.clone() tabindex="0">
            <table class="options">
                <caption class="hidden">{place.caption.clone()}</caption>
                <thead>
                    <tr>
                        <th scope="col">"Option"</th>
                        <th scope="col">"How"</th>
                        <th scope="col">{place.before}</th>
                        <th scope="col">{place.after}</th>
                    </tr>
                </thead>
                {menus}
            </table>
        </div>
    }
    .into_any()
}

fn group(menu: &str, shown: &[ConfigDifference]) -> AnyView {
    let title = if menu.is_empty() { "In no menu".to_owned() } else { menu.to_owned() };
    let rows: Vec<_> = shown
        .iter()
        .map(|it| {
            view! {
                <tr>
                    <td><code>{it.name.clone()}</code></td>
                    <td>{kind(Differs::of(it).word())}</td>
                    <td>{value(it.before.as_ref())}</td>
                    <td>{value(it.after.as_ref())}</td>
                </tr>
            }
        })
        .collect();
    view! {
        <tbody>
            <tr class="menu"><th scope="rowgroup" colspan="4">{title}</th></tr>
            {rows}
        </tbody>
    }
    .into_any()
}

/// What an option is set to.
#[must_use]
pub fn value(value: Option<&String>) -> AnyView {
    match value {
        Some(value) => view! { <code>{value.clone()}</code> }.into_any(),
        None => view! { <span class="nothing">"not set"</span> }.into_any(),
    }
}
