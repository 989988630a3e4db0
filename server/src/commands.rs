//! The commands of the program, each a function from its options to an end.

use std::{
    fs::File,
    io::{self, BufRead as _, IsTerminal as _},
};

use domain::actor::Actor;
use services::{
    Services, StartError,
    tokens::{MadeToken, NewToken},
};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::{
    config::{AdminCommand, AuditCommand, Command, Config, DataArgs, LogFormat},
    sockets::Sockets,
};

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// Runs the command that the configuration names; `program` is this very program, opened before the
/// change of user, and `sockets` those of a server.
///
/// # Errors
/// What stopped the command, for the terminal.
pub fn run(config: Config, program: Option<File>, sockets: Option<Sockets>) -> Outcome {
    match &config.command {
        Command::Relay { socket } => return Ok(lab::relay(socket)?),
        Command::Shell(shell) => return Ok(shell.run()?),
        Command::Openapi => {
            println!("{}", serde_json::to_string_pretty(&crate::api::document())?);
            return Ok(());
        }
        Command::Serve(_)
        | Command::Migrate(_)
        | Command::Admin(_)
        | Command::Demo(_)
        | Command::Audit(_)
        | Command::Client(_)
        | Command::Within { .. } => {}
    }
    start_logging(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match config.command {
            Command::Serve(options) => {
                let sockets = sockets.map_or_else(|| Sockets::bind(&options), Ok)?;
                crate::serve::serve(*options, program, sockets).await
            }
            Command::Migrate(data) => {
                Services::migrate(&data.data_dir, data.database_url.as_deref()).await?;
                println!("The store in {} has this program's form.", data.data_dir.display());
                Ok(())
            }
            Command::Admin(AdminCommand::CreateUser { name, role, data, password_stdin: _ }) => {
                let mut password = String::new();
                io::stdin().lock().read_line(&mut password)?;
                let password = password.trim_end_matches(['\r', '\n']).to_owned();
                let services = administer(&data).await?;
                services
                    .add_person_with_password(&Actor::command_line(), &name, role, password)
                    .await?;
                println!("{name} may sign in as {role}.");
                Ok(())
            }
            Command::Admin(AdminCommand::CreateToken { name, label, limits, data }) => {
                let (role, scope, days) = (limits.role, limits.scope(), limits.days);
                let new = NewToken { name: label, role, scope, days };
                let services = administer(&data).await?;
                let made = services.create_token_for(&Actor::command_line(), &name, new).await?;
                let MadeToken { token, secret } = made;
                println!(
                    "Token \"{}\" acts for {name} as {}, until {}. It is shown once:",
                    token.name, token.role, token.expires_at
                );
                println!("{secret}");
                Ok(())
            }
            Command::Demo(data) => {
                let services = administer(&data).await?;
                let runs = services.fill_with_demonstration(&Actor::command_line()).await?;
                println!(
                    "This installation holds the data of a demonstration now: {runs} runs, on the \
                     page Tests. Every page says so; to be rid of them, remove the data folder."
                );
                Ok(())
            }
            Command::Audit(AuditCommand::Verify(data)) => {
                let verified = administer(&data).await?.verify_audit().await?;
                println!(
                    "{} audit rows, none edited, removed or inserted. Head: {}",
                    verified.rows, verified.head
                );
                Ok(())
            }
            // Done before there was a log.
            Command::Client(_)
            | Command::Shell(_)
            | Command::Openapi
            | Command::Relay { .. }
            | Command::Within { .. } => Ok(()),
        }
    })
}

async fn administer(data: &DataArgs) -> Result<Services, StartError> {
    Services::open_for_administration(&data.data_dir, data.database_url.as_deref()).await
}

fn start_logging(config: &Config) -> Outcome {
    let filter = EnvFilter::try_new(&config.log)?;
    let registry = tracing_subscriber::registry().with(filter);
    // Standard output is for what the user asked for; the log goes beside it.
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match config.log_format {
        LogFormat::Text => registry.with(lines.with_target(false)).try_init()?,
        LogFormat::Json => registry.with(lines.json()).try_init()?,
    }
    Ok(())
}
