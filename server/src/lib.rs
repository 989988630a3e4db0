//! The program `bootwright`: command line, configuration, HTTP wiring.
//!
//! `main` turns arguments into a [`config::Config`], binds the [`sockets`], becomes an ordinary user, and
//! hands over to one of the commands. `bootwright serve` opens two listeners: the [`dashboard`] for people and the
//! boot listener for machines. What they do is decided in `services`; nothing here knows SQL.

pub mod api;
pub mod assets;
pub mod auth;
mod badges;
pub mod cli;
pub mod commands;
pub mod config;
pub mod dashboard;
pub mod downloads;
mod feed;
pub mod form_answers;
pub mod guests;
pub mod health;
mod imports;
mod kernels;
pub mod live;
mod machines;
mod multipart;
mod nfs_server;
mod notes;
pub mod origin;
mod plans;
mod port_holder;
pub mod privileges;
mod readers;
pub mod recipes;
pub mod refusal;
mod reports;
mod results;
pub mod serve;
pub mod session_store;
pub mod sockets;
mod timing;
mod variants;

/// What `--version` prints: the release and the commit it was built from.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("BOOTWRIGHT_COMMIT"), ")");
