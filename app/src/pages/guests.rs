//! `/guests` and `/guests/:id`: what somebody boots to try it, with its console.

use domain::{guest::Guest, ids::GuestId, time::human_duration};
use leptos::{nonce::use_nonce, prelude::*};

use crate::{
    AssetNames,
    api::guests::{
        ExtendGuest, GiveUpKeyboard, GuestPage, GuestsPage, SendLine, StopGuest, TakeKeyboard,
        load_guest, load_guest_console, load_guests,
    },
    error::sentence,
    pages::parameter,
    routes::href,
    ui::{
        badge::{Status, badge},
        empty, form,
        log::{Written, written_only},
        page, table,
        time::{time, took},
    },
};

pub(crate) fn list() -> AnyView {
    page::loaded(&["guest/"], load_guests(), |data| show_list(&data))
}

/// `v1.0.0-rc.1 in a VM`.
fn name(guest: &Guest) -> String {
    format!("{} in a VM", guest.subject.title)
}

/// What it picks from the menu.
fn entry(guest: &Guest) -> AnyView {
    guest.entry.clone().map_or_else(|| "chosen in the menu".into_any(), table::code)
}

/// The list.
#[must_use]
pub fn show_list(data: &GuestsPage) -> AnyView {
    let content = if data.guests.is_empty() {
        empty::empty(
            "Nobody tries anything now",
            "A release boots in a VM from its page, and its serial console opens here. What it shows is no evidence.",
            Some(("/releases".to_owned(), "Choose a release")),
        )
    } else {
        let rows = data.guests.iter().map(row).collect();
        table::table("Guests", &["Guest", "State", "Entry", "Who types", "Started", "Took"], rows)
    };
    let lead = format!(
        "VMs in which somebody tries something. Each ends by itself after {} min, or with the server.",
        data.minutes
    );
    view! {
        {page::heading("Guests".to_owned(), Vec::new(), ().into_any())}
        <p class="lead">{lead}</p>
        {content}
    }
    .into_any()
}

fn row(guest: &Guest) -> AnyView {
    let typist = guest.typist.as_ref().map_or("nobody", |it| &it.name).to_owned();
    table::row(vec![
        table::link(href::guest(&guest.id), name(guest)),
        badge(Status::Guest(guest.state)),
        entry(guest),
        if guest.state.ended() { "–".into_any() } else { typist.into_any() },
        view! { {time(guest.started_at)}" by "{guest.started_by.name.clone()} }.into_any(),
        took(Some(guest.started_at), guest.ended.as_ref().map(|(at, _)| *at)),
    ])
}

/// How the guest stands is renewed; its console beside it is a stream of its own.
pub(crate) fn guest() -> AnyView {
    let id = GuestId(parameter("id"));
    let console = page::later(Box::pin(console(id.clone())));
    view! { {page::loaded(&["guest/"], load_guest(id), show)}{console} }.into_any()
}

async fn console(id: GuestId) -> AnyView {
    match load_guest_console(&id).await {
        Ok(lines) => show_console(&id, &lines),
        // The page above says what is wrong.
        Err(_) => ().into_any(),
    }
}

/// The page above the console.
#[must_use]
pub fn show(data: GuestPage) -> AnyView {
    let GuestPage { guest, usable, takes, yours, minutes } = data;
    let crumbs = vec![("Guests", "/guests".to_owned())];
    let subject = guest.subject.clone();
    let mut properties = vec![
        ("Boots", table::link(subject.link.clone(), subject.title.clone())),
        ("Entry", entry(&guest)),
        (
            "Started",
            view! { {time(guest.started_at)}" by "{guest.started_by.name.clone()} }.into_any(),
        ),
    ];
    let acts = if let Some((at, reason)) = &guest.ended {
        let lived = human_duration(at.since(guest.started_at));
        let ended = view! { {time(*at)}", after "{lived}": "{reason.to_string()} };
        properties.push(("Ended", ended.into_any()));
        let again = format!("To {}, to boot it again", subject.title);
        view! { <a class="button" href=subject.link>{again}</a> }.into_any()
    } else {
        properties.push(("Ends by itself", time(guest.ends_at)));
        properties.push(("Keyboard", keyboard(&guest, &takes, yours)));
        // Both are refused for the same reason, which is said once.
        let reason = usable.err().map(|reason| sentence(&reason));
        let act = |label, kind| {
            let disabled = reason.is_some();
            view! { <button type="submit" class=kind disabled=disabled>{label}</button> }.into_any()
        };
        let id = || vec![("id", guest.id.to_string())];
        let longer = act(format!("Give it {minutes} min from now"), "");
        let stop = act("Stop it".to_owned(), "bad");
        view! {
            {form::acting::<ExtendGuest>("inline", id(), longer)}
            {form::acting::<StopGuest>("inline", id(), stop)}
            {reason.map(|reason| view! { <p class="reason">{reason}</p> })}
        }
        .into_any()
    };
    view! {
        {page::heading(name(&guest), crumbs, badge(Status::Guest(guest.state)))}
        {table::properties(properties)}
        <div class="acts">{acts}</div>
    }
    .into_any()
}

/// Who types, and how to change that.
fn keyboard(guest: &Guest, takes: &crate::api::Choice, yours: bool) -> AnyView {
    let id = vec![("id", guest.id.to_string())];
    match &guest.typist {
        Some(_) if yours => {
            let give_up = form::submit("Give the keyboard up", "", &Ok(()));
            view! { <div class="line">"You type."{form::acting::<GiveUpKeyboard>("inline", id, give_up)}</div> }
                .into_any()
        }
        Some(typist) => format!("{} types.", typist.name).into_any(),
        None => {
            let take = form::submit("Take the keyboard", "", takes);
            view! { <div class="line">"Nobody types."{form::acting::<TakeKeyboard>("inline", id, take)}</div> }
                .into_any()
        }
    }
}

/// How many lines of a console are shown without script.
const NEWEST: usize = 150;

/// The console: a terminal where script runs, else what was written so far and a line to type.
#[must_use]
pub fn show_console(id: &GuestId, lines: &[String]) -> AnyView {
    let (script, style) = use_context::<AssetNames>()
        .map(|it| (format!("/pkg/{}", it.terminal_js), format!("/pkg/{}", it.terminal_css)))
        .unwrap_or_default();
    let newest = &lines[lines.len().saturating_sub(NEWEST)..];
    let written = if newest.is_empty() {
        empty::nothing("It has written nothing yet. Load the page again to look.")
    } else {
        written_only("Console so far", Written::console(newest))
    };
    let line = form::field(
        "line",
        "Type a line",
        Some("It is sent with Enter behind it, where you have the keyboard.".to_owned()),
        None,
        view! {
            <input id="line" name="line" autocomplete="off" spellcheck="false" aria-describedby="line-about"/>
        }
        .into_any(),
    );
    let send = view! { {line}{form::submit("Send", "main", &Ok(()))} }.into_any();
    view! {
        <section class="log-part console-part" data-socket=href::guest_socket(id) data-console=href::guest_console(id)>
            <link rel="stylesheet" href=style/>
            <h2>"Console"</h2>
            <div class="log-tools">
                <span class="terminal-tools js">
                    <button type="button" data-size="menu" disabled>"80 × 24"</button>
                    <button type="button" data-size="fit" disabled>"Fit the window"</button>
                </span>
                <span class="terminal-tools js" data-status="" role="status"></span>
                <a href=href::guest_console(id) download="">"Download"</a>
            </div>
            <p class="terminal-hint js" data-hint="" hidden>
                "The guest does not know this size. At a shell: "<code></code>" "
                <button type="button">"Type that"</button>
            </p>
            <div class="screen js"></div>
            <div class="plainly">
                {written}
                {form::acting::<SendLine>("", vec![("id", id.to_string())], send)}
            </div>
            <script type="module" src=script nonce=use_nonce()></script>
        </section>
    }
    .into_any()
}
