//! Machines as a table: comma-separated values with a header.

use std::{
    fs,
    io::{self, Cursor, Read as _},
    path::PathBuf,
};

use clap::Args;

use super::PassingArgs;
use crate::{
    api::machines::table::ImportedMachines,
    cli::{Cli, client::query, error::CliError, recipe::explained},
};

/// What is taken.
#[derive(Debug, Args)]
pub(in crate::cli) struct ImportArgs {
    /// The table; `-` for standard input.
    file: PathBuf,
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    passing: PassingArgs,
}

/// Where it goes.
#[derive(Debug, Args)]
pub(in crate::cli) struct ExportArgs {
    /// The file; standard output unless said otherwise.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn import(cli: &Cli, args: &ImportArgs) -> Result<(), CliError> {
    let mut table = Vec::new();
    let read = if args.file.as_os_str() == "-" {
        io::stdin().lock().read_to_end(&mut table)
    } else {
        fs::File::open(&args.file).and_then(|mut file| file.read_to_end(&mut table))
    };
    let size = read.map_err(|source| CliError::File { path: args.file.clone(), source })?;
    let path = query(&[
        ("dry_run", args.dry_run.then_some("true")),
        ("reason", args.passing.reason.as_deref()),
    ]);
    let path = format!("/machines/import{path}");
    let size = u64::try_from(size).unwrap_or(u64::MAX);
    let done: ImportedMachines = explained(cli.client.send_file(&path, Cursor::new(table), size))?;
    if cli.output.is_json() {
        return cli.output.json(&done);
    }
    let added = done.added.iter().map(|name| format!("+ {name}"));
    let changed = done.changed.iter().map(|name| format!("~ {name}"));
    let counts = (done.added.len(), done.changed.len(), done.unchanged);
    let summary = format!("{} new, {} changed, {} as they were", counts.0, counts.1, counts.2);
    let summary = if args.dry_run { format!("{summary}: nothing was done yet") } else { summary };
    cli.output.lines(&added.chain(changed).chain([summary]).collect::<Vec<_>>())
}

pub(super) fn export(cli: &Cli, args: &ExportArgs) -> Result<(), CliError> {
    let mut table = cli.client.open("/machines/export")?;
    let Some(path) = &args.output else {
        return cli.output.bytes(table);
    };
    let written = fs::File::create(path).and_then(|mut file| io::copy(&mut table, &mut file));
    written.map(drop).map_err(|source| CliError::File { path: path.clone(), source })
}
