//! `/people`: who may sign in, and as what.

use domain::{
    person::{Person, Role},
    policy::may_manage_people,
};
use leptos::prelude::*;

use crate::{
    api::{
        Choice,
        people::{
            AddPerson, ChangeRole, GivePasswordLink, PasswordLink, PeoplePage, PersonRow,
            SetDisabled, load_people,
        },
    },
    ui::{copy, form, page, table, time::time},
    viewer::viewer,
};

pub(crate) fn people() -> AnyView {
    page::loaded(&["person/"], load_people(), show)
}

/// What each role may do.
const ROLES: [(Role, &str); 4] = [
    (Role::Viewer, "reads"),
    (Role::Developer, "also writes recipes, builds, validates, asks for deployments"),
    (Role::Approver, "also approves and refuses deployments"),
    (Role::Administrator, "also manages people and environments"),
];

fn options(chosen: Role) -> Vec<AnyView> {
    ROLES
        .iter()
        .map(|(role, _)| {
            let role = *role;
            view! { <option value=role.word() selected=role == chosen>{role.word()}</option> }
                .into_any()
        })
        .collect()
}

/// The page.
#[must_use]
pub fn show(data: PeoplePage) -> AnyView {
    let manages = may_manage_people(viewer().role).map_err(|refusal| refusal.to_string());
    let rows = data.people.iter().map(person).collect();
    let roles: Vec<_> = ROLES
        .iter()
        .map(|(role, what)| view! { <li><strong>{role.word()}</strong>" "{*what}</li> })
        .collect();
    view! {
        {page::heading("People".to_owned(), Vec::new(), ().into_any())}
        <div class="outcome" role="status">{data.link.map(link)}</div>
        {table::table("People", &["Name", "Role", "Since", "Password", "Account"], rows)}
        {page::section("Add a person", adding(&manages))}
        <section><h2>"Roles"</h2><ul class="plain">{roles}</ul></section>
    }
    .into_any()
}

/// The link, shown once.
fn link(link: PasswordLink) -> AnyView {
    let path = format!("/password/{}", link.token);
    let whole = format!("{}{path}", origin());
    view! {
        <div class="given">
            <p>"Give this link to "<strong>{link.name}</strong>". It sets a password once, within 30 minutes, and is not shown again."</p>
            {copy::command(&whole, "the link")}
        </div>
    }
    .into_any()
}

/// By which address this page was asked for.
pub(crate) fn origin() -> String {
    let parts = use_context::<http::request::Parts>();
    let header = |name: &str| Some(parts.as_ref()?.headers.get(name)?.to_str().ok()?.to_owned());
    // A browser tells the scheme with the address of the page that the form stood on.
    let secure = header("referer").is_some_and(|referer| referer.starts_with("https://"));
    let scheme = if secure { "https" } else { "http" };
    header("host").map(|host| format!("{scheme}://{host}")).unwrap_or_default()
}

fn adding(choice: &Choice) -> AnyView {
    view! {
        {form::acting::<AddPerson>("sheet", vec![], view! {
            {form::field("name", "Name", Some("Letters, digits, '.', '-' and '_'; what the person signs in with.".to_owned()), None, form::line("name", "name", String::new()))}
            {form::field("role", "Role", None, None, view! { <select id="role" name="role">{options(Role::Developer)}</select> }.into_any())}
            {form::submit("Add and give a link", "main", choice)}
        }.into_any())}
    }
    .into_any()
}

fn person(row: &PersonRow) -> AnyView {
    let Person { name, role, created_at, disabled_at, .. } = row.person.clone();
    let manages: Choice = may_manage_people(viewer().role).map_err(|refusal| refusal.to_string());
    // The reason stands once, beside what is refused only for this person.
    let quiet = manages.is_err();
    let lower = row.lower.as_ref().err().filter(|_| !quiet).map(|reason| {
        view! { <p class="reason">{crate::error::sentence(reason)}</p> }
    });
    let disabled = disabled_at.is_some();
    let label = format!("Role of {name}");
    let role_form = view! {
        {form::acting::<ChangeRole>("inline", vec![("name", name.clone())], view! {
            <select name="role" aria-label=label disabled=row.lower.is_err()>{options(role)}</select>
            <button type="submit" disabled=row.lower.is_err()>"Change"</button>
            {lower}
        }.into_any())}
    };
    let link_form = view! {
        {form::acting::<GivePasswordLink>("inline", vec![("name", name.clone())], view! {
            <button type="submit" disabled=quiet>"New link"</button>
        }.into_any())}
    };
    let barred = !disabled && row.disable.is_err();
    let account_form = view! {
        {form::acting::<SetDisabled>("inline", vec![("name", name.clone()), ("disabled", (!disabled).to_string())], view! {
            {disabled_at.map(|at| view! { <span class="quiet">"disabled "{time(at)}" "</span> })}
            <button type="submit" class=if disabled { "" } else { "bad" } disabled=barred || quiet>
                {if disabled { "Enable" } else { "Disable" }}
            </button>
        }.into_any())}
    };
    table::row(vec![
        name.clone().into_any(),
        role_form.into_any(),
        time(created_at),
        link_form.into_any(),
        account_form.into_any(),
    ])
}
