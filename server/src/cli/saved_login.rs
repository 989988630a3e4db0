//! The server and token that `bootwright login` keeps: a file in the user's configuration folder
//! that nobody else can read.

use std::{
    env, fs,
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use clap::Args;
use serde::{Deserialize, Serialize};

use super::{client::Client, error::CliError};
use crate::api::tokens::Oneself;

/// Options of `bootwright login`.
#[derive(Debug, Args)]
pub struct LoginArgs {
    /// The server, such as `http://boot.example:3000`.
    url: String,
}

/// Which server is asked, and by which token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Login {
    /// Address of the server.
    pub(super) server: String,
    /// The token's secret.
    pub(super) token: String,
}

/// Reads a token from standard input, tries it, and keeps it.
pub(super) fn login(args: &LoginArgs) -> Result<(), CliError> {
    let mut input = io::stdin().lock();
    if io::stdin().is_terminal() {
        eprint!("Token (made on {}/account): ", args.url.trim_end_matches('/'));
        io::stderr().flush().map_err(CliError::Output)?;
    }
    let mut token = String::new();
    input.read_line(&mut token).map_err(CliError::Output)?;
    let token = token.trim().to_owned();
    if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err(CliError::Usage("give a token on standard input, such as bw_…".to_owned()));
    }
    let login = Login { server: args.url.trim_end_matches('/').to_owned(), token };
    let who: Oneself = Client::new(&login).get("/tokens/current")?;
    let path = place()?;
    keep(&path, &login).map_err(|source| CliError::File { path: path.clone(), source })?;
    let role = who.role.map_or_else(|| who.scope.phrase(), |role| role.to_string());
    println!("{} asks as {} ({role}); kept in {}", login.server, who.person, path.display());
    Ok(())
}

/// Forgets what was kept.
pub(super) fn logout() -> Result<(), CliError> {
    let path = place()?;
    match fs::remove_file(&path) {
        Ok(()) => println!("Forgotten: {}", path.display()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => println!("Nothing was kept."),
        Err(source) => return Err(CliError::File { path, source }),
    }
    Ok(())
}

/// The server and token to use: those that were given, else those that were kept. A token that was
/// kept is sent to the server that it was kept for and to no other.
pub(super) fn effective(server: Option<&str>) -> Result<Login, CliError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "an option would be read by everybody on this host, and clap reads nothing else"
    )]
    let token = env::var("BOOTWRIGHT_TOKEN").ok().filter(|token| !token.is_empty());
    let token = token.as_deref();
    if let (Some(server), Some(token)) = (server, token) {
        return Ok(Login { server: server.to_owned(), token: token.to_owned() });
    }
    let path = place()?;
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(CliError::NoLogin),
        Err(source) => return Err(CliError::File { path, source }),
    };
    let kept: Login = toml::from_str(&text).map_err(|error| CliError::File {
        path,
        source: io::Error::new(io::ErrorKind::InvalidData, error.to_string()),
    })?;
    match (server, token) {
        (Some(server), None) if server.trim_end_matches('/') != kept.server => {
            Err(CliError::NoLogin)
        }
        (_, Some(token)) => Ok(Login { token: token.to_owned(), ..kept }),
        (_, None) => Ok(kept),
    }
}

/// `$XDG_CONFIG_HOME/bootwright/login.toml` (XDG Base Directory Specification).
fn place() -> Result<PathBuf, CliError> {
    let folder = |name: &str| env::var_os(name).map(PathBuf::from).filter(|it| it.is_absolute());
    folder("XDG_CONFIG_HOME")
        .or_else(|| folder("HOME").map(|home| home.join(".config")))
        .map(|folder| folder.join("bootwright/login.toml"))
        .ok_or_else(|| CliError::Usage("set HOME, so that the token has a place".to_owned()))
}

/// Writes a file that only its owner reads, whole or not at all.
fn keep(path: &Path, login: &Login) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)?;
    let text = toml::to_string(login).map_err(io::Error::other)?;
    let part = path.with_extension("part");
    // Left by a run that was killed.
    let _ = fs::remove_file(&part);
    let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(&part)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&part, path)
}
