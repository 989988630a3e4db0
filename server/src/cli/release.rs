//! `bootwright release …`

mod evidence;

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand, ValueEnum};
use domain::{release::Stage, run::report::Report};

use super::{
    Cli, Connection,
    client::{encode, query},
    download::save,
    error::CliError,
    follow::{self, Show},
    import::{self, ImportArgs},
    output::{one_line, or_dash},
    recipe::{diff_lines, read},
};
use crate::api::{
    assessments::MissingCaseWaiver,
    exchange::Listed,
    jobs::Job,
    notes::{NewNotes, Notes},
    releases::{
        ChangeAgainst, NewRelease, Reason, Release, ReleaseDetails, ReleaseFile, WhichPackages,
    },
    validations::NewValidation,
};

/// Options of `bootwright release`.
#[derive(Debug, Args)]
pub struct ReleaseArgs {
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(subcommand)]
    pub(super) command: ReleaseCommand,
}

/// Which packages a build takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PackageChoice {
    /// The newest that the archive has.
    Newer,
    /// Those of the recipe's newest release.
    Keep,
}

/// The form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// Text for a forum or an issue.
    Markdown,
    /// For programs.
    Json,
}

/// What can be done with releases.
#[derive(Debug, Subcommand)]
pub(super) enum ReleaseCommand {
    /// List releases, newest first.
    List {
        /// Only those of this stage: building, candidate, released, failed, withdrawn.
        #[arg(long)]
        stage: Option<Stage>,
        /// Only those of this recipe.
        #[arg(long, value_name = "NAME")]
        recipe: Option<String>,
        /// Only those whose candidate name holds this.
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
    },
    /// Show a release.
    Show {
        /// Its name: `v1.2.0-rc.1`, or `v1.2.0` once released.
        name: String,
    },
    /// Build a release of a recipe; prints the name of the release.
    Build {
        /// Name of the recipe.
        recipe: String,
        /// Number of the recipe's revision; the newest unless said otherwise.
        #[arg(long, value_name = "NUMBER")]
        revision: Option<u32>,
        /// The candidate's version; the one that is free unless said otherwise.
        #[arg(long)]
        version: Option<String>,
        /// Which packages it takes.
        #[arg(long, value_enum, default_value = "newer")]
        packages: PackageChoice,
        /// Stay and print the log until the build has ended; fail where it fails.
        #[arg(long)]
        follow: bool,
        /// Stay until the build has ended; fail where it fails.
        #[arg(long, conflicts_with = "follow")]
        wait: bool,
    },
    /// Import a rootfs, kernels and a menu that exist already; prints the name of the release.
    Import(Box<ImportArgs>),
    /// Run a plan against a release.
    Validate {
        /// Name of the release.
        name: String,
        /// Name of the plan.
        #[arg(long, default_value = "smoke")]
        plan: String,
        /// Stay until the plan has run; fail where the release does not pass.
        #[arg(long)]
        wait: bool,
    },
    /// Show what decides about a release, case by case; fail where it does not pass.
    Evidence {
        /// Name of the release.
        name: String,
    },
    /// List what speaks against a release, with what people say of it; fail where one is not reviewed.
    Failures {
        /// Name of the release; `variant/NAME` and `recorded/NAME` name others.
        name: String,
        /// Only those that nobody has reviewed.
        #[arg(long)]
        unreviewed: bool,
        /// Only those of this suite.
        #[arg(long, value_name = "NAME")]
        suite: Option<String>,
        /// Only those on this machine.
        #[arg(long, value_name = "NAME")]
        machine: Option<String>,
        /// Only those of runs of this plan.
        #[arg(long, value_name = "NAME")]
        plan: Option<String>,
    },
    /// Answer for cases that a plan demands and no run has answered, since a machine is dead, say; a line
    /// for each. Takes an approver, and holds there in later releases as well.
    WaiveMissing {
        /// Name of the release.
        name: String,
        /// Name of the machine that says nothing.
        #[arg(long, value_name = "NAME")]
        machine: String,
        /// Name of the plan.
        #[arg(long, default_value = "smoke")]
        plan: String,
        /// Only cases of the boot entry of this label.
        #[arg(long, value_name = "LABEL")]
        entry: Option<String>,
        /// Why they do not stand in the way.
        #[arg(long)]
        reason: String,
        /// Until when: a day such as 2026-12-31, or an instant in RFC 3339; a year ahead at the most.
        #[arg(long, value_name = "DAY")]
        until: String,
    },
    /// Show what changed in a release against what production serves.
    Diff {
        /// Name of the release.
        name: String,
    },
    /// List the files of a release.
    Files {
        /// Name of the release.
        name: String,
    },
    /// Save a file of a release: a component, `manifest.json`, `sbom.spdx.json`… or all of them.
    Export {
        /// Name of the release.
        name: String,
        /// Name of the file.
        #[arg(required_unless_present = "all")]
        file: Option<String>,
        /// Save every file, the rootfs as an archive among them, with `SHA256SUMS`.
        #[arg(long, conflicts_with = "file")]
        all: bool,
        /// Where to: a file, or with --all a folder; this folder and the files' own names unless
        /// said otherwise.
        #[arg(long, short, value_name = "PATH")]
        output: Option<PathBuf>,
    },
    /// Show or write a release's notes and known issues.
    Notes {
        /// Name of the release.
        name: String,
        /// File with new release notes; `-` for standard input.
        #[arg(long, value_name = "FILE")]
        set: Option<PathBuf>,
        /// File with new known issues; `-` for standard input.
        #[arg(long, value_name = "FILE")]
        set_known_issues: Option<PathBuf>,
    },
    /// Print the report of a release, to post it: what changed, what passed and failed, and why.
    Report {
        /// Name of the release, or `recorded/NAME` of one that was made elsewhere.
        name: String,
        /// What it is measured against; what stands before it unless said otherwise.
        #[arg(long, value_name = "NAME")]
        baseline: Option<String>,
        /// In which form.
        #[arg(long, value_enum, default_value = "markdown")]
        format: ReportFormat,
    },
    /// Take a candidate back for good: machines cannot boot it any more.
    Withdraw {
        /// Name of the release.
        name: String,
        /// Why; it stands in the audit log.
        #[arg(long)]
        reason: String,
    },
    /// Pin a candidate: nothing withdraws it, and its files and logs stay.
    Pin {
        /// Name of the release.
        name: String,
        /// Why it must stay.
        #[arg(long)]
        reason: String,
    },
    /// Take the pin off a release.
    Unpin {
        /// Name of the release.
        name: String,
    },
}

pub(super) fn run(cli: &Cli, command: &ReleaseCommand) -> Result<(), CliError> {
    match command {
        ReleaseCommand::List { stage, recipe, search } => {
            let filters = [
                ("stage", stage.map(Stage::word)),
                ("recipe", recipe.as_deref()),
                ("search", search.as_deref()),
            ];
            let all: Vec<Release> = cli.client.all(&format!("/releases{}", query(&filters)))?;
            let headings = ["name", "stage", "health", "serving", "recipe", "created", "digest"];
            cli.output.list(&all, &headings, |it| {
                let digest = or_dash(it.digest.map(|digest| digest.short()).as_deref());
                vec![
                    it.name.clone(),
                    it.stage.to_string(),
                    it.health.word().to_owned(),
                    if it.serving.is_empty() { "-".to_owned() } else { it.serving.join(",") },
                    format!("{} r{}", it.recipe, it.revision),
                    it.created_at.clone(),
                    digest,
                ]
            })
        }
        ReleaseCommand::Show { name } => shown(cli, &details(cli, name)?),
        ReleaseCommand::Build { recipe, revision, version, packages, follow, wait } => {
            let new = NewRelease {
                recipe: recipe.clone(),
                revision: *revision,
                version: version.clone(),
                packages: match packages {
                    PackageChoice::Newer => WhichPackages::Newer,
                    PackageChoice::Keep => WhichPackages::Keep,
                },
            };
            let job: Job = cli.client.post("/releases", &new)?;
            if *follow || *wait {
                let show = if *follow { Show::Log } else { Show::Progress };
                let done = follow::until_success(cli, &job.id, show)?;
                let outcome = done.job.outcome.clone().unwrap_or_default();
                if !cli.output.is_json() {
                    eprintln!("{outcome}");
                }
            }
            cli.output.said(&job, job.release.as_deref().unwrap_or_default())
        }
        ReleaseCommand::Import(args) => import::run(cli, args),
        ReleaseCommand::Validate { name, plan, wait } => {
            let new = NewValidation { release: name.clone(), plan: Some(plan.clone()) };
            let job: Job = cli.client.post("/validations", &new)?;
            if !*wait {
                return cli.output.said(&job, &job.id);
            }
            follow::until_success(cli, &job.id, Show::Progress)?;
            evidence::show(cli, name, Some(plan))
        }
        ReleaseCommand::Evidence { name } => evidence::show(cli, name, None),
        ReleaseCommand::WaiveMissing { name, machine, plan, entry, reason, until } => {
            let of = MissingCaseWaiver {
                plan: plan.clone(),
                suite: String::new(),
                machine: machine.clone(),
                entry: String::new(),
                case: String::new(),
                reason: reason.clone(),
                until: until.clone(),
            };
            evidence::waive_missing(cli, name, entry.as_deref(), &of)
        }
        ReleaseCommand::Failures { name, unreviewed, suite, machine, plan } => {
            let filters = [
                ("reviewed", unreviewed.then_some("no")),
                ("suite", suite.as_deref()),
                ("machine", machine.as_deref()),
                ("plan", plan.as_deref()),
            ];
            evidence::failures(cli, name, &query(&filters))
        }
        ReleaseCommand::Diff { name } => diff(cli, name),
        ReleaseCommand::Files { name } => {
            let path = format!("/releases/{}/files", encode(name));
            let files: Listed<ReleaseFile> = cli.client.get(&path)?;
            cli.output.list(&files.items, &["name", "what", "size", "sha-256"], |it| {
                let size = it.size.map_or_else(|| "-".to_owned(), |size| size.to_string());
                let digest = it.sha256.map(|digest| digest.to_string());
                vec![it.name.clone(), it.what.clone(), size, or_dash(digest.as_deref())]
            })
        }
        ReleaseCommand::Export { name, file: Some(file), output, .. } => {
            let path = output.clone().unwrap_or_else(|| PathBuf::from(file));
            export(cli, name, file, &path)
        }
        ReleaseCommand::Export { name, file: None, output, .. } => {
            let folder = output.clone().unwrap_or_default();
            if !folder.as_os_str().is_empty() {
                fs::create_dir_all(&folder)
                    .map_err(|source| CliError::File { path: folder.clone(), source })?;
            }
            let path = format!("/releases/{}/files", encode(name));
            let files: Listed<ReleaseFile> = cli.client.get(&path)?;
            files
                .items
                .iter()
                .try_for_each(|it| export(cli, name, &it.name, &folder.join(&it.name)))
        }
        ReleaseCommand::Notes { name, set, set_known_issues } => {
            notes(cli, name, set.as_deref(), set_known_issues.as_deref())
        }
        ReleaseCommand::Report { name, baseline, format } => {
            let asked = query(&[("baseline", baseline.as_deref())]);
            let path = format!("/releases/{}/report{asked}", encode(name));
            let report: Report = cli.client.get(&path)?;
            if *format == ReportFormat::Json || cli.output.is_json() {
                return cli.output.json(&report);
            }
            let lines: Vec<String> = report.markdown().lines().map(str::to_owned).collect();
            cli.output.lines(&lines)
        }
        ReleaseCommand::Withdraw { name, reason } => {
            let path = format!("/releases/{}/withdraw", encode(name));
            let done: ReleaseDetails =
                cli.client.post(&path, &Reason { reason: reason.clone() })?;
            cli.output.said(&done, &format!("{name} is withdrawn"))
        }
        ReleaseCommand::Pin { name, reason } => {
            let path = format!("/releases/{}/pin", encode(name));
            let done: ReleaseDetails = cli.client.set(&path, &Reason { reason: reason.clone() })?;
            cli.output.said(&done, &format!("{name} is pinned"))
        }
        ReleaseCommand::Unpin { name } => {
            let done: ReleaseDetails =
                cli.client.take_off(&format!("/releases/{}/pin", encode(name)))?;
            cli.output.said(&done, &format!("{name} is not pinned any more"))
        }
    }
}

fn details(cli: &Cli, name: &str) -> Result<ReleaseDetails, CliError> {
    cli.client.get(&format!("/releases/{}", encode(name)))
}

fn shown(cli: &Cli, it: &ReleaseDetails) -> Result<(), CliError> {
    let release = &it.release;
    let kernels = it.manifest.iter().flat_map(|manifest| &manifest.kernels);
    let kernels: Vec<&str> = kernels.map(|kernel| kernel.release.as_str()).collect();
    let digest = release.digest.map(|digest| digest.to_string()).unwrap_or_default();
    let unread: Vec<String> =
        it.unread.iter().map(|it| format!("{} ({})", it.label, it.reason)).collect();
    let imported = "it has no lock and cannot be built again";
    cli.output.thing(
        it,
        &[
            ("Release", release.name.clone()),
            ("Candidate", release.candidate.clone()),
            ("Stage", release.stage.to_string()),
            ("Health", release.health.word().to_owned()),
            ("Serving", release.serving.join(", ")),
            ("Recipe", format!("{} r{}", release.recipe, release.revision)),
            ("Imported", if release.imported { imported.to_owned() } else { String::new() }),
            ("Not read", unread.join("; ")),
            ("Asked for", format!("{} by {}", release.created_at, release.created_by)),
            (
                "Pinned",
                it.pin
                    .as_ref()
                    .map(|pin| format!("by {}: {}", pin.by, pin.reason))
                    .unwrap_or_default(),
            ),
            ("Files removed", it.files_removed_at.clone().unwrap_or_default()),
            ("Built", release.built_at.clone().unwrap_or_default()),
            ("Released", release.released_at.clone().unwrap_or_default()),
            ("Identical to", release.identical_to.clone().unwrap_or_default()),
            ("Kernels", kernels.join(", ")),
            ("Packages", it.packages.to_string()),
            ("Digest", digest),
            ("Job", release.job.clone()),
        ],
    )
}

fn notes(
    cli: &Cli,
    name: &str,
    notes: Option<&Path>,
    known_issues: Option<&Path>,
) -> Result<(), CliError> {
    let path = format!("/releases/{}/notes", encode(name));
    let seen = cli.client.versioned::<Notes>(&path)?;
    let shown = if notes.is_none() && known_issues.is_none() {
        seen.value
    } else {
        // What is not named stays as it is.
        let new = NewNotes {
            notes: notes.map_or(Ok(seen.value.notes), read)?,
            known_issues: known_issues.map_or(Ok(seen.value.known_issues), read)?,
        };
        cli.client.put(&path, &seen.etag, &new)?
    };
    if cli.output.is_json() {
        return cli.output.json(&shown);
    }
    let text = |title: &str, text: &str| {
        let lines = text.lines().map(one_line);
        [title.to_owned()].into_iter().chain(lines).chain([String::new()]).collect::<Vec<_>>()
    };
    cli.output.lines(&text("RELEASE NOTES", &shown.notes))?;
    cli.output.lines(&text("KNOWN ISSUES", &shown.known_issues))
}

fn diff(cli: &Cli, name: &str) -> Result<(), CliError> {
    let against: ChangeAgainst = cli.client.get(&format!("/releases/{}/change", encode(name)))?;
    if cli.output.is_json() {
        return cli.output.json(&against);
    }
    let change = &against.change;
    let base = against.base.as_deref().unwrap_or("nothing: production serves no release");
    let mut lines = vec![format!("{name} against {base}")];
    lines.extend(change.packages.iter().map(|it| {
        let versions = [it.from.as_deref(), it.to.as_deref()].map(|version| version.unwrap_or("-"));
        format!("package\t{}\t{}\t{} -> {}", it.kind.word(), it.name, versions[0], versions[1])
    }));
    lines.extend(change.kernels.iter().map(|it| {
        let releases = [it.from.as_deref(), it.to.as_deref()].map(|it| it.unwrap_or("-"));
        format!("kernel\t{}\t{} -> {}", it.alias, releases[0], releases[1])
    }));
    lines.extend(
        change
            .entries
            .iter()
            .map(|it| format!("entry\t{:?}\t{}", it.kind, it.label).to_lowercase()),
    );
    lines.extend(diff_lines(&against.recipe));
    cli.output.lines(&lines)
}

fn export(cli: &Cli, name: &str, file: &str, path: &Path) -> Result<(), CliError> {
    let source = format!("/releases/{}/files/{}", encode(name), encode(file));
    save(cli, &source, path, None)
}
