//! What is done to a machine: assigned, booted once, locked, merged, removed. Whoever passes another's lock
//! gives the reason in the same form.

use domain::machine::{BootTarget, LONGEST_LOCK_DAYS, LONGEST_PURPOSE, MachineState};
use leptos::prelude::*;

use crate::{
    api::machines::{
        AssignMachine, BootMachineOnce, ClearBootOnce, LockMachine, MachinePage, MergeMachine,
        RemoveMachine, Targets, UnlockMachine,
    },
    ui::{form, page, time::time},
    viewer::viewer,
};

/// For how many hours a machine is locked unless somebody says otherwise.
const USUAL_HOURS: u32 = 8;

fn named(data: &MachinePage) -> Vec<(&'static str, String)> {
    vec![("name", data.summary.machine.name.clone())]
}

/// The field for the reason, where it takes one to pass the lock that holds now.
pub(super) fn reason(data: &MachinePage, id: &'static str) -> Option<AnyView> {
    let lock = data.summary.machine.lock.as_ref().filter(|_| data.by_reason)?;
    let label = format!("Why the lock of {} does not hold", lock.owner);
    let typed = data.form.reason.clone();
    Some(view! {
        <div class="field">
            <label for=id>{label}</label>
            <input id=id name="reason" value=typed required maxlength="2000" autocomplete="off" placeholder="the audit log keeps it"/>
        </div>
    }
    .into_any())
}

/// The choice of what to boot; `chosen` is chosen already, and stands there whatever is known of it.
fn choice(
    id: &'static str,
    first: &'static str,
    all: &Targets,
    chosen: Option<&BootTarget>,
) -> AnyView {
    let kinds = [
        ("Environments", "environment", &all.environments),
        ("Releases", "release", &all.releases),
        ("Variants", "variant", &all.variants),
    ];
    let mut found = chosen.is_none();
    let mut groups = Vec::new();
    for (label, kind, names) in kinds {
        let mut options = Vec::new();
        for name in names {
            let selected = chosen.is_some_and(|it| it.kind() == kind && it.name() == name);
            found |= selected;
            let value = format!("{kind} {name}");
            options.push(view! { <option value=value selected=selected>{name.clone()}</option> });
        }
        if !options.is_empty() {
            groups.push(view! { <optgroup label=label>{options}</optgroup> });
        }
    }
    let other = chosen.filter(|_| !found).map(|it| {
        view! { <option value=it.to_string() selected=true>{it.to_string()}</option> }
    });
    view! {
        <select id=id name="target">
            <option value="">{first}</option>
            {other}
            {groups}
        </select>
    }
    .into_any()
}

/// The form that says what it boots.
pub(super) fn assigning(data: &MachinePage) -> AnyView {
    let own = data.summary.machine.target.as_ref();
    form::acting::<AssignMachine>(
        "sheet assign",
        named(data),
        view! {
            <div class="field">
                <label for="target">"Let it boot"</label>
                {choice("target", "what the rules say", &data.targets, own)}
            </div>
            {reason(data, "reason-assign")}
            {form::submit("Assign", "main", &data.assign)}
        }
        .into_any(),
    )
}

/// The form that lets it boot something once.
pub(super) fn once(data: &MachinePage) -> AnyView {
    // Where it was refused, the reason must be seen.
    let open = form::failed::<BootMachineOnce>().is_some();
    let entries: Vec<_> =
        data.entries.iter().map(|it| view! { <option value=it.clone()></option> }).collect();
    let entry = view! {
        <input id="entry" name="entry" list="entries" autocomplete="off" spellcheck="false" aria-describedby="entry-about"/>
        <datalist id="entries">{entries}</datalist>
    };
    let hint = "The label of a boot entry; left empty, the menu's own default.".to_owned();
    view! {
        <details class="back" open=open>
            <summary>"Boot something once…"</summary>
            {form::acting::<BootMachineOnce>("", named(data), view! {
                <p>"Its next boots get this until one of them has reported, or somebody takes it back. Then it boots what it did before."</p>
                <div class="field">
                    <label for="once-target">"Boot once"</label>
                    {choice("once-target", "choose", &data.targets, None)}
                </div>
                {form::field("entry", "Entry", Some(hint), None, entry.into_any())}
                {reason(data, "reason-once")}
                {form::submit("Boot it once", "", &data.assign)}
            }.into_any())}
        </details>
    }
    .into_any()
}

/// The button that takes back what it was to boot once.
pub(super) fn taking_back(data: &MachinePage) -> AnyView {
    // One reason for all that is refused: it stands beside the form that assigns.
    let same = data.clear_once.is_err() && data.clear_once == data.assign;
    let button = if same {
        view! { <button type="submit" disabled=true>"Take it back"</button> }.into_any()
    } else {
        form::submit("Take it back", "", &data.clear_once)
    };
    form::acting::<ClearBootOnce>(
        "inline",
        named(data),
        view! {
            {reason(data, "reason-clear")}
            {button}
        }
        .into_any(),
    )
}

/// Who has it, and the forms that lock it, extend the lock and release it.
pub(super) fn locking(data: &MachinePage) -> AnyView {
    let lock = data.summary.machine.lock.as_ref();
    let own = lock.filter(|it| it.owner == viewer().name);
    let stands = match lock {
        None => view! { <p class="quiet">"Nobody has locked it. Whoever locks it says for what, and nobody else changes it meanwhile."</p> }.into_any(),
        Some(it) => view! {
            <p><strong>{it.owner.clone()}</strong>" has it for: "{it.purpose.clone()}</p>
            <p class="quiet">"The lock ends "{time(it.until)}"."</p>
        }
        .into_any(),
    };
    let (title, label) = match (lock, own) {
        (None, _) => ("Lock it…", "Lock"),
        (Some(_), Some(_)) => ("Extend the lock…", "Extend"),
        (Some(_), None) => ("Take the lock over…", "Lock"),
    };
    // Where it was refused, the reason must be seen.
    let open = form::failed::<LockMachine>().is_some();
    let purpose = own.map(|it| it.purpose.clone()).unwrap_or_default();
    let purpose = view! {
        <input id="purpose" name="purpose" value=purpose required maxlength=LONGEST_PURPOSE.to_string() autocomplete="off"/>
    };
    let most = LONGEST_LOCK_DAYS * 24;
    let hint = format!("1 to {most} from now; then the lock ends by itself.");
    let hours = view! {
        <input id="hours" name="hours" type="number" min="1" max=most.to_string() required value=USUAL_HOURS.to_string() aria-describedby="hours-about"/>
    };
    let release = lock.map(|_| {
        form::acting::<UnlockMachine>(
            "after",
            named(data),
            view! {
                {reason(data, "reason-unlock")}
                {form::submit("Release the lock", "", &data.unlock)}
            }
            .into_any(),
        )
    });
    // Who cannot take it over reads the reason once, beside the other button.
    let taken = lock.is_some() && own.is_none() && !data.by_reason;
    let locking = (!taken).then(|| {
        view! {
            <details class="back" open=open>
                <summary>{title}</summary>
                {form::acting::<LockMachine>("", named(data), view! {
                    {form::field("purpose", "What for", None, None, purpose.into_any())}
                    {form::field("hours", "Hours", Some(hint), None, hours.into_any())}
                    {reason(data, "reason-lock")}
                    {form::submit(label, "", &data.lock)}
                }.into_any())}
            </details>
        }
    });
    view! { {stands}{locking}{release} }.into_any()
}

/// The form that says that a machine that was discovered is a registered one.
pub(super) fn merging(data: &MachinePage) -> AnyView {
    if data.others.is_empty() {
        return ().into_any();
    }
    let others: Vec<_> =
        data.others.iter().map(|it| view! { <option value=it.clone()></option> }).collect();
    let into = view! {
        <input id="into" name="into" list="others" required autocomplete="off" spellcheck="false" aria-describedby="into-about"/>
        <datalist id="others">{others}</datalist>
    };
    let hint = "Its network cards become that one's, and its UUID and serial number where that one has none.";
    // Nobody knows yet which machine it is, or who has that.
    let why = data.administrator.then(|| {
        let hint = "Only where somebody has locked that machine.".to_owned();
        let control = view! {
            <input id="reason-merge" name="reason" maxlength="2000" autocomplete="off" aria-describedby="reason-merge-about"/>
        };
        form::field("reason-merge", "Why that lock does not hold", Some(hint), None, control.into_any())
    });
    page::section(
        "Or it is a machine that is here already",
        form::acting::<MergeMachine>("sheet", named(data), view! {
            {form::field("into", "Name of that machine", Some(hint.to_owned()), None, into.into_any())}
            {why}
            {form::submit("Merge", "", &data.change)}
        }.into_any()),
    )
}

/// The form that removes it, or discards one that was discovered.
pub(super) fn removing(data: &MachinePage) -> AnyView {
    let machine = &data.summary.machine;
    // Where it was refused, the reason must be seen.
    let open = form::failed::<RemoveMachine>().is_some();
    let pending = machine.state == MachineState::Pending;
    let (title, words, label) = if pending {
        ("Discard it", "It turns up again when it asks for something to boot.", "Discard")
    } else {
        (
            "Remove this machine",
            "It boots as a stranger then. What was run on it stays, and the audit log keeps what was done.",
            "Remove",
        )
    };
    let confirm = (!pending && data.remove.is_ok())
        .then(|| form::confirm("confirm".to_owned(), &machine.name));
    view! {
        <details class="danger" id="remove" open=open>
            <summary>{title}</summary>
            <p>{words}</p>
            {form::acting::<RemoveMachine>("", named(data), view! {
                {confirm}
                {reason(data, "reason-remove")}
                {form::submit(label, "bad", &data.remove)}
            }.into_any())}
        </details>
    }
    .into_any()
}
