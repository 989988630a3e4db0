//! The editor of a recipe: its text beside a form of the same recipe. Faults stand above both and at
//! their lines.
//!
//! It is an ordinary form with an ordinary answer: the editor again where the text has faults, with
//! what was typed. Line numbers are drawn beside the text on the server and renewed in the browser.

use leptos::prelude::*;

use super::{fields, head, may_edit};
use crate::{
    api::recipes::{RecipeDraft, RecipePage},
    routes::href,
    ui::{copy, form, page, raw, table, time::time},
};

/// The page: of a new recipe where there is no revision yet.
#[must_use]
pub fn show(data: RecipePage) -> AnyView {
    let RecipePage { draft, newest, kernels } = data;
    let RecipeDraft { name, base, text, form: beside, message, problems, error } = draft;
    let may = may_edit();
    let save = if newest.is_some() { "Save revision" } else { "Save recipe" };
    let above = match &newest {
        None => page::heading(
            "New recipe".to_owned(),
            vec![("Recipes", "/recipes".to_owned())],
            ().into_any(),
        ),
        Some(_) => head(&name, ""),
    };
    let about = newest.as_ref().map(|newest| {
        let saved = view! { {format!("r{}, ", newest.number)}{time(newest.saved_at)}" by "{newest.author.clone()}": "{newest.message.clone()} };
        table::properties(vec![
            ("Newest revision", saved.into_any()),
            ("Digest", copy::digest(&newest.digest, "the revision's digest")),
        ])
    });
    let of_field = |field: &str| error.as_ref().and_then(|error| error.of_field(field));
    let placed = ["name", "message"].into_iter().any(|field| of_field(field).is_some());
    let general = error.clone().filter(|_| !placed);
    let target = if newest.is_some() { href::recipe(&name) } else { "/recipes/new".to_owned() };
    let name_field = newest.is_none().then(|| {
        let hint = "a-z, 0-9 and '-'; it stays the same over all revisions".to_owned();
        form::field(
            "name",
            "Name",
            Some(hint),
            of_field("name"),
            form::line("name", "name", name.clone()),
        )
    });
    let lines: Vec<u32> = problems.iter().map(|problem| problem.line).collect();
    let faults = (!problems.is_empty()).then(|| {
        let count = problems.len();
        let words = if count == 1 { "1 fault; nothing was saved".to_owned() } else { format!("{count} faults; nothing was saved") };
        let rows: Vec<_> = problems
            .iter()
            .map(|problem| {
                let place = if problem.line == 0 {
                    "The text as a whole".into_any()
                } else {
                    view! { <a href=format!("#line-{}", problem.line)>{format!("Line {}", problem.line)}</a> }.into_any()
                };
                view! { <li>{place}": "{problem.message.clone()}</li> }
            })
            .collect();
        view! { <div class="alert" role="alert"><strong>{words}</strong><ul>{rows}</ul></div> }
    });
    view! {
        {above}
        {about}
        <form method="post" action=target class="editor" autocomplete="off" data-step=may.is_ok().then_some("/recipe-form")>
            // Return presses the first button of a form, which must not be one that takes a row out.
            <button type="submit" class="hidden" tabindex="-1" aria-hidden="true" disabled=may.is_err()>{save}</button>
            {form::fault(general)}
            {faults}
            {name_field}
            <input type="hidden" name="base" value=base.map(|base| base.to_string())/>
            {fields::known_own_kernels(kernels)}
            <div class="sides">
                {fields::show(&beside, &may)}
                <div class="side">
                    <label for="text">"Text"</label>
                    {paper(&text, &lines, true)}
                </div>
            </div>
            {form::field(
                "message",
                "What did you change, and why?",
                None,
                of_field("message"),
                view! { <input id="message" name="message" value=message required maxlength="2000" autocomplete="off"/> }.into_any(),
            )}
            {form::submit(save, "main", &may)}
        </form>
    }
    .into_any()
}

/// The text beside its line numbers; both scroll as one, since the field is as high as its text.
pub(in crate::pages) fn paper(text: &str, faulty: &[u32], required: bool) -> AnyView {
    let first = faulty.iter().copied().find(|line| *line > 0);
    let count = u32::try_from(text.split('\n').count()).unwrap_or(u32::MAX);
    let numbers: Vec<_> = (1..=count)
        .map(|line| {
            let class = faulty.contains(&line).then_some("wrong");
            view! { <li id=format!("line-{line}") class=class>{line}</li> }
        })
        .collect();
    view! {
        <div class="paper">
            <ol class="numbers" aria-hidden="true">{numbers}</ol>
            <textarea
                id="text"
                name="text"
                rows=count.max(12).to_string()
                spellcheck="false"
                autocomplete="off"
                autocapitalize="off"
                wrap="off"
                required=required
                aria-invalid=first.map(|_| "true")
            >
                {raw(text)}
            </textarea>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_no_markup() {
        let html = paper("</textarea><b> &lt;", &[], true).to_html();
        assert!(html.contains(">\n&lt;/textarea>&lt;b> &amp;lt;</textarea>"), "{html}");
    }
}
