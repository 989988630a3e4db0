//! How machines look: a line of a list, and one with all that is known of it.

use domain::machine::Drift;

use crate::{
    api::machines::shown::{BootReason, Machine, MachineBoots},
    cli::{Cli, error::CliError, output::or_dash},
};

pub(super) fn list(cli: &Cli, machines: &[Machine]) -> Result<(), CliError> {
    let headings = ["name", "state", "boots", "by", "runs", "drift", "locked by", "seen"];
    cli.output.list(machines, &headings, |it| {
        vec![
            it.name.clone(),
            it.state.to_string(),
            it.boots.target.to_string(),
            reason(&it.boots),
            or_dash(it.running.as_ref().map(|it| it.name.as_str())),
            drift(it.drift).to_owned(),
            or_dash(it.lock.as_ref().map(|it| it.owner.as_str())),
            or_dash(it.last_seen_at.as_deref()),
        ]
    })
}

pub(super) fn one(cli: &Cli, it: &Machine) -> Result<(), CliError> {
    let macs: Vec<String> = it.macs.iter().map(ToString::to_string).collect();
    let labels: Vec<String> =
        it.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let once = it.once.as_ref().map(|once| {
        let entry = once.entry.as_ref().map_or_else(String::new, |it| format!(", entry {it}"));
        format!("{}{entry}, ordered by {} {}", once.target, once.asked_by, once.asked_at)
    });
    let lock = it.lock.as_ref();
    let lock = lock.map(|it| format!("{} until {}: {}", it.owner, it.until, it.purpose));
    let running = it.running.as_ref();
    let running = running.map(|it| format!("{}, entry {}, since {}", it.name, it.entry, it.since));
    let seen = it.last_seen_at.as_ref().map(|at| match &it.last_address {
        Some(address) => format!("{at} at {address}"),
        None => at.clone(),
    });
    cli.output.thing(
        it,
        &[
            ("Machine", format!("{} r{}", it.name, it.revision)),
            ("State", it.state.to_string()),
            ("Network cards", macs.join(", ")),
            ("UUID", it.uuid.clone().unwrap_or_default()),
            ("Serial number", it.serial.clone().unwrap_or_default()),
            ("Architecture", it.architecture.to_string()),
            ("Labels", labels.join(" ")),
            ("Location", it.location.clone()),
            ("Note", it.note.clone()),
            ("Boots", format!("{} ({})", it.boots.target, reason(&it.boots))),
            ("Boots once", once.unwrap_or_default()),
            ("Locked by", lock.unwrap_or_default()),
            ("Runs", running.unwrap_or_default()),
            ("Drift", drift(it.drift).to_owned()),
            ("First seen", it.first_seen_at.clone().unwrap_or_default()),
            ("Last seen", seen.unwrap_or_default()),
            ("Known", format!("{} by {}", it.created_at, it.created_by)),
        ],
    )
}

fn reason(boots: &MachineBoots) -> String {
    match (boots.why, boots.rule) {
        (BootReason::Own, _) => "its own".to_owned(),
        (BootReason::Rule, Some(number)) => format!("rule {number}"),
        (BootReason::Rule, None) => "a rule".to_owned(),
        (BootReason::Default, _) => "default".to_owned(),
    }
}

const fn drift(drift: Drift) -> &'static str {
    match drift {
        Drift::Unknown => "unknown",
        Drift::None => "none",
        Drift::Other => "other",
        Drift::NothingToBoot => "nothing-to-boot",
    }
}
