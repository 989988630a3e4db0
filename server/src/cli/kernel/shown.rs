//! Kernels and their builds on the terminal, and their files on this machine.

use std::{
    fs,
    path::{Path, PathBuf},
};

use domain::{digest::Digest, kernel::Definition, time::human_size};
use serde::Serialize;

use super::{address, build_details, details, named};
use crate::{
    api::{
        kernels::shown::{Kernel, KernelBuild, KernelBuildDetails, KernelDetails},
        problem::Problem,
    },
    cli::{Cli, client::encode, download::save, error::CliError, output::or_dash},
};

pub(super) fn kernels(cli: &Cli, all: &[Kernel]) -> Result<(), CliError> {
    let headings = ["name", "flavor", "state", "release", "size", "source", "used by"];
    cli.output.list(all, &headings, |it| {
        let release = it.built.as_ref().and_then(|build| build.release.as_deref());
        let users: Vec<&str> =
            [&it.uses.releases, &it.uses.building, &it.uses.recipes, &it.uses.kernels]
                .into_iter()
                .flatten()
                .map(|it| &**it)
                .collect();
        vec![
            it.name.clone(),
            it.flavor.to_string(),
            it.state.to_string(),
            or_dash(release),
            size(cli, it.built.as_ref().and_then(|build| build.size)),
            it.source.clone(),
            if users.is_empty() { "-".to_owned() } else { users.join(",") },
        ]
    })
}

pub(super) fn builds(cli: &Cli, all: &[KernelBuild]) -> Result<(), CliError> {
    let headings = ["build", "mode", "state", "release", "size", "created", "by"];
    cli.output.list(all, &headings, |it| {
        vec![
            named(it),
            it.mode.to_string(),
            it.state.to_string(),
            or_dash(it.release.as_deref()),
            size(cli, it.size),
            it.created_at.clone(),
            it.created_by.clone(),
        ]
    })
}

pub(super) fn kernel(cli: &Cli, it: &KernelDetails) -> Result<(), CliError> {
    let kernel = &it.kernel;
    let build = |build: &Option<KernelBuild>| build.as_ref().map(in_words).unwrap_or_default();
    let results: Vec<String> = kernel
        .results
        .iter()
        .map(|it| format!("{} {} at {} ({})", it.machine, it.outcome, it.ended_at, it.run))
        .collect();
    let mut properties = vec![
        ("Kernel", kernel.name.clone()),
        ("Flavor", kernel.flavor.to_string()),
        ("State", kernel.state.to_string()),
    ];
    properties.extend(made_of(&it.definition));
    properties.extend([
        ("Revision", format!("r{}", kernel.revision)),
        ("Added", format!("{} by {}", kernel.created_at, kernel.created_by)),
        ("Changed", format!("{} by {}", kernel.changed_at, kernel.changed_by)),
        ("Newest build", build(&kernel.newest)),
        ("Complete build", build(&kernel.built)),
        ("Releases", kernel.uses.releases.join(", ")),
        ("Releases at work", kernel.uses.building.join(", ")),
        ("Recipes", kernel.uses.recipes.join(", ")),
        ("Kernels", kernel.uses.kernels.join(", ")),
        ("Machines", results.join("; ")),
    ]);
    cli.output.thing(it, &properties)
}

fn in_words(build: &KernelBuild) -> String {
    let release = build.release.as_deref().unwrap_or("no release name yet");
    format!("{} ({}), {}: {release}", named(build), build.mode, build.state)
}

fn made_of(definition: &Definition) -> Vec<(&'static str, String)> {
    use domain::kernel::ConfigBase;
    let configuration = definition.configuration.as_ref().map(|it| {
        let base = match &it.base {
            ConfigBase::Defconfig { target } => target.clone(),
            ConfigBase::File { file } => file.name.clone(),
            ConfigBase::Kernel { name, .. } => format!("that of {name}"),
        };
        let fragments = it.fragments.iter().map(|fragment| fragment.name.clone());
        [base].into_iter().chain(fragments).collect::<Vec<_>>().join(" + ")
    });
    let patches: Vec<&str> = definition.patches.iter().map(|it| it.name.as_str()).collect();
    vec![
        ("Source", definition.source.summary()),
        ("Configuration", configuration.unwrap_or_default()),
        ("Patches", patches.join(", ")),
    ]
}

pub(super) fn build(cli: &Cli, it: &KernelBuildDetails) -> Result<(), CliError> {
    if cli.output.is_json() {
        return cli.output.json(it);
    }
    let build = &it.build;
    let record = it.record.as_ref();
    let source = record.map(|record| format!("{}, {}", record.source.origin, record.source.sha256));
    let mut properties = vec![
        ("Build", named(build)),
        ("Mode", build.mode.to_string()),
        ("State", build.state.to_string()),
        ("Release", build.release.clone().unwrap_or_default()),
    ];
    properties.extend(made_of(&it.definition));
    properties.extend([
        ("Found", source.unwrap_or_default()),
        ("Commit", record.and_then(|record| record.source.commit.clone()).unwrap_or_default()),
        ("Toolchain", record.map(|record| record.toolchain.join(", ")).unwrap_or_default()),
        ("Asked for", format!("{} by {}", build.created_at, build.created_by)),
        ("Started", build.started_at.clone().unwrap_or_default()),
        ("Ended", build.ended_at.clone().unwrap_or_default()),
        ("Files removed", build.files_removed_at.clone().unwrap_or_default()),
        ("Job", build.job.clone()),
    ]);
    cli.output.thing(it, &properties)?;
    report(cli, it)?;
    let files = record.map(|record| record.files.as_slice()).unwrap_or_default();
    cli.output.list(files, &["file", "what", "size", "sha-256"], |it| {
        let size = size(cli, Some(it.size));
        vec![it.name.clone(), it.role.word().to_owned(), size, it.sha256.to_string()]
    })
}

/// What became of a configuration: what did not stick first.
pub(super) fn report(cli: &Cli, it: &KernelBuildDetails) -> Result<(), CliError> {
    if cli.output.is_json() {
        return cli.output.json(it);
    }
    let report = it.report.clone().unwrap_or_default();
    let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
    let mut rows: Vec<[String; 5]> = Vec::new();
    for it in &report.not_kept {
        let why = format!("{}: {}", it.fragment, it.reason);
        rows.push([
            "not kept".to_owned(),
            it.name.clone(),
            value(&it.requested),
            value(&it.actual),
            why,
        ]);
    }
    for it in &report.changed {
        rows.push([
            "changed".to_owned(),
            it.name.clone(),
            value(&it.before),
            value(&it.after),
            it.menu.clone(),
        ]);
    }
    for warning in report.warnings {
        let [dash, other, third] = std::array::from_fn(|_| "-".to_owned());
        rows.push(["warning".to_owned(), dash, other, third, warning]);
    }
    let headings = ["what", "option", "asked for", "is", "why or where"];
    cli.output.list(&rows, &headings, |row| row.to_vec())
}

/// A file that was saved.
#[derive(Serialize)]
struct Saved {
    path: PathBuf,
    sha256: Option<Digest>,
}

pub(super) fn download(
    cli: &Cli,
    name: &str,
    number: Option<u32>,
    only: &[String],
    folder: &Path,
) -> Result<(), CliError> {
    let number = match number {
        Some(number) => number,
        None => details(cli, name)?.kernel.built.map(|build| build.number).ok_or_else(|| {
            missing(&format!(
                "kernel {name} has no complete build: run `bootwright kernel build {name}`"
            ))
        })?,
    };
    let record = build_details(cli, name, number)?.record;
    let known = record.into_iter().flat_map(|it| it.files).map(|it| (it.name, Some(it.sha256)));
    let all = || known.clone().chain([("record.json".to_owned(), None)]);
    let wanted: Vec<(String, Option<Digest>)> = if only.is_empty() {
        all().collect()
    } else {
        // What the build does not know is asked for all the same: the server says what is missing.
        let of =
            |file: &String| all().find(|(name, _)| name == file).unwrap_or((file.clone(), None));
        only.iter().map(of).collect()
    };
    fs::create_dir_all(folder)
        .map_err(|source| CliError::File { path: folder.to_path_buf(), source })?;
    let mut saved = Vec::new();
    for (file, sha256) in wanted {
        let source = format!("{}/builds/{number}/files/{}", address(name), encode(&file));
        if Path::new(&file).file_name().is_none_or(|last| last != &*file) {
            return Err(missing(&format!("a file of a build is never called {file}")));
        }
        let path = folder.join(&file);
        save(cli, &source, &path, sha256.as_ref())?;
        saved.push(Saved { path, sha256 });
    }
    cli.output.list(&saved, &["file", "sha-256"], |it| {
        let sha256 = it.sha256.map(|digest| digest.to_string());
        vec![it.path.display().to_string(), or_dash(sha256.as_deref())]
    })
}

fn missing(words: &str) -> CliError {
    CliError::Problem(Box::new(Problem::new(axum::http::StatusCode::NOT_FOUND, words)))
}

/// Bytes: rounded for people, exact for scripts.
fn size(cli: &Cli, bytes: Option<u64>) -> String {
    match bytes {
        None => "-".to_owned(),
        Some(bytes) if cli.output.is_terminal() => human_size(bytes),
        Some(bytes) => bytes.to_string(),
    }
}
