//! What machines boot from: iPXE scripts, kernels, initrds and images over plain HTTP.
//!
//! The boot listener serves what a candidate or a release consists of and nothing else. It never
//! sees a database: what there is stands in a [`Snapshot`] in memory, which the services swap after
//! each commit. Scripts are rendered per request and name every file by its release's digest, so a
//! boot that has begun finishes on the set it began with, whatever is deployed meanwhile.
//!
//! No cookies, no HTML, nothing secret; GET and HEAD change nothing. The one POST is a machine's report of
//! its own boot, with a token of that boot. A refusal is a script that says the reason on the machine's
//! console (DESIGN.md §6).

mod artifact;
mod boots;
mod catalogue;
mod connections;
mod exports;
mod file_body;
mod first_stage;
mod listener;
mod machines;
mod observe;
mod proxy_dhcp;
mod report;
mod request;
mod script;
mod short;
mod sightings;
mod snippets;
mod tftp;
mod token;
mod traces;

pub use catalogue::{Served, SharedCatalogue, Snapshot};
pub use exports::{PrivateOptions, RootExports};
pub use first_stage::{BIOS_BINARY, FirstStageBinaries, FirstStageError, UEFI_BINARY};
pub use listener::{BootListener, Route, routes, serve, serve_guest, serve_guest_nfs};
pub use machines::{BookedMachine, BookedOnce, Known, MachineBook, Noted, SharedMachines};
pub use observe::{Observations, Observer};
pub use proxy_dhcp::{ProxyInterface, serve_proxy_dhcp};
pub use request::{Part, range};
pub use roots::Quota;
pub use script::{Base, chain_script, menu_script, refusal_script};
pub use sightings::{Sighting, Sightings};
pub use snippets::Reached;
pub use tftp::{FirstStage, serve_tftp};
pub use token::{BootToken, TokenKey};
pub use traces::{BootNews, ReportAnswer, Reported, Traces};
