//! The life of a guest: one task from QEMU's start to the audit row of its end.

use std::sync::Arc;

use domain::{
    actor::Actor,
    guest::{EndReason, Guest, GuestState},
    ids::GuestId,
    manifest::BootEntry,
    time::Timestamp,
};
use lab::{Board, GuestConfig, LabError, Session, SessionRequest, probe_accelerator};

use super::{GuestSocket, held::Held};
use crate::{Services, audit::Change, error::ServiceError};

/// Memory of a guest, in MiB: the image is loaded into it, and its files are written to it.
pub(crate) const MEMORY_MIB: u32 = 1536;

/// What a guest begins with, from the menu that it is shown.
pub(super) struct Birth {
    board: Board,
    /// Texts of the entries down to the one that is to be picked.
    pick: Vec<String>,
}

impl Birth {
    /// Picking `entry`, or nothing.
    pub(super) fn of(entries: &[BootEntry], entry: Option<&str>) -> Result<Self, ServiceError> {
        let (pick, board) = match entry {
            None => (0, board_of(entries)),
            Some(label) => {
                let found = entries.iter().position(|it| it.label() == label);
                let position = found.ok_or_else(|| no_entry(entries, label))?;
                (position + 1, board_of(&entries[position..=position]))
            }
        };
        let pick = entries[..pick].iter().map(|it| it.text().to_owned()).collect();
        Ok(Self { board, pick })
    }
}

/// A hypervisor keeps devices apart by an IOMMU, so its machine has one.
fn board_of(entries: &[BootEntry]) -> Board {
    if entries.iter().any(|it| it.hypervisor().is_some()) { Board::WithIommu } else { Board::Plain }
}

fn no_entry(entries: &[BootEntry], label: &str) -> ServiceError {
    let labels: Vec<&str> = entries.iter().map(BootEntry::label).collect();
    let message = format!("the menu has no entry \"{label}\"; it has {}", labels.join(", "));
    ServiceError::invalid("entry", message)
}

/// Records that a guest was started, and starts it.
pub(super) async fn begin(
    services: Services,
    held: Arc<Held>,
    birth: Birth,
    actor: Actor,
) -> Result<(), ServiceError> {
    let noted =
        services.note_guest(&actor, held.view(), |guest| Change::GuestStarted { guest }).await;
    if noted.is_err() {
        services.held_guests().forget(held.id());
    } else {
        tokio::spawn(run(services, held, birth));
    }
    noted
}

/// Runs a guest until it is over, whatever ends it.
async fn run(services: Services, held: Arc<Held>, birth: Birth) {
    let (reason, actor) = tokio::select! {
        reason = live(&services, &held, birth) => (reason, held.itself()),
        asked = asked_to_end(&services, &held) => asked,
    };
    held.end_session();
    let at = services.now();
    let ended = Some((at, reason.clone()));
    let guest = Guest { state: GuestState::Ended, ended, ..held.view() };
    // Recorded first: whoever saw it end finds the row.
    let noted = services.note_guest(&actor, guest, |guest| Change::GuestEnded { guest }).await;
    if let Err(error) = noted {
        tracing::error!(guest = %held.id(), %error, "the end of a guest was not recorded");
    }
    held.end(at, reason);
    services.tell(&topic(held.id()));
}

/// From QEMU's start to its end.
async fn live(services: &Services, held: &Arc<Held>, birth: Birth) -> EndReason {
    let failed = |message: String| EndReason::Failed { message };
    let listener = services.boot_listener();
    let socket = match GuestSocket::open(services, listener, "guest", held.id().as_str()).await {
        Ok(socket) => socket,
        Err(error) => return failed(error.to_string()),
    };
    let starting = {
        let (services, held, path) = (services.clone(), held.clone(), socket.path().to_path_buf());
        // What works here is found out once, which may take a while; whoever stops the guest
        // meanwhile does not wait for it.
        tokio::task::spawn_blocking(move || start(&services, &held, birth, &path))
    };
    let session = match starting.await {
        Ok(Ok(session)) => session,
        Ok(Err(error)) => return failed(error.to_string()),
        Err(error) => return failed(error.to_string()),
    };
    let mut ended = session.ended();
    held.run(session);
    services.tell(&topic(held.id()));
    // An error means that the session's threads are gone, and QEMU with them.
    match ended.wait_for(Option::is_some).await.ok().and_then(|end| end.clone()) {
        Some(end) if !end.well && end.said.is_empty() => failed("QEMU was ended".to_owned()),
        Some(end) if !end.well => failed(end.said),
        Some(_) | None => EndReason::SwitchedOff,
    }
}

fn start(
    services: &Services,
    held: &Held,
    birth: Birth,
    socket: &std::path::Path,
) -> Result<Session, LabError> {
    let config = GuestConfig {
        accelerator: probe_accelerator(services.spawner(), services.clock()),
        board: birth.board,
        memory_mib: MEMORY_MIB,
        program: services.options().program.clone(),
    };
    let menu_path = held.subject().menu_path.clone();
    let request = SessionRequest { menu_path, pick: birth.pick };
    let console = held.console().clone();
    Session::start(services.spawner(), services.clock(), &config, request, socket, console)
}

/// Waits until somebody wants its end, or its time is over.
async fn asked_to_end(services: &Services, held: &Held) -> (EndReason, Actor) {
    let mut changed = held.changes();
    loop {
        changed.borrow_and_update();
        let ends_at: Timestamp = match held.to_end() {
            Ok(asked) => return asked,
            Err(ends_at) => ends_at,
        };
        let left = ends_at.since(services.now());
        if left.is_zero() {
            return (EndReason::TimeOver, held.itself());
        }
        tokio::select! {
            () = tokio::time::sleep(left) => {}
            // It lives as long as the guest is held.
            _ = changed.changed() => {}
        }
    }
}

/// Under which a change of a guest is told.
pub(super) fn topic(id: &GuestId) -> String {
    format!("guest/{id}")
}
