//! `/account`: who one is here, and the tokens of one's programs.

use domain::{
    person::Role,
    token::{MOST_DAYS, Scope, Token},
};
use leptos::prelude::*;

use crate::{
    api::tokens::{AccountPage, CreateToken, RevokeToken, load_account},
    ui::{copy, empty, form, page, table, time::time},
    viewer::viewer,
};

pub(crate) fn account() -> AnyView {
    // Not live: a secret that is shown once must not go while it is copied.
    page::loaded(&[], load_account(), show)
}

/// The page.
#[must_use]
pub fn show(data: AccountPage) -> AnyView {
    let viewer = viewer();
    let AccountPage { tokens, dead, plans, secret } = data;
    let living = if tokens.is_empty() {
        empty::nothing("No program acts for you yet.")
    } else {
        let headings = ["Name", "May", "Made", "Expires", "Last used", ""];
        table::table("Tokens", &headings, tokens.iter().map(living).collect())
    };
    let former = (!dead.is_empty()).then(|| {
        let headings = ["Name", "May", "Made", "Ended", "Last used"];
        let rows = table::table("Former tokens", &headings, dead.iter().map(former).collect());
        view! { <details><summary>{format!("Expired and revoked ({})", dead.len())}</summary>{rows}</details> }
    });
    view! {
        {page::heading("Your account".to_owned(), Vec::new(), ().into_any())}
        <div class="outcome" role="status">{secret.as_deref().map(given)}</div>
        {table::properties(vec![
            ("Name", viewer.name.into_any()),
            ("Role", viewer.role.word().into_any()),
        ])}
        <p>"For a new password or another role ask an administrator: the page People gives one-time links."</p>
        {page::section("Tokens", view! {
            <p>"Programs act for you with a token: the command line, a lab's CI, curl. A token never may more than you may at that moment. What the API takes: "<a href="/api">"API"</a>"."</p>
            {living}
            {former}
        }.into_any())}
        {page::section("Make a token", making(viewer.role, plans))}
    }
    .into_any()
}

/// The secret, shown once.
fn given(secret: &str) -> AnyView {
    view! {
        <div class="given">
            <p>"Copy the token now: it is kept nowhere and not shown again."</p>
            {copy::command(secret, "the token")}
        </div>
    }
    .into_any()
}

fn making(own: Role, plans: Vec<String>) -> AnyView {
    let roles: Vec<_> = Role::ALL
        .into_iter()
        .filter(|role| *role <= own)
        .map(|role| view! { <option value=role.word() selected=role == own.min(Role::Developer)>{role.word()}</option> })
        .collect();
    let plans: Vec<_> = plans
        .into_iter()
        .map(|plan| view! { <option value=plan.clone()>{plan.clone()}</option> })
        .collect();
    let fields = view! {
        {form::field("name", "Name", Some("What it is for: \"lab CI\", \"laptop\".".to_owned()), None, form::line("name", "name", String::new()))}
        {form::field("role", "Role", Some("The most that it may do.".to_owned()), None, view! { <select id="role" name="role" aria-describedby="role-about">{roles}</select> }.into_any())}
        {form::field("days", "Days until it expires", None, None, view! { <input id="days" name="days" type="number" min="1" max=MOST_DAYS value="90" required/> }.into_any())}
        <details>
            <summary>"Only for results of one machine"</summary>
            {form::field("plan", "Plan", Some("Such a token records results of this plan on this machine and does nothing else.".to_owned()), None, view! { <select id="plan" name="plan" aria-describedby="plan-about"><option value="">"everything that the role allows"</option>{plans}</select> }.into_any())}
            {form::field("machine", "Machine", None, None, view! { <input id="machine" name="machine" autocomplete="off" spellcheck="false"/> }.into_any())}
        </details>
        {form::submit("Make a token", "main", &Ok(()))}
    };
    form::acting::<CreateToken>("sheet", vec![], fields.into_any())
}

fn may(token: &Token) -> String {
    match &token.scope {
        Scope::All => token.role.word().to_owned(),
        scope @ Scope::Results { .. } => scope.phrase(),
    }
}

fn used(token: &Token) -> AnyView {
    token.last_used_at.map_or_else(|| "never".into_any(), time)
}

fn living(token: &Token) -> AnyView {
    let label = format!("Revoke {}", token.name);
    table::row(vec![
        token.name.clone().into_any(),
        may(token).into_any(),
        time(token.created_at),
        time(token.expires_at),
        used(token),
        form::acting::<RevokeToken>(
            "inline",
            vec![("id", token.id.to_string())],
            view! {
                <button type="submit" class="bad" aria-label=label>"Revoke"</button>
            }
            .into_any(),
        ),
    ])
}

fn former(token: &Token) -> AnyView {
    let ended = match token.revoked_at {
        Some(at) => view! { "revoked "{time(at)} }.into_any(),
        None => view! { "expired "{time(token.expires_at)} }.into_any(),
    };
    table::row(vec![
        token.name.clone().into_any(),
        may(token).into_any(),
        time(token.created_at),
        ended,
        used(token),
    ])
}
