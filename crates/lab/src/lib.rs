//! Machines and evidence: QEMU guests that boot through a real iPXE, and the smoke checks inside.
//!
//! A run is one guest: it loads `/release/<version>/menu.ipxe` from our own boot listener, picks
//! the entry as lab robots do (keys on the serial console), boots, signs in, and the checks of plan
//! "smoke" run over the same console. What counts is what was observed here: console lines with
//! their times, and the transfers that the boot listener itself counted.
//!
//! A session is a guest that a person looks at: nobody judges it, and its console goes both ways.
//!
//! A suite is somebody's tests, in a sandbox: its machine is a guest whose console and buttons are
//! served to it as labs serve those of real machines.
//!
//! Blocking code: runs, sessions and suites have threads of their own.

mod accelerator;
mod boot;
mod checks;
mod complaints;
mod console;
#[cfg(test)]
mod faulty_tests;
mod guest;
mod hypervisor;
mod keys;
mod relay;
pub mod results;
#[cfg(test)]
mod robot_tests;
mod scrollback;
mod session;
mod smoke;
mod stages;
mod suite;
#[cfg(test)]
#[path = "../tests/support/mod.rs"]
mod test_support;

pub use accelerator::{Accelerator, probe_accelerator};
pub use boot::BootLimits;
pub use guest::{Board, GuestConfig, LabError, NFS_PORT, nfs_socket};
pub use keys::NotTyped;
pub use relay::relay;
pub use scrollback::{ConsolePart, Scrollback};
pub use session::{Session, SessionEnd, SessionRequest};
pub use smoke::{RunObserver, RunReport, SmokeRequest, run_smoke};
pub use stages::{ConsoleTimes, waterfall};
pub use suite::{
    Artefact, NoOpenPort, OpenPort, SuiteCommand, SuiteEnd, SuiteLimits, SuiteReport, SuiteRequest,
    SuiteVariables, run_suite, within,
};
