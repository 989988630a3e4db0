//! `/machines`: the list, one machine, and what concerns all of them: tables, rules, drift, and how machines
//! come to boot from here.

mod acts;
mod booting;
mod drift;
mod editor;
mod one;
mod rules;
mod table;

use domain::machine::{Answer, Assigned, Because, BootTarget, Drift, MachineLock, MachineState};
use leptos::prelude::*;
use services::machines::{MOST_PENDING, MachineSummary};

use crate::{
    api::machines::{
        MachineForm, MachinesAsked, MachinesPage, booting::load_booting, load_drift, load_machine,
        load_machines, load_new_machine, rules::RulesDraft, rules::load_rules, table::load_table,
    },
    pages::{parameter, query},
    routes::href::{self, encode},
    ui::{
        badge::{Status, badge},
        change::counted,
        empty, form, page,
        release::release_link,
        table as ui_table,
        time::{time, time_or_dash},
    },
};
pub use booting::show as show_booting;
pub use drift::show as show_drift;
pub use editor::show_new;
pub use one::show;
pub use rules::show as show_rules;
pub use table::show as show_table;

/// What lets a machine look otherwise.
const TOPICS: &[&str] = &["machine", "release/", "variant/", "environment/"];

pub(crate) fn list() -> AnyView {
    let asked = MachinesAsked {
        words: query("words"),
        label: query("label"),
        state: query("state"),
        target: query("target"),
    };
    page::loaded(TOPICS, load_machines(asked, page::after()), |data| show_list(&data))
}

/// A form that was refused follows no changes: what somebody typed must not be drawn over.
pub(crate) fn machine() -> AnyView {
    let topics = if use_context::<MachineForm>().is_some() { &[] } else { TOPICS };
    page::loaded(topics, load_machine(parameter("name")), |data| show(&data))
}

pub(crate) fn new() -> AnyView {
    page::loaded(&[], load_new_machine(), |data| show_new(&data))
}

pub(crate) fn import() -> AnyView {
    page::loaded(&[], load_table(query("taken")), |data| show_table(&data))
}

pub(crate) fn rules() -> AnyView {
    let topics: &[&str] = if use_context::<RulesDraft>().is_some() { &[] } else { &["machines"] };
    page::loaded(topics, load_rules(), |data| show_rules(&data))
}

pub(crate) fn drift() -> AnyView {
    page::loaded(TOPICS, load_drift(page::after()), |data| show_drift(&data))
}

pub(crate) fn booting() -> AnyView {
    page::loaded(&[], load_booting(query("address")), |data| show_booting(&data))
}

fn crumbs() -> Vec<page::Crumb> {
    vec![("Machines", href::MACHINES.to_owned())]
}

/// The list.
#[must_use]
pub fn show_list(data: &MachinesPage) -> AnyView {
    let MachinesPage { machines, around, asked, wrong, register, .. } = data;
    let filtered = *asked != MachinesAsked::default();
    if machines.is_empty() && around.newest && !filtered {
        return view! {
            {page::heading("Machines".to_owned(), Vec::new(), ().into_any())}
            <div class="empty">
                <p class="empty-title">"There is no machine yet"</p>
                <p>"A machine is anything that boots from here. One that asks for something to boot turns up by itself and waits to be accepted; others are registered by hand or from a table. Until then everything that asks gets the same menu."</p>
                <div class="acts">
                    {form::go("Register a machine", "/machines/new".to_owned(), "main", register)}
                    <a class="button" href="/machines/import">"Import a table"</a>
                    <a class="button" href="/machines/booting">"How machines boot from here"</a>
                </div>
            </div>
        }
        .into_any();
    }
    let beside = form::go("Register a machine", "/machines/new".to_owned(), "main", register);
    let list = match wrong {
        Some(_) => ().into_any(),
        None if machines.is_empty() => empty::nothing("No machine is like that."),
        None => rows(data),
    };
    let parameters: Vec<String> = [
        ("words", &asked.words),
        ("label", &asked.label),
        ("state", &asked.state),
        ("target", &asked.target),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| format!("{name}={}", encode(value)))
    .collect();
    let path = if filtered {
        format!("{}?{}", href::MACHINES, parameters.join("&"))
    } else {
        href::MACHINES.to_owned()
    };
    view! {
        {page::heading("Machines".to_owned(), Vec::new(), beside)}
        {ways()}
        {pending(data)}
        {filters(data)}
        {list}
        {page::turning(&path, around, "First", "Next")}
    }
    .into_any()
}

/// Ways to what concerns all machines.
fn ways() -> AnyView {
    view! {
        <nav class="ways" aria-label="All machines">
            <a href="/machines/rules">"Rules"</a>
            <a href="/machines/drift">"Drift"</a>
            <a href="/machines/import">"Import a table"</a>
            <a href="/machines/export" download="machines.csv">"Export as a table"</a>
            <a href="/machines/booting">"How machines boot from here"</a>
        </nav>
    }
    .into_any()
}

/// Machines that wait for somebody stand above everything.
fn pending(data: &MachinesPage) -> AnyView {
    if data.pending == 0 || data.state == Some(MachineState::Pending) {
        return ().into_any();
    }
    let count = usize::try_from(data.pending).unwrap_or(usize::MAX);
    let full = (data.pending >= MOST_PENDING)
        .then_some(" No more are written down until some are accepted or discarded.");
    view! {
        <p class="attention" role="status">
            {counted(count, "machine waits", "machines wait")}" to be accepted."{full}" "
            <a href=href::PENDING_MACHINES>"Look at what turned up"</a>
        </p>
    }
    .into_any()
}

fn filters(data: &MachinesPage) -> AnyView {
    let MachinesPage { asked, state, wrong, .. } = data;
    let states: Vec<_> = MachineState::ALL
        .into_iter()
        .map(
            |it| view! { <option value=it.word() selected=*state == Some(it)>{it.word()}</option> },
        )
        .collect();
    let all = (*asked != MachinesAsked::default())
        .then(|| view! { <a href=href::MACHINES>"Show all"</a> });
    let field = |id: &'static str, label: &'static str, hint: &'static str, value: &String| {
        let faulty = wrong.as_ref().is_some_and(|(field, _)| field == id);
        view! {
            <span class="asked">
                <label for=id>{label}</label>
                <input id=id name=id value=value.clone() placeholder=hint autocomplete="off" spellcheck="false"
                    aria-invalid=faulty.then_some("true") aria-describedby=faulty.then_some("wrong")/>
            </span>
        }
    };
    let fault = wrong.as_ref().map(|(_, message)| {
        view! { <p class="alert" id="wrong" role="alert">{message.clone()}</p> }
    });
    view! {
        <form method="get" action=href::MACHINES class="search">
            {field("words", "Name, address, place", "", &asked.words)}
            {field("label", "Label", "rack=3", &asked.label)}
            {field("target", "Assigned to", "release v1.2.0", &asked.target)}
            <span class="asked">
                <label for="state">"State"</label>
                <select id="state" name="state"><option value="">"any"</option>{states}</select>
            </span>
            <button type="submit">"Show"</button>
            {all}
        </form>
        {fault}
    }
    .into_any()
}

fn rows(data: &MachinesPage) -> AnyView {
    let rows = data
        .machines
        .iter()
        .map(|it| {
            let MachineSummary { machine, assigned, drift } = it;
            let labels = machine.profile.labels.to_string();
            let below = [labels, machine.profile.location.clone()];
            let below: Vec<String> = below.into_iter().filter(|it| !it.is_empty()).collect();
            let pending = machine.state == MachineState::Pending;
            let boots = if pending {
                view! { <span class="quiet">{answer(data.unregistered.pending)}</span> }.into_any()
            } else {
                view! { {target(&assigned.target)}<div class="quiet">{because(assigned)}</div> }
                    .into_any()
            };
            ui_table::row(vec![
                view! {
                    <a href=href::machine(&machine.name)>{machine.name.clone()}</a>
                    <div class="quiet">{below.join(" · ")}</div>
                }
                .into_any(),
                badge(Status::Machine(machine.state)),
                machine.profile.architecture.word().into_any(),
                boots,
                if pending { "–".into_any() } else { runs(it, *drift) },
                machine.lock.as_ref().map_or_else(|| "–".into_any(), lock),
                time_or_dash(machine.last_seen.map(|it| it.at)),
            ])
        })
        .collect();
    let headings = ["Machine", "State", "Arch", "Boots", "Runs", "Locked by", "Last seen"];
    view! { <div class="machine-list">{ui_table::table("Machines", &headings, rows)}</div> }
        .into_any()
}

/// What a machine boots, leading to it.
fn target(target: &BootTarget) -> AnyView {
    match target {
        BootTarget::Environment(name) => {
            view! { "environment "<a href=href::environment(name)>{name.clone()}</a> }.into_any()
        }
        BootTarget::Release(name) => view! { "release "{release_link(name)} }.into_any(),
        BootTarget::Variant(name) => {
            view! { "variant "<a href=href::variant(name)>{name.clone()}</a> }.into_any()
        }
    }
}

/// Why a machine boots what it boots.
fn because(assigned: &Assigned) -> AnyView {
    match &assigned.because {
        Because::Own => "assigned".into_any(),
        Because::Rule { number, labels } => {
            let labels = labels.to_string();
            view! { <a href="/machines/rules">{format!("rule {number}")}</a>{format!(" for {labels}")} }.into_any()
        }
        Because::Default => "by default".into_any(),
    }
}

/// What a machine runs by its own report, and how that stands to what it boots.
fn runs(summary: &MachineSummary, drift: Drift) -> AnyView {
    let sign = (drift != Drift::Unknown).then(|| badge(Status::Drift(drift)));
    match &summary.machine.running {
        Some(it) => {
            view! { {it.name.clone()}" "{sign}<div class="quiet">"since "{time(it.since)}</div> }
                .into_any()
        }
        None if sign.is_some() => sign.into_any(),
        None => view! { <span class="quiet">"not reported"</span> }.into_any(),
    }
}

/// Who has a machine, what for and until when.
fn lock(lock: &MachineLock) -> AnyView {
    view! {
        {lock.owner.clone()}": "{lock.purpose.clone()}
        <div class="quiet">"ends "{time(lock.until)}</div>
    }
    .into_any()
}

/// What a machine gets that nobody has accepted.
const fn answer(answer: Answer) -> &'static str {
    match answer {
        Answer::Menu => "the menu of production",
        Answer::Exit => "nothing: its firmware goes on with the next device",
        Answer::Refuse => "a refusal on its console",
    }
}
