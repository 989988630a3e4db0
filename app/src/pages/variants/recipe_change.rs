//! `/variants/:name/recipe-change`: what a variant changes as the next revision of its base's recipe,
//! to look at and to save.

use leptos::prelude::*;

use crate::{
    api::{Choice, recipes::RevisionRow, variants::RecipeChangePage},
    routes::href,
    ui::{diff::diff, empty, form, page, table, time::time},
};

/// The page.
#[must_use]
pub fn show(data: RecipeChangePage) -> AnyView {
    let RecipeChangePage { name, proposal, base, draft, save } = data;
    let crumbs = vec![("Variants", "/variants".to_owned()), ("The variant", href::variant(&name))];
    let RevisionRow { number, message, author, saved_at, .. } = base;
    let recipe = proposal.recipe.clone();
    let about = table::properties(vec![
        ("Recipe", table::link(href::recipe(&recipe), recipe.clone())),
        (
            "On top of",
            view! { {format!("r{number}: {message}")}" ("{author}", "{time(saved_at)}")" }
                .into_any(),
        ),
    ]);
    let changes = if proposal.diff.is_empty() {
        empty::nothing("The recipe says all of it already, so there is nothing to save.")
    } else {
        diff(&proposal.diff, format!("{recipe} with what {name} changes against revision {number}"))
    };
    // What somebody typed stays in sight, even where nothing is left to save.
    let save = if proposal.diff.is_empty() {
        Err("the recipe says all of it already".to_owned())
    } else {
        save
    };
    let (message, error) =
        draft.map_or_else(Default::default, |draft| (draft.message, Some(draft.error)));
    let of_message = error.as_ref().and_then(|error| error.of_field("message"));
    // Above the change, which may be another than the one that was looked at.
    let refused = form::fault(error.clone().filter(|_| of_message.is_none()));
    let saving = (error.is_some() || !proposal.diff.is_empty()).then(|| {
        let label = format!("Save as revision {}", number + 1);
        let hint = "It stands beside the revision, for whoever reads the recipe later.".to_owned();
        let action = href::variant_part(&name, "recipe-change");
        let field = form::field(
            "message",
            "What did you change, and why?",
            Some(hint),
            of_message,
            line(message, &save),
        );
        page::section(
            "Save it",
            view! {
                <form method="post" action=action class="sheet">
                    <input type="hidden" name="seen" value=proposal.seen().to_string()/>
                    {field}
                    {form::submit(label, "main", &save)}
                </form>
            }
            .into_any(),
        )
    });
    view! {
        {page::heading(format!("Recipe change of {name}"), crumbs, ().into_any())}
        {refused}
        <p class="lead">"What the variant changes, as the next revision of the recipe that its base was built from. The next release of that recipe contains it."</p>
        {about}
        {page::section("What changes in the recipe", changes)}
        {page::section("Left out", left_out(&proposal.left_out))}
        {saving}
    }
    .into_any()
}

fn left_out(reasons: &[String]) -> AnyView {
    if reasons.is_empty() {
        return empty::nothing("Nothing: a recipe has words for all that the variant changes.");
    }
    let reasons: Vec<_> =
        reasons.iter().map(|reason| view! { <li>{reason.clone()}</li> }).collect();
    view! { <ul class="left-out">{reasons}</ul> }.into_any()
}

/// Where somebody says why.
fn line(message: String, save: &Choice) -> AnyView {
    view! {
        <input id="message" name="message" value=message required maxlength="2000" autocomplete="off"
            aria-describedby="message-about" disabled=save.is_err()/>
    }
    .into_any()
}
