//! `/login`, `/welcome/:token`, `/password/:token`: pages for whoever has not signed in.
//!
//! Their forms go to plain handlers of the server, which set cookies; what went wrong comes back
//! as a code in `?error=`, since a text there could be written by whoever makes a link.

use leptos::prelude::*;

use crate::{
    pages::{parameter, query},
    ui::{form, page},
};

/// What a code of `?error=` says.
#[must_use]
pub fn explain(code: &str) -> Option<&'static str> {
    match code {
        "" => None,
        "credentials" => Some("Name and password do not belong together."),
        "throttled" => Some("Too many attempts failed. Wait 15 minutes and try again."),
        "name" => Some(
            "A name has 1 to 40 of the characters a-z, A-Z, 0-9, '.', '-', '_' and starts with a letter or digit.",
        ),
        "password" => Some("A password has 10 to 200 characters."),
        "token" => Some(
            "This link was used already, is older than 30 minutes, or never was one of ours. Ask an administrator for a new one; for the first sign-in start the server anew.",
        ),
        _ => Some("That did not work. Try again."),
    }
}

/// The fault, at the field that a code belongs to or above the form.
fn faults() -> (Option<AnyView>, Option<String>, Option<String>) {
    let code = query("error");
    let words = explain(&code).map(ToOwned::to_owned);
    match code.as_str() {
        "name" => (None, words, None),
        "password" => (None, None, words),
        _ => (
            words.map(|words| view! { <div class="alert" role="alert">{words}</div> }.into_any()),
            None,
            None,
        ),
    }
}

fn name_field(error: Option<String>) -> AnyView {
    let control = view! {
        <input id="name" name="name" required autofocus autocomplete="username" spellcheck="false" autocapitalize="off" maxlength="40" aria-describedby="name-about"/>
    };
    form::field("name", "Name", None, error, control.into_any())
}

fn password_field(label: &'static str, new: bool, error: Option<String>) -> AnyView {
    let autocomplete = if new { "new-password" } else { "current-password" };
    let least = new.then_some("10");
    let control = view! {
        <input id="password" name="password" type="password" required autocomplete=autocomplete minlength=least maxlength="200" aria-describedby="password-about"/>
    };
    let hint = new.then(|| "10 characters or more.".to_owned());
    form::field("password", label, hint, error, control.into_any())
}

/// Signing in.
#[must_use]
pub fn login() -> AnyView {
    let (fault, name, password) = faults();
    let next = query("next");
    view! {
        <div class="door">
            {page::heading("Sign in".to_owned(), Vec::new(), ().into_any())}
            {fault}
            <form method="post" action="/session/login">
                <input type="hidden" name="next" value=next/>
                {name_field(name)}
                {password_field("Password", false, password)}
                {form::submit("Sign in", "main", &Ok(()))}
            </form>
            <p class="quiet">"Forgotten? An administrator gives you a link for a new password."</p>
        </div>
    }
    .into_any()
}

/// The first administrator sets name and password.
#[must_use]
pub fn welcome() -> AnyView {
    let token = parameter("token");
    let (fault, name, password) = faults();
    view! {
        <div class="door">
            {page::heading("Welcome to Bootwright".to_owned(), Vec::new(), ().into_any())}
            <p>"You are the first here. Choose name and password of the administrator; you add everybody else later."</p>
            {fault}
            <form method="post" action="/session/welcome">
                <input type="hidden" name="token" value=token/>
                {name_field(name)}
                {password_field("Password", true, password)}
                {form::submit("Begin", "main", &Ok(()))}
            </form>
        </div>
    }
    .into_any()
}

/// A person sets a password by a one-time link.
#[must_use]
pub fn password() -> AnyView {
    let token = parameter("token");
    let (fault, _, password) = faults();
    view! {
        <div class="door">
            {page::heading("Set your password".to_owned(), Vec::new(), ().into_any())}
            {fault}
            <form method="post" action="/session/password">
                <input type="hidden" name="token" value=token/>
                {password_field("New password", true, password)}
                {form::submit("Set password and sign in", "main", &Ok(()))}
            </form>
        </div>
    }
    .into_any()
}
