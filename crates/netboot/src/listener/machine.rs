//! What one machine gets: it says who it is, and is answered from memory.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Extension,
    extract::{Path as Segments, Query, State, rejection::QueryRejection},
    http::{StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use domain::machine::{self, Answer, Architecture, BootTarget, Mac};

use super::{BootListener, Refused, environment_of, release_of, serves_nothing, variant_of};
use crate::{
    catalogue::{EnvironmentServed, Snapshot},
    connections::Peer,
    machines::{BookedMachine, BookedOnce, Known, MachineBook},
    script::{self, BOOT_SETTING, Base, EXIT_SCRIPT, environment_script, with_token},
    sightings::Sighting,
};

/// What a machine says of itself (matchbox's convention).
#[derive(Default, serde::Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    mac: String,
    #[serde(default)]
    uuid: String,
    #[serde(default)]
    serial: String,
    #[serde(default)]
    arch: String,
}

impl Asked {
    /// Who asks. Firmware fills UUID and serial number with nonsense, which is passed over; a MAC address
    /// that is none was typed, and is refused.
    fn known(&self) -> Result<Known, Refused> {
        let refused = |reason: &str| (StatusCode::BAD_REQUEST, reason.to_owned());
        let mac = match self.mac.trim() {
            "" => None,
            text => Some(text.parse::<Mac>().map_err(|_| refused("mac is no MAC address"))?),
        };
        let known = Known {
            mac,
            uuid: self.uuid.trim().parse().ok(),
            serial: machine::serial(&self.serial),
        };
        if known.mac.is_none() && known.uuid.is_none() && known.serial.is_none() {
            return Err(refused("the request names no mac, uuid or serial of a machine"));
        }
        Ok(known)
    }
}

/// What a machine is answered.
enum Answered {
    /// What it boots, and the order where this boot was one.
    Boots(Arc<BootTarget>, Option<BookedOnce>),
    /// Its firmware goes on with the next device.
    Exit,
    /// Nothing, with the reason.
    Refused(String),
}

fn answered(
    book: &MachineBook,
    known: &Known,
    machine: Option<&BookedMachine>,
    default: &str,
) -> Answered {
    let (answer, why) = match machine {
        Some(it) if !it.pending => {
            let once = it.once.clone();
            let target = once.as_ref().map_or_else(|| it.target.clone(), |it| it.target.clone());
            return Answered::Boots(target, once);
        }
        Some(it) => {
            (book.unregistered.pending, format!("machine {} waits to be accepted", it.name))
        }
        None => (book.unregistered.unknown, format!("{known} is not registered")),
    };
    match answer {
        Answer::Menu => {
            Answered::Boots(Arc::new(BootTarget::Environment(default.to_owned())), None)
        }
        Answer::Exit => Answered::Exit,
        Answer::Refuse => Answered::Refused(format!("{why}: see Machines on the dashboard")),
    }
}

fn served(
    snapshot: &Snapshot,
    target: &BootTarget,
    now: domain::time::Timestamp,
) -> Result<EnvironmentServed, Refused> {
    match target {
        BootTarget::Environment(name) => {
            let environment = environment_of(snapshot, name, now)?;
            let serves = environment.served().next().is_some();
            if serves { Ok(environment) } else { Err(serves_nothing(name)) }
        }
        BootTarget::Release(name) => release_of(snapshot, name).map(EnvironmentServed::alone),
        BootTarget::Variant(name) => variant_of(snapshot, name, now).map(EnvironmentServed::alone),
    }
}

/// What is no fault of whoever asks.
fn unrendered(reason: String) -> Refused {
    (StatusCode::INTERNAL_SERVER_ERROR, reason)
}

impl BootListener {
    /// The machine that asks, where it is known; that it was here is noted in memory alone.
    fn meet(
        &self,
        book: &MachineBook,
        known: &Known,
        architecture: Option<Architecture>,
        address: Option<IpAddr>,
    ) -> Option<Arc<BookedMachine>> {
        let machine = book.find(known).cloned();
        // A guest of this program is no machine of the site.
        if self.watch.observer.is_none() {
            let at = self.watch.clock.now();
            match &machine {
                Some(it) if !it.worth_noting(at) => {}
                Some(it) => self.sightings.note_known(&it.id, at, address),
                None => self.sightings.note(Sighting {
                    known: known.clone(),
                    architecture,
                    address,
                    at,
                }),
            }
        }
        machine
    }

    fn machine_script(
        &self,
        asked: &Asked,
        address: Option<IpAddr>,
        base: &Base,
    ) -> Result<Bytes, Refused> {
        let known = asked.known()?;
        let (book, current) = (self.machines.book(), self.catalogue.current());
        let machine = self.meet(&book, &known, Architecture::of_ipxe(&asked.arch), address);
        let default = &current.snapshot.default_environment;
        let (target, once) = match answered(&book, &known, machine.as_deref(), default) {
            Answered::Boots(target, once) => (target, once),
            Answered::Exit => return Ok(Bytes::from_static(EXIT_SCRIPT.as_bytes())),
            Answered::Refused(reason) => return Err((StatusCode::FORBIDDEN, reason)),
        };
        let served = served(&current.snapshot, &target, self.watch.clock.now())?;
        let _sending: Vec<_> = served.served().map(|it| self.boots.begin(it.digest)).collect();
        let token = self.begin_boot(machine.as_deref(), (&target, once.as_ref()), address);
        let base = &match token {
            Some(_) => base.clone().reporting(BOOT_SETTING),
            None => base.clone(),
        };
        let script = match once {
            Some(once) => {
                environment_script(&served, base, Some(once.entry.as_deref())).map(Bytes::from)
            }
            None => current.script(&target, &served, base),
        };
        let script = script.map_err(unrendered)?;
        Ok(token.map_or_else(|| script.clone(), |token| with_token(&script, &token)))
    }

    /// Begins the boot of a machine that was accepted; its token, where boots are watched.
    fn begin_boot(
        &self,
        machine: Option<&BookedMachine>,
        boots: (&Arc<BootTarget>, Option<&BookedOnce>),
        address: Option<IpAddr>,
    ) -> Option<String> {
        let machine = machine.filter(|it| !it.pending)?;
        self.traces.as_ref()?.begin(machine, boots, address, self.watch.clock.now())
    }

    fn machine_json(
        &self,
        mac: &str,
        address: Option<IpAddr>,
        base: &Base,
    ) -> Result<String, Refused> {
        let invalid = || (StatusCode::BAD_REQUEST, "that is no MAC address".to_owned());
        let mac = mac.parse::<Mac>().map_err(|_| invalid())?;
        let known = Known { mac: Some(mac), ..Known::default() };
        let (book, current) = (self.machines.book(), self.catalogue.current());
        let machine = self.meet(&book, &known, None, address);
        let default = &current.snapshot.default_environment;
        let (target, once) = match answered(&book, &known, machine.as_deref(), default) {
            Answered::Boots(target, once) => (target, once),
            // Pixiecore leaves alone whoever gets no answer.
            Answered::Exit => {
                return Err((StatusCode::NOT_FOUND, format!("{known} boots from its next device")));
            }
            Answered::Refused(reason) => return Err((StatusCode::FORBIDDEN, reason)),
        };
        let served = served(&current.snapshot, &target, self.watch.clock.now())?;
        let token = self.begin_boot(machine.as_deref(), (&target, once.as_ref()), address);
        let base = &match token {
            Some(token) => base.clone().reporting(&token),
            None => base.clone(),
        };
        let entry = once.as_ref().and_then(|it| it.entry.as_deref());
        script::pixiecore(&served, base, (entry, &mac.to_string().replace(':', "-")))
            .map_err(unrendered)
    }
}

fn address_of(peer: Option<Extension<Peer>>) -> Option<IpAddr> {
    peer.and_then(|Extension(peer)| peer.0)
}

/// The script of the machine that asks.
pub(super) async fn menu(
    State(listener): State<BootListener>,
    peer: Option<Extension<Peer>>,
    query: Result<Query<Asked>, QueryRejection>,
    request: Parts,
) -> Response {
    let asked = query.map(|Query(asked)| asked).unwrap_or_default();
    let script = listener
        .base(&request)
        .and_then(|base| listener.machine_script(&asked, address_of(peer), &base));
    listener.script(&request, script)
}

/// Pixiecore's API: what a machine boots without a menu, <https://github.com/danderson/netboot>.
pub(super) async fn pixiecore(
    State(listener): State<BootListener>,
    Segments(mac): Segments<String>,
    peer: Option<Extension<Peer>>,
    request: Parts,
) -> Response {
    let json = listener
        .base(&request)
        .and_then(|base| listener.machine_json(&mac, address_of(peer), &base));
    match json {
        Ok(json) => ([(header::CONTENT_TYPE, "application/json")], json).into_response(),
        Err((status, reason)) => (status, format!("{reason}\n")).into_response(),
    }
}
