//! The words and rules of Bootwright.
//!
//! A **recipe** is a text that says what goes into a rootfs and its boot menu. Building it gives a
//! **release**: components named and digested in a **manifest**. A **validation** boots every
//! entry of a release and keeps what it saw as **evidence**; a person **approves** a
//! **deployment** request on that evidence, and executing it moves the one pointer of an
//! **environment**.
//!
//! Everything here is pure: no I/O, no async, no clock of its own. The same code decides on the
//! server, disables a button in the browser and words its reason, so this crate also builds to
//! WebAssembly. One file per noun; the same noun has the same file name in every crate above.

pub mod actor;
pub mod ansi;
pub mod assessment;
pub mod audit;
pub mod badge;
pub mod blob;
pub mod boot;
pub mod canonical;
pub mod change;
pub mod demonstration;
pub mod deployment;
pub mod digest;
pub mod environment;
pub mod error_chain;
pub mod evidence;
pub mod feed;
pub mod guest;
pub mod history;
pub mod ids;
pub mod import;
pub mod job;
pub mod kernel;
pub mod lock;
pub mod log;
pub mod machine;
pub mod manifest;
pub mod markdown;
pub mod menu;
pub mod notes;
pub mod packages;
pub mod page;
pub mod person;
pub mod plan;
pub mod policy;
pub mod recipe;
pub mod release;
pub mod room;
pub mod run;
pub mod sbom;
pub mod slot;
pub mod subject;
pub mod suite;
pub mod text_diff;
pub mod time;
pub mod token;
pub mod transfer;
pub mod variant;
pub mod version;
pub mod xml;
