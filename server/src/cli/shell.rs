//! What shells and `man` need: completions and manual pages, made from the options themselves.

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::{CommandFactory as _, Subcommand};
use clap_complete::Shell;

use crate::config::Config;

/// Completions and manual pages.
#[derive(Debug, Subcommand)]
pub enum ShellCommand {
    /// Print completions for a shell: bash, zsh or fish.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write the manual pages into a folder, one per command.
    Man {
        /// The folder; made where it is missing.
        folder: PathBuf,
    },
}

impl ShellCommand {
    /// Writes what was asked for.
    ///
    /// # Errors
    /// Where a file or standard output cannot be written.
    pub fn run(&self) -> io::Result<()> {
        match self {
            Self::Completions { shell } => {
                let mut script = Vec::new();
                clap_complete::generate(*shell, &mut Config::command(), "bootwright", &mut script);
                io::Write::write_all(&mut io::stdout().lock(), &script)
            }
            Self::Man { folder } => manual(folder),
        }
    }
}

fn manual(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    // Not the date of the build: the same program writes the same pages.
    clap_mangen::generate_to(Config::command(), folder)
}
