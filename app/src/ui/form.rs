//! Forms: fields with their errors, and buttons that say why they are disabled.

use leptos::{
    prelude::*,
    server::ServerActionError,
    server_fn::{ServerFn, error::ServerFnUrlError},
};

use crate::{
    api::Choice,
    error::{AppError, sentence},
};

/// A field: its label, its control, a hint, and what is wrong with it. The control carries `id`
/// and, where there is something to read about it, `aria-describedby` = `<id>-about`.
#[must_use]
pub fn field(
    id: impl Into<String>,
    label: &'static str,
    hint: Option<String>,
    error: Option<String>,
    control: AnyView,
) -> AnyView {
    let id = id.into();
    let about = (hint.is_some() || error.is_some()).then(|| {
        view! {
            <p class="about" id=format!("{id}-about")>
                {error.map(|error| view! { <span class="wrong" role="alert">{error}" "</span> })}
                {hint}
            </p>
        }
    });
    view! { <div class="field"><label for=id>{label}</label>{control}{about}</div> }.into_any()
}

/// A line of text to type.
#[must_use]
pub fn line(id: &'static str, name: &'static str, value: String) -> AnyView {
    view! {
        <input id=id name=name value=value autocomplete="off" spellcheck="false" required
            aria-describedby=format!("{id}-about")/>
    }
    .into_any()
}

/// Some sentences to type: a reason, a comment.
#[must_use]
pub fn sentences(id: &'static str, name: &'static str, required: bool) -> AnyView {
    view! {
        <textarea id=id name=name rows="2" maxlength="2000" required=required
            aria-describedby=format!("{id}-about")></textarea>
    }
    .into_any()
}

/// A button that sends the form; disabled with the reason beside it where it would be refused.
#[must_use]
pub fn submit(label: impl Into<String>, kind: &'static str, choice: &Choice) -> AnyView {
    let label = label.into();
    let reason = choice.as_ref().err().map(|reason| sentence(reason));
    let disabled = reason.is_some();
    view! {
        <div class="act">
            <button type="submit" class=kind disabled=disabled>{label}</button>
            {reason.map(|reason| view! { <p class="reason">{reason}</p> })}
        </div>
    }
    .into_any()
}

/// A link that looks like a button; where it would lead to a refusal, the reason instead.
#[must_use]
pub fn go(label: &'static str, href: String, kind: &'static str, choice: &Choice) -> AnyView {
    match choice {
        Ok(()) => view! { <a class=format!("button {kind}") href=href>{label}</a> }.into_any(),
        Err(_) => submit(label, kind, choice),
    }
}

/// What came of sending a form, where it was not what was asked for.
#[must_use]
pub fn fault(error: Option<AppError>) -> AnyView {
    match error {
        None => ().into_any(),
        Some(error) => {
            view! { <div class="alert" role="alert"><strong>{error.title()}</strong>" "{error.to_string()}</div> }
                .into_any()
        }
    }
}

/// The second look before something that many machines feel: typing the release's name. The server
/// compares, so it holds without script too.
#[must_use]
pub fn confirm(id: String, name: &str) -> AnyView {
    view! {
        <div class="field">
            <label for=id.clone()>{format!("Type {name} to confirm")}</label>
            <input id=id name="confirm" autocomplete="off" spellcheck="false" required/>
        </div>
    }
    .into_any()
}

/// Why the server function of a form did not do what was asked, where this page answers to that:
/// the browser was sent back here with the reason in the address.
#[must_use]
pub fn failed<S: ServerFn<Error = AppError>>() -> Option<AppError> {
    use_context::<ServerActionError>()
        .filter(|error| error.path() == S::PATH)
        .map(|error| ServerFnUrlError::decode_err(error.err()))
}

/// A form that is sent to a server function: values that people do not see, the content, and why it
/// was refused the last time.
#[must_use]
pub fn acting<S: ServerFn<Error = AppError>>(
    class: &'static str,
    hidden: Vec<(&'static str, String)>,
    content: AnyView,
) -> AnyView {
    acting_at(S::url(), failed::<S>(), class, hidden, content)
}

fn acting_at(
    address: &'static str,
    failed: Option<AppError>,
    class: &'static str,
    hidden: Vec<(&'static str, String)>,
    content: AnyView,
) -> AnyView {
    let hidden: Vec<_> = hidden
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
        .collect();
    view! {
        <form method="post" action=address class=class>
            {hidden}
            {content}
            {fault(failed)}
        </form>
    }
    .into_any()
}

/// One of several, with its fields below it while it is chosen.
#[must_use]
pub fn option(
    name: &'static str,
    value: &'static str,
    title: &'static str,
    about: &'static str,
    checked: bool,
    fields: AnyView,
) -> AnyView {
    view! {
        <div class="option">
            <label class="choice">
                <input type="radio" name=name value=value checked=checked/>
                <span><strong>{title}</strong><span class="about">{about}</span></span>
            </label>
            <div class="of-option">{fields}</div>
        </div>
    }
    .into_any()
}
