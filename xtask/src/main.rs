//! Does what cargo alone does not: the site that the server embeds, the loop of `make dev`, and all tests,
//! two programs at a time.
//!
//! `cargo xtask site` compiles `frontend` to WebAssembly, makes its script, joins the style sheet,
//! names every file after its content, compresses each, and leaves them in `<target>/site`. It
//! needs no tool that is installed by hand (MACHINE.md tells what a bare machine has).

mod bundle;
mod compile;
mod dev;
mod fault;
mod output;
mod site;
mod style;
mod terminal;
mod test_programs;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand, ValueEnum};

/// Tasks around the build.
#[derive(Debug, Parser)]
#[command(name = "xtask")]
struct Arguments {
    /// Where cargo puts what it builds.
    #[arg(long, env = "CARGO_TARGET_DIR", default_value = "target", global = true)]
    target_dir: PathBuf,
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Build the site (script, WebAssembly, style) into `<target>/site`.
    Site(SiteOptions),
    /// Serve, and build and serve anew whenever a source file changes.
    Dev {
        /// What the server is started with, such as `serve --data-dir DIR`.
        #[arg(last = true, required = true)]
        server: Vec<String>,
    },
    /// Compile and run all tests.
    Test {
        /// How many programs run at a time.
        #[arg(long, default_value_t = 2)]
        beside: usize,
    },
}

/// How the site is built.
#[derive(Debug, Clone, clap::Args)]
struct SiteOptions {
    /// The cargo profile of the WebAssembly.
    #[arg(long, value_enum, default_value_t = Profile::Quick)]
    profile: Profile,
    /// Which compiler makes the WebAssembly.
    #[arg(long, value_enum, default_value_t = Compiler::Auto)]
    compiler: Compiler,
    /// binaryen's `wasm-opt`, a script for node; used for `wasm-release`.
    #[arg(
        long,
        env = "BOOTWRIGHT_WASM_OPT",
        default_value = "xtask/wasm-opt/node_modules/binaryen/bin/wasm-opt"
    )]
    wasm_opt: PathBuf,
}

/// The cargo profile of the WebAssembly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// Quick to build, larger: `make run` and the tests.
    #[value(name = "wasm-quick")]
    Quick,
    /// Small, slow to build: `make release`.
    #[value(name = "wasm-release")]
    Release,
}

/// Which compiler makes the WebAssembly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Compiler {
    /// The first of the others that is there.
    Auto,
    /// The one on the path, which must have the target's standard library.
    Path,
    /// Debian's `rustc-web`, which builds that library along.
    Debian,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.task {
        Task::Site(options) => site::build(&arguments.target_dir, &options),
        Task::Dev { server } => dev::run(&arguments.target_dir, &server),
        Task::Test { beside } => test_programs::run(&arguments.target_dir, beside),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("xtask: {fault}");
            ExitCode::FAILURE
        }
    }
}
