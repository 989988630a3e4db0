//! `bootwright run import`: sends files of results as they are read, one run for each.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use clap::Args;
use domain::{digest::Digest, run::reported::ResultFormat};
use serde::Serialize;

use super::{about, counted};
use crate::{
    api::runs::Run,
    cli::{
        Cli,
        client::query,
        error::{CliError, ExitStatus},
        output::one_line,
        upload::bar,
    },
};

/// Options of `bootwright run import`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ImportArgs {
    /// The files; `-` for standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What they are about: the name of a release, `variant/NAME`, or `recorded/NAME` for one that was
    /// made elsewhere; the run waits in the inbox where nobody says so.
    #[arg(long, value_name = "NAME")]
    release: Option<String>,
    /// Name of the machine.
    #[arg(long, value_name = "NAME")]
    machine: Option<String>,
    /// Label of the boot entry.
    #[arg(long, value_name = "LABEL")]
    entry: Option<String>,
    /// Name of the suite; the outermost one of the file unless said otherwise.
    #[arg(long, value_name = "NAME")]
    suite: Option<String>,
    /// Which kernel the machine ran.
    #[arg(long, value_name = "RELEASE")]
    kernel: Option<String>,
    /// Their format: robot-xml, robot-json, junit, tap, csv, json; recognised unless said otherwise.
    #[arg(long)]
    format: Option<ResultFormat>,
    /// Of a table with a column for each board: the header of the one to take.
    #[arg(long, value_name = "HEADER")]
    board: Option<String>,
    /// SHA-256 of the manifest that was judged; a token of one plan and one machine names it.
    #[arg(long, value_name = "SHA-256")]
    manifest: Option<Digest>,
    /// Name of the plan, from a token of one plan and one machine only.
    #[arg(long, value_name = "NAME", requires = "manifest")]
    plan: Option<String>,
    /// What to call the file; its own name unless said otherwise.
    #[arg(long)]
    name: Option<String>,
}

/// What became of a file, as `--json` prints it.
#[derive(Serialize)]
struct Brought {
    file: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<Run>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub(super) fn run(cli: &Cli, args: &ImportArgs) -> Result<(), CliError> {
    if args.name.is_some() && args.files.len() > 1 {
        return Err(CliError::Usage("--name is for one file".to_owned()));
    }
    let mut all = Vec::with_capacity(args.files.len());
    let mut stopped = None;
    for path in &args.files {
        let file = path.display().to_string();
        let brought = match bring(cli, args, path) {
            Ok((run, new)) => Brought { file, new: Some(new), run: Some(run), error: None },
            // What holds for one file holds for the others.
            Err(error)
                if matches!(error.status(), ExitStatus::Refused | ExitStatus::Unreachable) =>
            {
                stopped = Some(error);
                break;
            }
            Err(error) => Brought { file, new: None, run: None, error: Some(error.to_string()) },
        };
        if !cli.output.is_json() {
            tell(cli, &brought, args.files.len())?;
        }
        all.push(brought);
    }
    if cli.output.is_json() {
        cli.output.json(&all)?;
    }
    if let Some(error) = stopped {
        return Err(error);
    }
    let failed: Vec<&Brought> = all.iter().filter(|it| it.error.is_some()).collect();
    match failed[..] {
        [] => Ok(()),
        [only] if all.len() == 1 => Err(CliError::NotBrought(sentence(only))),
        _ => Err(CliError::NotBrought(format!(
            "{} of {} files could not be brought in",
            failed.len(),
            all.len()
        ))),
    }
}

fn bring(cli: &Cli, args: &ImportArgs, path: &Path) -> Result<(Run, bool), CliError> {
    let own = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let own = own.filter(|name| name != "-");
    let manifest = args.manifest.map(|it| it.to_string());
    let said = query(&[
        ("name", args.name.as_deref().or(own.as_deref())),
        ("release", args.release.as_deref()),
        ("machine", args.machine.as_deref()),
        ("entry", args.entry.as_deref()),
        ("suite", args.suite.as_deref()),
        ("kernel", args.kernel.as_deref()),
        ("format", args.format.map(ResultFormat::word)),
        ("board", args.board.as_deref()),
        ("manifest", manifest.as_deref()),
        ("plan", args.plan.as_deref()),
    ]);
    let address = format!("/results{said}");
    if path.as_os_str() == "-" {
        return cli.client.send_results(&address, io::stdin(), None);
    }
    let unusable = |source| CliError::File { path: path.to_path_buf(), source };
    let file = File::open(path).map_err(unusable)?;
    let known = file.metadata().map_err(unusable)?;
    if known.is_dir() {
        return Err(unusable(io::ErrorKind::IsADirectory.into()));
    }
    // What comes out of a pipe (`<(…)`) has a length of its own only at its end.
    if !known.is_file() {
        return cli.client.send_results(&address, file, None);
    }
    let bar = bar(cli, known.len(), own.as_deref().unwrap_or_default());
    let brought = cli.client.send_results(&address, bar.wrap_read(file), Some(known.len()));
    bar.finish_and_clear();
    brought
}

/// Prints what became of one of `files` files.
fn tell(cli: &Cli, it: &Brought, files: usize) -> Result<(), CliError> {
    let Some(run) = &it.run else {
        // That of the only one is what the command ends with.
        if files > 1 {
            eprintln!("bootwright: {}", one_line(&sentence(it)));
        }
        return Ok(());
    };
    let new = if it.new == Some(true) { "new" } else { "known" };
    let columns = [run.id.clone(), new.to_owned(), about(run), counted(&run.totals)];
    let columns = columns.iter().chain([&it.file]).map(|it| one_line(it));
    let mut lines = vec![columns.collect::<Vec<_>>().join("\t")];
    let incomplete = run.incomplete.iter().map(|why| format!("# incomplete: {}", one_line(why)));
    lines.extend(incomplete);
    lines.extend(run.remarks.iter().map(|it| format!("# {}", one_line(it))));
    cli.output.lines(&lines)
}

fn sentence(it: &Brought) -> String {
    format!("{}: {}", it.file, it.error.as_deref().unwrap_or_default())
}
