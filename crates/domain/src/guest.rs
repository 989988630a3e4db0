//! Guests: QEMU machines that a person started to try something, with their serial console.
//!
//! A guest boots what any machine would boot, from the same menu, and proves nothing: what it showed
//! is no evidence. It lives in memory only, ends by itself when its time is over, and everybody who
//! may read may watch its console, while one person at a time types ([`Keyboard`]).

mod keyboard;

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

pub use self::keyboard::{Keyboard, Typist};
use crate::{ids::GuestId, time::Timestamp};

/// What a guest boots. Whatever has a menu at the boot listener can be one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// What people call it: the name of a release, say.
    pub title: String,
    /// Path of its menu at the boot listener: `/release/v1.0.0-rc.1/menu.ipxe`.
    pub menu_path: String,
    /// Address of its page.
    pub link: String,
}

/// How a guest stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum GuestState {
    /// QEMU is being started.
    Starting,
    /// It runs.
    Running,
    /// It is over; what it wrote can be read for a while.
    Ended,
}

impl GuestState {
    /// The word used in tables and by the API.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Ended => "ended",
        }
    }

    /// Whether it is over.
    #[must_use]
    pub fn ended(self) -> bool {
        self == Self::Ended
    }
}

impl fmt::Display for GuestState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why a guest is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum EndReason {
    /// Its system switched the machine off, or asked for a reboot, which ends it as well.
    SwitchedOff,
    /// Somebody stopped it.
    Stopped {
        /// Name of the person.
        by: String,
    },
    /// Its time was over.
    TimeOver,
    /// The server was asked to end.
    ServerEnds,
    /// QEMU could not be started, or ended by itself.
    Failed {
        /// What QEMU or the system said.
        message: String,
    },
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SwitchedOff => f.write_str("it switched itself off or asked for a reboot"),
            Self::Stopped { by } => write!(f, "{by} stopped it"),
            Self::TimeOver => f.write_str("its time was over"),
            Self::ServerEnds => f.write_str("the server was stopped"),
            Self::Failed { message } => write!(f, "it failed: {message}"),
        }
    }
}

/// The size of a guest's screen in characters, the same for everybody who watches: what it writes
/// was laid out for one width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScreenSize {
    /// Characters in a line.
    pub columns: u16,
    /// Lines.
    pub rows: u16,
}

impl Default for ScreenSize {
    /// What firmware and iPXE draw for.
    fn default() -> Self {
        Self { columns: 80, rows: 24 }
    }
}

impl ScreenSize {
    /// The nearest size that a screen may have: never smaller than what menus are drawn for.
    #[must_use]
    pub fn bounded(self) -> Self {
        Self { columns: self.columns.clamp(80, 240), rows: self.rows.clamp(24, 80) }
    }
}

/// A guest as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    /// Which guest.
    pub id: GuestId,
    /// What it boots.
    pub subject: Subject,
    /// Label of the boot entry that is picked; `None` where the menu is left to whoever types.
    pub entry: Option<String>,
    /// Who started it.
    pub started_by: Typist,
    /// When.
    pub started_at: Timestamp,
    /// When its time is over.
    pub ends_at: Timestamp,
    /// How it stands.
    pub state: GuestState,
    /// When and why it ended.
    pub ended: Option<(Timestamp, EndReason)>,
    /// Who has the keyboard; `None` where it is free.
    pub typist: Option<Typist>,
    /// How many sockets show its console now.
    pub watchers: u32,
    /// The size of its screen.
    pub screen: ScreenSize,
    /// Offset of the first byte of its console that is kept.
    pub console_from: u64,
    /// Offset behind the last byte of its console so far.
    pub console_end: u64,
}

/// How many guests there may be, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuestLimits {
    /// How many may run at once.
    pub at_once: u32,
    /// How many of one person may run at once.
    pub per_person: u32,
    /// How long one runs, unless somebody gives it that long again.
    pub life: Duration,
}

impl Default for GuestLimits {
    fn default() -> Self {
        Self { at_once: 3, per_person: 2, life: Duration::from_secs(60 * 60) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_has_room_for_a_menu_and_an_end() {
        let bounded = |columns, rows| ScreenSize { columns, rows }.bounded();
        assert_eq!(bounded(0, 0), ScreenSize::default());
        assert_eq!(bounded(132, 40), ScreenSize { columns: 132, rows: 40 });
        assert_eq!(bounded(u16::MAX, u16::MAX), ScreenSize { columns: 240, rows: 80 });
    }

    #[test]
    fn every_end_says_why() {
        let stopped = EndReason::Stopped { by: "ada".to_owned() };
        assert_eq!(stopped.to_string(), "ada stopped it");
        let failed = EndReason::Failed { message: "no memory".to_owned() };
        assert_eq!(failed.to_string(), "it failed: no memory");
    }
}
