//! `/kernels/diff?from=&to=`: what differs between the configurations of any two.

use leptos::prelude::*;

use crate::{
    api::kernels::{KernelDiffPage, Narrowed},
    routes::href,
    ui::{
        config::{Place, differences},
        empty, form, page,
    },
};

/// The page.
#[must_use]
pub fn show(data: KernelDiffPage) -> AnyView {
    let found = match &data.found {
        None => {
            empty::nothing("Name two, and every option that differs between them is shown here.")
        }
        Some(Err(error)) => form::fault(Some(error.clone())),
        Some(Ok(narrowed)) => different(&data, narrowed),
    };
    let KernelDiffPage { from, to, names, .. } = data;
    let swap = (!from.is_empty() && !to.is_empty())
        .then(|| view! { <a href=href::kernel_diff(&to, &from)>"Swap sides"</a> });
    let known: Vec<_> =
        names.into_iter().map(|name| view! { <option value=name></option> }).collect();
    view! {
        {page::heading(
            "Compare configurations".to_owned(),
            vec![("Kernels", "/kernels".to_owned())],
            ().into_any(),
        )}
        <form method="get" action="/kernels/diff" class="search">
            <span class="labelled">
            <label for="from">"From"</label>
            <input id="from" name="from" value=from list="known" required autocomplete="off" spellcheck="false" aria-describedby="sides-about"/>
            </span>
            <span class="labelled">
            <label for="to">"to"</label>
            <input id="to" name="to" value=to list="known" required autocomplete="off" spellcheck="false" aria-describedby="sides-about"/>
            </span>
            <button type="submit">"Compare"</button>
            {swap}
            <datalist id="known">{known}</datalist>
            <p class="about" id="sides-about">"A kernel, whose newest configuration is meant, or one of its builds as name/number."</p>
        </form>
        {found}
    }
    .into_any()
}

fn different(data: &KernelDiffPage, narrowed: &Narrowed) -> AnyView {
    let KernelDiffPage { from, to, narrowing, .. } = data;
    let nothing = narrowed.counts == [0; 3] && narrowing.search.is_empty();
    if nothing {
        return view! { <p class="summary">"Nothing differs: every option of "<code>{from.clone()}</code>" and "<code>{to.clone()}</code>" is the same."</p> }
            .into_any();
    }
    let place = Place {
        path: "/kernels/diff".to_owned(),
        kept: vec![("from", from.clone()), ("to", to.clone())],
        caption: format!("Options of {from} against those of {to}"),
        before: "From",
        after: "To",
    };
    differences(narrowed, &place)
}
