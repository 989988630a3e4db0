//! What would be removed along with what is asked for, and the word of agreement that it needs: a box
//! for each package, or one for all where there are many.

use domain::variant::PackageChange;
use leptos::prelude::*;
use services::variants::Preview;

use crate::{api::variants::VariantForm, error::sentence, ui::change::counted};

/// From how many packages on one box stands for all: nobody reads more boxes than that.
const MANY: usize = 12;

/// The boxes, those that somebody ticked before too.
pub(super) fn agreement(form: &VariantForm, preview: Option<&Preview>) -> AnyView {
    let open: &[String] = preview.map_or(&[], |it| &it.unconfirmed);
    let essential = preview.and_then(|it| it.lock.as_ref()).map(|lock| {
        let essential = lock.removed().filter(|it| it.essential && open.contains(&it.name));
        essential.map(|it: &PackageChange| it.name.clone()).collect::<Vec<_>>()
    });
    let asks = (!open.is_empty()).then(|| {
        let words = counted(open.len(), "package more would go", "packages more would go");
        view! {
            <p class="asks"><strong>{format!("{words}.")}</strong>" They need something that you remove or replace. Tick what may go; until then a build ends there."</p>
        }
    });
    let warning = essential.filter(|it| !it.is_empty()).map(|names| {
        view! { <p class="wrong">{format!("Without {} the system does not work at all.", names.join(", "))}</p> }
    });
    let fault = form.fault("packages.accept_removal").map(|it| view! { <p class="wrong">{it}</p> });
    let accepted: Vec<&String> = form.accepted.iter().filter(|it| !open.contains(it)).collect();
    if asks.is_none() && accepted.is_empty() && fault.is_none() {
        return ().into_any();
    }
    let class = if open.is_empty() { "agreement" } else { "agreement open" };
    view! {
        <fieldset class=class id="packages.accept_removal">
            <legend>"May go along"</legend>
            {fault}
            {asks}
            {warning}
            {boxes(&open.iter().collect::<Vec<_>>(), false)}
            {boxes(&accepted, true)}
        </fieldset>
    }
    .into_any()
}

fn boxes(names: &[&String], ticked: bool) -> AnyView {
    if names.len() <= MANY {
        let each: Vec<_> = names
            .iter()
            .map(|name| {
                let id = format!("accept-{name}");
                view! {
                    <label class="choice">
                        <input type="checkbox" id=id name="accept" value=(*name).clone() checked=ticked/>
                        <code>{(*name).clone()}</code>
                    </label>
                }
            })
            .collect();
        return each.into_any();
    }
    let list: Vec<&str> = names.iter().map(|it| it.as_str()).collect();
    let id = if ticked { "accepted-all" } else { "accept-all" };
    let words = format!("all {} of them: {}", names.len(), list.join(", "));
    view! {
        <label class="choice all">
            <input type="checkbox" id=id name="accept" value=list.join(" ") checked=ticked/>
            <span>{sentence(&words)}</span>
        </label>
    }
    .into_any()
}
