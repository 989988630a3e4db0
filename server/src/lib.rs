//! The program `bootwright`: command line, configuration, HTTP wiring.
//!
//! `main` turns arguments into a [`config::Config`], becomes an ordinary user, and hands over to
//! one of the commands. `bootwright serve` opens two listeners: one for people, which has the health
//! checks so far, and the boot listener for machines. What they do is decided in `services`;
//! nothing here knows SQL.

pub mod commands;
pub mod config;
pub mod health;
pub mod privileges;
pub mod serve;

/// What `--version` prints: the release and the commit it was built from.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("BOOTWRIGHT_COMMIT"), ")");
