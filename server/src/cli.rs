//! The command line on top of the REST API: what release managers, scripts and CI type.
//!
//! One file per noun; each command asks the API and prints what came: a table on a terminal, plain
//! lines with tabs in a pipe, the API's own JSON with `--json`. What a script must know is in the
//! exit status ([`error::ExitStatus`]).

mod boot;
mod client;
mod deployment;
mod download;
mod environment;
pub mod error;
mod follow;
mod guest;
mod import;
mod job;
mod kernel;
mod machine;
mod output;
mod plan;
mod recipe;
mod release;
mod room;
mod run;
mod saved_login;
mod shell;
mod suite;
mod token;
mod upload;
mod variant;

use clap::{Args, Subcommand};

use self::{client::Client, error::CliError, output::Output};
pub use self::{error::ExitStatus, shell::ShellCommand, token::TokenLimits};

/// What scripts must know, below the help of every command that asks a server.
const NOTES: &str = "\
Exit status: 0 done, 1 failed, 2 wrong usage (of `run compare`: or it got worse), 3 refused (token, \
role or rules), 4 no such thing, 5 cannot be taken or changed meanwhile, 6 the job failed, 7 the \
release does not pass, 8 the server does not answer.
BOOTWRIGHT_SERVER and BOOTWRIGHT_TOKEN stand in for what `bootwright login` keeps.";

/// What every command that asks a server takes.
#[derive(Debug, Clone, Args)]
#[command(after_help = NOTES)]
pub struct Connection {
    /// The server, such as `http://boot.example:3000`; the one of `bootwright login` unless said
    /// otherwise.
    #[arg(long, global = true, env = "BOOTWRIGHT_SERVER", value_name = "URL")]
    server: Option<String>,
    /// Print what the API answered, as JSON.
    #[arg(long, global = true)]
    json: bool,
}

/// What people and scripts ask of a server.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// Keep a token for this server in your configuration folder, for all commands after.
    Login(saved_login::LoginArgs),
    /// Forget the token that `login` kept.
    Logout,
    /// Recipes: the texts that releases are built from.
    Recipe(recipe::RecipeArgs),
    /// Kernels: what each is made of, configuring, building, comparing them.
    Kernel(kernel::KernelArgs),
    /// Variants: releases with something changed, for today's experiment.
    Variant(variant::VariantArgs),
    /// Releases: building, validating, looking at them.
    Release(release::ReleaseArgs),
    /// Plans: what is run to judge a release.
    Plan(plan::PlanArgs),
    /// Suites: your own tests, which plans run.
    Suite(suite::SuiteArgs),
    /// Runs: bringing results in, their history, comparing them.
    Run(run::RunArgs),
    /// Boots: how those of machines went, and how long they take.
    Boot(boot::BootArgs),
    /// Jobs: what is at work, and its log.
    Job(job::JobArgs),
    /// Guests: booting a release in QEMU to try it, its console, typing to it.
    Guest(guest::GuestArgs),
    /// Deployments: asking for one, judging, executing.
    Deployment(deployment::DeploymentArgs),
    /// Machines: what each boots, who has it, what it runs.
    Machine(machine::MachineArgs),
    /// Environments: what each serves and demands, and going back.
    Environment(environment::EnvironmentArgs),
    /// Room on the disk: what takes it, how long things stay, collecting garbage.
    Room(room::RoomArgs),
    /// Tokens: what programs sign in with.
    Token(token::TokenArgs),
}

/// Does what was asked; gives the exit status.
#[must_use]
pub fn run(command: &ClientCommand) -> ExitStatus {
    match done(command) {
        Ok(()) => ExitStatus::Done,
        Err(error) => {
            eprintln!("bootwright: {}", output::one_line(&error.to_string()));
            error.status()
        }
    }
}

fn done(command: &ClientCommand) -> Result<(), CliError> {
    match command {
        ClientCommand::Login(args) => saved_login::login(args),
        ClientCommand::Logout => saved_login::logout(),
        ClientCommand::Recipe(args) => {
            with(&args.connection, |cli| recipe::run(cli, &args.command))
        }
        ClientCommand::Kernel(args) => {
            with(&args.connection, |cli| kernel::run(cli, &args.command))
        }
        ClientCommand::Variant(args) => {
            with(&args.connection, |cli| variant::run(cli, &args.command))
        }
        ClientCommand::Release(args) => {
            with(&args.connection, |cli| release::run(cli, &args.command))
        }
        ClientCommand::Plan(args) => with(&args.connection, |cli| plan::run(cli, &args.command)),
        ClientCommand::Suite(args) => with(&args.connection, |cli| suite::run(cli, &args.command)),
        ClientCommand::Run(args) => with(&args.connection, |cli| run::run(cli, &args.command)),
        ClientCommand::Boot(args) => with(&args.connection, |cli| boot::run(cli, &args.command)),
        ClientCommand::Job(args) => with(&args.connection, |cli| job::run(cli, &args.command)),
        ClientCommand::Guest(args) => with(&args.connection, |cli| guest::run(cli, &args.command)),
        ClientCommand::Deployment(args) => {
            with(&args.connection, |cli| deployment::run(cli, &args.command))
        }
        ClientCommand::Machine(args) => {
            with(&args.connection, |cli| machine::run(cli, &args.command))
        }
        ClientCommand::Environment(args) => {
            with(&args.connection, |cli| environment::run(cli, &args.command))
        }
        ClientCommand::Room(args) => with(&args.connection, |cli| room::run(cli, &args.command)),
        ClientCommand::Token(args) => with(&args.connection, |cli| token::run(cli, &args.command)),
    }
}

/// A server to ask and a way to print.
struct Cli {
    client: Client,
    output: Output,
}

fn with(
    connection: &Connection,
    command: impl FnOnce(&Cli) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let login = saved_login::effective(connection.server.as_deref())?;
    let cli = Cli { client: Client::new(&login), output: Output::new(connection.json) };
    command(&cli)
}
