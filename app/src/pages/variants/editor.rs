//! The compose page: the form of a variant in sections, its text, and beside them what it would do.
//!
//! It is an ordinary form that carries files. Every button but those that save brings it back with
//! everything that was typed; what was uploaded comes back as a box to keep it or not. With script an
//! island (`islands/step.rs`) sends it as people type, and takes over what the server answers.

use domain::recipe::Problem;
use leptos::prelude::*;

use super::{
    controls::button,
    lists::{self, KNOWN_KERNELS},
    sections, summary,
};
use crate::{
    api::{
        Choice,
        variants::{Bases, Look, VariantForm, VariantFormPage},
    },
    pages::recipes::paper,
    routes::href,
    ui::page,
};

/// Where a page with script sends what is typed.
const STEP: &str = "/variant-form";

/// The page: of a new variant where there is none yet.
#[must_use]
pub fn show(data: VariantFormPage) -> AnyView {
    let VariantFormPage { form, look, name, bases, kernels, save } = data;
    let mut crumbs = vec![("Variants", "/variants".to_owned())];
    let (title, target) = match &name {
        None => ("Make a variant".to_owned(), "/variants/new".to_owned()),
        Some(name) => {
            crumbs.push(("The variant", href::variant(name)));
            (format!("Change {name}"), href::variant_part(name, "edit"))
        }
    };
    let disabled = save.is_err();
    let options: Vec<_> =
        kernels.into_iter().map(|it| view! { <option value=it></option> }).collect();
    view! {
        {page::heading(title, crumbs, ().into_any())}
        <form method="post" action=target enctype="multipart/form-data" class="compose-form" autocomplete="off" data-step=(!disabled).then_some(STEP)>
            // Return presses the first button of a form, which must not be one that saves or takes out.
            <button type="submit" class="hidden" name="do" value="look" tabindex="-1" aria-hidden="true" data-in-place="" disabled=disabled>"Look"</button>
            <input type="hidden" name="revision" value=form.revision.map(|it| it.to_string())/>
            {name.clone().map(|name| view! { <input type="hidden" name="name" value=name/> })}
            <datalist id=KNOWN_KERNELS>{options}</datalist>
            {parts(&form, &look, name.is_none(), &bases, &save, false)}
            {text(&form, disabled)}
        </form>
    }
    .into_any()
}

/// What a page with script takes over of [`show`]. With `kept` its summary stays as it is.
#[must_use]
pub fn markup(form: &VariantForm, look: &Look, new: bool, bases: &Bases, kept: bool) -> String {
    // Only who may save is answered.
    let save: Choice = Ok(());
    parts(form, look, new, bases, &save, kept).to_html()
}

fn parts(
    form: &VariantForm,
    look: &Look,
    new: bool,
    bases: &Bases,
    save: &Choice,
    kept: bool,
) -> AnyView {
    let disabled = save.is_err();
    let notice = form.notice.map(|notice| view! { <p class="done">{notice}</p> });
    view! {
        <div class="state" data-part="state">
            <div data-shown="" role="status">{summary::refused(form)}{problems(&form.problems)}{notice}</div>
        </div>
        // The last of what the text is compared with: where it arrived, so did the fields.
        <input type="hidden" name="seen" value=form.seen()/>
        <div class="compose">
            {sections::about(form, new)}
            {sections::base(form, bases)}
            {sections::packages(form, look, disabled)}
            {lists::kernels(form, disabled)}
            {sections::boot(form)}
            {lists::files(form, disabled)}
            {sections::system(form)}
            {lists::users(form, disabled)}
            {sections::playbook(form)}
            {sections::script(form)}
        </div>
        {summary::summary(form, look, save, kept)}
    }
    .into_any()
}

fn problems(problems: &[Problem]) -> AnyView {
    if problems.is_empty() {
        return ().into_any();
    }
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
    view! { <div class="alert"><strong>"The form did not take the text over."</strong><ul>{rows}</ul></div> }
        .into_any()
}

/// The same as text.
fn text(form: &VariantForm, disabled: bool) -> AnyView {
    let lines: Vec<u32> = form.problems.iter().map(|it| it.line).collect();
    let take = button(
        "Take the text over into the form".into_any(),
        "take".to_owned(),
        "text",
        "",
        disabled,
    );
    view! {
        <details class="part as-text" id="form-text" open=form.typed.is_some()>
            <summary>"As text"</summary>
            <div class="fields">
                <label for="text">"The same in TOML"</label>
                {paper(&form.text(), &lines, false)}
                <p class="about">"For a repository, or to send with curl; what the form lacks can be said here."</p>
                <div class="act by-hand">{take}</div>
            </div>
        </details>
    }
    .into_any()
}
