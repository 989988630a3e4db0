//! What can go wrong, worded for whoever sits at the terminal.

use std::{
    io,
    path::{Path, PathBuf},
};

use thiserror::Error;

/// Why a task was not done.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: io::Error },
    #[error("{program} cannot be started: {error}")]
    Start { program: String, error: io::Error },
    #[error("{program} ended with {status}; what it printed above says why")]
    Program { program: String, status: std::process::ExitStatus },
    #[error(
        "no compiler for wasm32-unknown-unknown: run `rustup target add wasm32-unknown-unknown`, \
         or install Debian's rustc-web, cargo-web, rust-web-src and lld-22 (setup/20-rust.sh does)"
    )]
    NoCompiler,
    #[error("these tests failed, and what they printed above says why: {}", .0.join(", "))]
    Tests(Vec<String>),
    #[error("wasm-bindgen: {0}")]
    Bindgen(String),
    #[error(
        "{} is missing; `npm ci` in xtask/wasm-opt installs it (setup/30-node.sh does)", .0.display()
    )]
    NoWasmOpt(PathBuf),
    #[error(
        "{} is missing; `npm ci` in frontend/terminal installs it (setup/30-node.sh does)", .0.display()
    )]
    NoTerminal(PathBuf),
    #[error(
        "this xterm.js has {forbidden} {found} times, and {times} were looked at: see what it does with style, then xtask/src/terminal.rs"
    )]
    OtherTerminal { forbidden: &'static str, found: usize, times: usize },
    #[error("{}: line {line}: {what}", path.display())]
    Style { path: PathBuf, line: usize, what: &'static str },
}

/// Names the file in the error.
pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> Fault {
    let path = path.to_path_buf();
    move |error| Fault::File { path, error }
}
