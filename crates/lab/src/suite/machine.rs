//! The machine of a suite: a guest that can be switched off and on, with one console for all its life.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::time::Clock;
use process::Spawner;

use crate::{
    guest::GuestConfig,
    scrollback::Scrollback,
    session::{Session, SessionEnd},
};

/// How a machine is made.
pub(crate) struct Making {
    pub(crate) spawner: Spawner,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: GuestConfig,
    pub(crate) menu_path: String,
    pub(crate) socket: PathBuf,
}

/// A machine, off at first.
pub(crate) struct Machine {
    making: Making,
    console: Arc<Scrollback>,
    power: Mutex<Power>,
}

#[derive(Default)]
struct Power {
    on: Option<Session>,
    /// Whether it has been on, or somebody has decided that it is off.
    decided: bool,
    /// Whether its run is over: a button that is let go later switches nothing on.
    retired: bool,
    /// Why it could not be switched on, or ended by itself.
    trouble: Option<String>,
}

impl Machine {
    pub(crate) fn new(making: Making, console: Arc<Scrollback>) -> Self {
        Self { making, console, power: Mutex::default() }
    }

    pub(crate) fn console(&self) -> &Scrollback {
        &self.console
    }

    /// Switches the machine on for whoever looks at its console first: so nothing that it says is
    /// missed.
    pub(crate) fn look_at(&self) {
        let mut power = self.power();
        if !power.decided {
            self.start(&mut power);
        }
    }

    /// Switches it on, where it is not.
    pub(crate) fn switch_on(&self) {
        let mut power = self.power();
        if !is_on(&power) {
            self.start(&mut power);
        }
    }

    /// Switches it off at once, as by its plug.
    pub(crate) fn switch_off(&self) {
        let mut power = self.power();
        note_trouble(&mut power);
        power.decided = true;
        power.on = None;
    }

    /// Switches it off for good.
    pub(crate) fn retire(&self) {
        self.power().retired = true;
        self.switch_off();
    }

    /// Begins anew, where it is on.
    pub(crate) fn reset(&self) {
        let mut power = self.power();
        if is_on(&power) {
            power.on = None;
            self.start(&mut power);
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        is_on(&self.power())
    }

    /// Types. A machine that is off, or reads nothing, loses it, as a serial port without flow
    /// control does.
    pub(crate) fn type_in(&self, keys: &[u8]) {
        if let Some(session) = &self.power().on {
            let _ = session.type_in(keys);
        }
    }

    /// What went wrong with the machine itself, where something did.
    pub(crate) fn trouble(&self) -> Option<String> {
        let mut power = self.power();
        note_trouble(&mut power);
        power.trouble.clone()
    }

    fn start(&self, power: &mut Power) {
        if power.retired {
            return;
        }
        let Making { spawner, clock, config, menu_path, socket } = &self.making;
        power.decided = true;
        note_trouble(power);
        match Session::unattended(spawner, clock, config, menu_path, socket, self.console.clone()) {
            Ok(session) => power.on = Some(session),
            Err(error) => power.trouble = Some(error.to_string()),
        }
    }

    fn power(&self) -> MutexGuard<'_, Power> {
        self.power.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ended(power: &Power) -> Option<SessionEnd> {
    power.on.as_ref().and_then(|session| session.ended().borrow().clone())
}

fn is_on(power: &Power) -> bool {
    power.on.is_some() && ended(power).is_none()
}

/// A QEMU that ended, and not because its guest switched off, has had a fault.
fn note_trouble(power: &mut Power) {
    if let Some(SessionEnd { well: false, said }) = ended(power) {
        power.trouble = Some(if said.is_empty() {
            "QEMU ended by itself".to_owned()
        } else {
            format!("QEMU ended by itself: {said}")
        });
    }
}
