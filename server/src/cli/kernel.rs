//! `bootwright kernel …`

mod definition;
mod shown;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use domain::kernel::{BuildMode, Flavor, KernelState};

use self::definition::DefinitionArgs;
use super::{
    Cli, Connection,
    client::{Versioned, encode, query},
    error::CliError,
    follow::{self, Waiting},
    output::or_dash,
    upload::{name_of, upload},
};
use crate::api::{
    jobs::Job,
    kernels::{
        KernelConfigDiff, NewDefinition, NewKernel, NewKernelBuild,
        shown::{Kernel, KernelBuild, KernelBuildDetails, KernelDetails},
    },
};

/// Options of `bootwright kernel`.
#[derive(Debug, Args)]
pub struct KernelArgs {
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(subcommand)]
    pub(super) command: KernelCommand,
}

/// What can be done with kernels.
#[derive(Debug, Subcommand)]
pub(super) enum KernelCommand {
    /// List kernels by name.
    List {
        /// Only those of this flavor: linux, xen.
        #[arg(long)]
        flavor: Option<Flavor>,
        /// Only those that stand so: new, building, configured, built, failed.
        #[arg(long)]
        state: Option<KernelState>,
    },
    /// Show a kernel, or one of its builds with what became of its configuration.
    Show {
        /// Name of the kernel.
        name: String,
        /// Number of the build.
        #[arg(long, value_name = "NUMBER")]
        build: Option<u32>,
    },
    /// List the builds of a kernel, newest first.
    Builds {
        /// Name of the kernel.
        name: String,
    },
    /// Add a kernel; what it is made of lies in files here, which are uploaded, or elsewhere.
    Add {
        /// What to call it.
        name: String,
        #[command(flatten)]
        definition: Box<DefinitionArgs>,
    },
    /// Say anew what a kernel is made of; what is not named is not kept.
    Change {
        /// Name of the kernel.
        name: String,
        #[command(flatten)]
        definition: Box<DefinitionArgs>,
    },
    /// Write what a kernel is made of to a file, as `add` and `change` read it.
    Export {
        /// Name of the kernel.
        name: String,
        /// The file; standard output unless said otherwise.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Let the tree complete a kernel's configuration, and compile nothing; prints the build, or
    /// what did not stick and what the tree changed where it waits.
    Configure {
        /// Name of the kernel.
        name: String,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Build a kernel; prints the build.
    Build {
        /// Name of the kernel.
        name: String,
        /// Build it from its inputs alone, without the compiler's cache: for a release.
        #[arg(long)]
        release: bool,
        #[command(flatten)]
        waiting: Waiting,
    },
    /// Show how the configurations of two kernels differ.
    Diff {
        /// The former: a kernel, whose newest configuration is meant, or NAME/NUMBER for a build.
        from: String,
        /// The later, named likewise.
        to: String,
    },
    /// Save the files of a build: packages, image, configuration, and the record.
    Download {
        /// Name of the kernel.
        name: String,
        /// Only these files.
        files: Vec<String>,
        /// Number of the build; the newest complete one unless said otherwise.
        #[arg(long, value_name = "NUMBER")]
        build: Option<u32>,
        /// Folder to save them in.
        #[arg(long, value_name = "DIR", default_value = ".")]
        to: PathBuf,
    },
    /// Remove a kernel that nothing needs.
    Delete {
        /// Name of the kernel.
        name: String,
    },
    /// Upload files, for definitions that name them by their digest.
    Upload {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

pub(super) fn run(cli: &Cli, command: &KernelCommand) -> Result<(), CliError> {
    match command {
        KernelCommand::List { flavor, state } => {
            let filters =
                [("flavor", flavor.map(Flavor::word)), ("state", state.map(KernelState::word))];
            let all: Vec<Kernel> = cli.client.all(&format!("/kernels{}", query(&filters)))?;
            shown::kernels(cli, &all)
        }
        KernelCommand::Show { name, build: None } => shown::kernel(cli, &details(cli, name)?),
        KernelCommand::Show { name, build: Some(number) } => {
            shown::build(cli, &build_details(cli, name, *number)?)
        }
        KernelCommand::Builds { name } => {
            let path = format!("{}/builds", address(name));
            shown::builds(cli, &cli.client.all::<KernelBuild>(&path)?)
        }
        KernelCommand::Add { name, definition } => {
            let definition = definition.uploaded(cli)?;
            let new = NewKernel { name: name.clone(), definition };
            said(cli, &cli.client.post("/kernels", &new)?, "is added")
        }
        KernelCommand::Change { name, definition } => {
            let Versioned { value, etag } =
                cli.client.versioned::<KernelDetails>(&address(name))?;
            let definition = definition.uploaded(cli)?;
            if definition == value.definition {
                return said(cli, &value, "is unchanged");
            }
            let new = NewDefinition { definition };
            said(cli, &cli.client.put(&address(name), &etag, &new)?, "is saved")
        }
        KernelCommand::Export { name, output } => {
            let definition = details(cli, name)?.definition;
            let text = toml::to_string_pretty(&definition)
                .map_err(|error| CliError::Output(std::io::Error::other(error)))?;
            match output {
                None => cli.output.lines(&[text.trim_end_matches('\n').to_owned()]),
                Some(path) => std::fs::write(path, text)
                    .map_err(|source| CliError::File { path: path.clone(), source }),
            }
        }
        KernelCommand::Configure { name, waiting } => {
            match started(cli, name, BuildMode::Configure, *waiting)? {
                Started::Going(job, build) => cli.output.said(&job, &named(&build)),
                Started::Done(build) => shown::report(cli, &build),
            }
        }
        KernelCommand::Build { name, release, waiting } => {
            let mode = if *release { BuildMode::Release } else { BuildMode::Development };
            match started(cli, name, mode, *waiting)? {
                Started::Going(job, build) => cli.output.said(&job, &named(&build)),
                Started::Done(build) => cli.output.said(&build, &named(&build.build)),
            }
        }
        KernelCommand::Diff { from, to } => {
            let path = format!("/kernels/diff{}", query(&[("from", Some(from)), ("to", Some(to))]));
            let diff: KernelConfigDiff = cli.client.get(&path)?;
            if cli.output.is_json() {
                return cli.output.json(&diff);
            }
            let headings = ["option", "from", "to", "menu"];
            cli.output.list(&diff.differences, &headings, |it| {
                let values = [it.before.as_deref(), it.after.as_deref()].map(or_dash);
                let [before, after] = values;
                vec![it.name.clone(), before, after, it.menu.clone()]
            })
        }
        KernelCommand::Download { name, files, build, to } => {
            shown::download(cli, name, *build, files, to)
        }
        KernelCommand::Delete { name } => {
            cli.client.delete(&address(name))?;
            cli.output.said(&serde_json::json!({ "removed": name }), &format!("{name} is removed"))
        }
        KernelCommand::Upload { files } => {
            let kept: Result<Vec<_>, CliError> =
                files.iter().map(|path| upload(cli, path, &name_of(path)?)).collect();
            cli.output.list(&kept?, &["sha-256", "name", "size"], |it| {
                vec![it.sha256.to_string(), it.name.clone(), it.size.to_string()]
            })
        }
    }
}

fn address(name: &str) -> String {
    format!("/kernels/{}", encode(name))
}

fn details(cli: &Cli, name: &str) -> Result<KernelDetails, CliError> {
    cli.client.get(&address(name))
}

fn build_details(cli: &Cli, name: &str, number: u32) -> Result<KernelBuildDetails, CliError> {
    cli.client.get(&format!("{}/builds/{number}", address(name)))
}

fn said(cli: &Cli, it: &KernelDetails, what: &str) -> Result<(), CliError> {
    let Kernel { name, revision, source, .. } = &it.kernel;
    cli.output.said(it, &format!("{name} r{revision} {what}: {source}"))
}

/// A build as commands name it: `dev/3`.
fn named(build: &KernelBuild) -> String {
    format!("{}/{}", build.kernel, build.number)
}

/// A build that was asked for.
enum Started {
    /// Its job goes on.
    Going(Box<Job>, Box<KernelBuild>),
    /// Its job has ended well.
    Done(Box<KernelBuildDetails>),
}

fn started(cli: &Cli, name: &str, mode: BuildMode, waiting: Waiting) -> Result<Started, CliError> {
    let builds = format!("{}/builds", address(name));
    let job: Job = cli.client.post(&builds, &NewKernelBuild { mode })?;
    let all: Vec<KernelBuild> = cli.client.all(&builds)?;
    let build = all.into_iter().find(|build| build.job == job.id).ok_or_else(|| {
        CliError::Usage(format!("{name} was removed meanwhile, and its builds with it"))
    })?;
    let Some(show) = waiting.show() else {
        return Ok(Started::Going(Box::new(job), Box::new(build)));
    };
    let done = follow::until_success(cli, &job.id, show)?;
    if !cli.output.is_json() {
        eprintln!("{}", done.job.outcome.unwrap_or_default());
    }
    Ok(Started::Done(Box::new(build_details(cli, name, build.number)?)))
}
