//! A machine as a form, a program or a table says it: texts, checked all at once.

use serde::{Deserialize, Serialize};

use super::{Labels, Mac, MachineUuid, Profile, serial};
use crate::plan::RUNNER_MACHINE;

/// The most network cards of a machine.
pub const MOST_MACS: usize = 16;
/// The longest location, in characters.
pub const LONGEST_LOCATION: usize = 200;
/// The longest note, in characters.
pub const LONGEST_NOTE: usize = 2000;

/// What stands in the place of a machine's name in addresses of pages and of the API.
const TAKEN: [&str; 7] = ["new", "import", "export", "rules", "unregistered", "drift", "booting"];

/// Something that cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Name of the field.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

/// What a person says of a machine, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MachineDraft {
    /// Its name.
    pub name: String,
    /// MAC addresses, separated by blanks, commas or semicolons.
    pub macs: String,
    /// Its UUID; empty where it has none of its own.
    pub uuid: String,
    /// Its serial number; empty where it has none of its own.
    pub serial: String,
    /// Debian's word, or `x86_64`, `aarch64`; amd64 where empty.
    pub architecture: String,
    /// Labels, separated as the addresses.
    pub labels: String,
    /// Where it stands.
    pub location: String,
    /// Whatever else people should know.
    pub note: String,
}

/// Whether a machine can be called so.
///
/// # Errors
/// What is wrong and what to do, in one sentence.
pub fn check_name(name: &str) -> Result<(), String> {
    let allowed =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_');
    let fits = (1..=60).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.bytes().all(allowed);
    if !fits || TAKEN.contains(&name) {
        return Err(format!(
            "a machine's name has 1 to 60 of the characters a-z, 0-9, '.', '-' and '_', starts with a letter or digit, and is none of {}",
            TAKEN.join(", ")
        ));
    }
    if name == RUNNER_MACHINE {
        return Err(format!(
            "{name} is what runs call the runner's own emulated machine; take another name"
        ));
    }
    Ok(())
}

impl MachineDraft {
    /// The draft that says what a machine is now.
    #[must_use]
    pub fn of(name: &str, profile: &Profile) -> Self {
        let macs: Vec<String> = profile.macs.iter().map(ToString::to_string).collect();
        Self {
            name: name.to_owned(),
            macs: macs.join(" "),
            uuid: profile.uuid.map(|it| it.to_string()).unwrap_or_default(),
            serial: profile.serial.clone().unwrap_or_default(),
            architecture: profile.architecture.word().to_owned(),
            labels: profile.labels.to_string(),
            location: profile.location.clone(),
            note: profile.note.clone(),
        }
    }

    /// What it says, in its one form.
    ///
    /// # Errors
    /// Every fault of it.
    pub fn check(&self) -> Result<(String, Profile), Vec<Fault>> {
        let mut faults = Vec::new();
        let mut fault = |field, message: String| faults.push(Fault { field, message });
        let name = self.name.trim().to_owned();
        if let Err(message) = check_name(&name) {
            fault("name", message);
        }
        let mut profile = Profile::default();
        for text in self.macs.split(|c: char| c.is_whitespace() || c == ',' || c == ';') {
            match text.parse::<Mac>() {
                _ if text.is_empty() => {}
                Ok(mac) if !mac.is_of_a_card() => {
                    fault("macs", format!("no network card has the MAC address {mac}"));
                }
                Ok(mac) if profile.macs.contains(&mac) => {
                    fault("macs", format!("the MAC address {mac} stands there twice"));
                }
                Ok(mac) => profile.macs.push(mac),
                Err(error) => fault("macs", error.to_string()),
            }
        }
        if !(1..=MOST_MACS).contains(&profile.macs.len()) {
            fault("macs", format!("a machine has 1 to {MOST_MACS} MAC addresses"));
        }
        match self.uuid.trim() {
            "" => {}
            text => match text.parse::<MachineUuid>() {
                Ok(uuid) => profile.uuid = Some(uuid),
                Err(error) => fault("uuid", error.to_string()),
            },
        }
        if !self.serial.trim().is_empty() {
            profile.serial = serial(&self.serial);
            if profile.serial.is_none() {
                let text: String = self.serial.trim().chars().take(40).collect();
                fault(
                    "serial",
                    format!(
                        "\"{text}\" is no serial number that one machine alone has; leave it out"
                    ),
                );
            }
        }
        let architecture = match self.architecture.trim() {
            "" | "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        match architecture.parse() {
            Ok(architecture) => profile.architecture = architecture,
            Err(error) => fault("architecture", error.to_string()),
        }
        match self.labels.parse::<Labels>() {
            Ok(labels) => profile.labels = labels,
            Err(error) => fault("labels", error.to_string()),
        }
        let text = |text: &str, longest: usize, lines: bool| {
            let text = text.trim();
            let plain = |c: char| !c.is_control() || (lines && matches!(c, '\n' | '\r' | '\t'));
            let fits = text.chars().count() <= longest && text.chars().all(plain);
            fits.then(|| text.to_owned())
        };
        match text(&self.location, LONGEST_LOCATION, false) {
            Some(location) => profile.location = location,
            None => fault(
                "location",
                format!("a location is one line of {LONGEST_LOCATION} characters at the most"),
            ),
        }
        match text(&self.note, LONGEST_NOTE, true) {
            Some(note) => profile.note = note,
            None => fault("note", format!("a note has {LONGEST_NOTE} characters at the most")),
        }
        if faults.is_empty() { Ok((name, profile)) } else { Err(faults) }
    }
}
