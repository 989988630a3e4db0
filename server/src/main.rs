//! Where the program starts: options, privileges, logging, command.

use std::{ffi::OsString, process::ExitCode};

use mimalloc::MiMalloc;
use server::{cli, commands, config, privileges, sockets::Sockets};

/// Pages are made of many small texts, and each is allocated: a third of the time of a large page went to
/// the system's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let config = match config::load(&arguments) {
        Ok(config) => config,
        Err(config::ConfigError::CommandLine(error)) => error.exit(),
        Err(error) => return fail(&error),
    };
    if let config::Command::Client(command) = &config.command {
        return cli::run(command).into();
    }
    if let config::Command::Within { ports, command } = &config.command {
        return lab::within(ports, command).into();
    }
    // Opened as whoever started us: the server's user may not reach it where it is.
    let program = std::fs::File::open("/proc/self/exe").ok();
    // As whoever started us, too: ports below 1024 are root's.
    let sockets = match &config.command {
        config::Command::Serve(options) => match Sockets::bind(options) {
            Ok(sockets) => Some(sockets),
            Err(error) => return fail(&error),
        },
        _ => None,
    };
    // Before any thread is started: the change of user is one of the whole process.
    let settled = match config.command.data() {
        Some(data) => privileges::settle(&data.user, &data.data_dir),
        None => Ok(()),
    };
    if let Err(error) = settled {
        return fail(&error);
    }
    match commands::run(config, program, sockets) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(error.as_ref()),
    }
}

/// Says what went wrong, cause by cause, and gives the exit status of a failure.
fn fail(error: &dyn std::error::Error) -> ExitCode {
    eprintln!("bootwright: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        eprintln!("  because {cause}");
        source = cause.source();
    }
    ExitCode::FAILURE
}
