//! The command line, the environment (`BOOTWRIGHT_…`) and the configuration file: one set of options.
//!
//! A flag beats the environment, the environment beats the file, the file beats the default. The
//! file is TOML whose keys are the flags' long names: `listen = "0.0.0.0:3000"`.

use std::{
    ffi::OsString,
    net::{AddrParseError, IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
};

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use domain::person::Role;
use ipnet::IpNet;
use thiserror::Error;

use crate::cli::{ClientCommand, ShellCommand, TokenLimits};

/// Builds Debian releases for machines that boot over the network, proves them, and serves them.
#[derive(Debug, Parser)]
#[command(name = "bootwright", version = crate::VERSION, arg_required_else_help = true)]
pub struct Config {
    /// Configuration file (TOML); its keys are the long names of the options.
    #[arg(long, global = true, env = "BOOTWRIGHT_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What to log, such as `info` or `warn,services=debug`.
    #[arg(
        long,
        global = true,
        env = "BOOTWRIGHT_LOG",
        default_value = "info",
        value_name = "FILTER"
    )]
    pub log: String,
    /// How log lines are written.
    #[arg(long, global = true, env = "BOOTWRIGHT_LOG_FORMAT", value_enum, default_value = "text")]
    pub log_format: LogFormat,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What the program is asked to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the dashboard and what machines boot from, and run jobs.
    Serve(Box<ServeArgs>),
    /// Bring the store to this program's form and stop.
    Migrate(DataArgs),
    /// Administer an installation from its own machine.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Fill an empty installation with data to try things with: what is recorded of a release of 2018.
    Demo(DataArgs),
    /// Look after the audit log.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// What is asked of a server by its REST API.
    #[command(flatten)]
    Client(ClientCommand),
    /// Completions and manual pages.
    #[command(flatten)]
    Shell(ShellCommand),
    /// Print the `OpenAPI` document of the REST API.
    #[command(hide = true)]
    Openapi,
    /// Copy between standard streams and a Unix socket: how a guest reaches the boot listener.
    #[command(hide = true)]
    Relay {
        /// The socket to connect to.
        socket: PathBuf,
    },
    /// Run a command in a sandbox while ports of its loopback lead out: how a suite reaches its
    /// machine.
    #[command(hide = true)]
    Within {
        /// A port and the Unix socket that it leads to.
        #[arg(long = "port", value_name = "PORT=SOCKET")]
        ports: Vec<lab::OpenPort>,
        /// The command.
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

/// Where an installation keeps everything.
#[derive(Debug, Clone, Args)]
pub struct DataArgs {
    /// Folder that holds the database, the blobs, the keys and the logs.
    #[arg(long, env = "BOOTWRIGHT_DATA_DIR", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// The database; an SQLite file in the data folder unless said otherwise.
    #[arg(long, env = "BOOTWRIGHT_DATABASE_URL", value_name = "URL")]
    pub database_url: Option<String>,
    /// System user that the program becomes when root starts it.
    #[arg(long, env = "BOOTWRIGHT_USER", default_value = "bootwright", value_name = "NAME")]
    pub user: String,
}

/// Options of `bootwright serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Where the installation is.
    #[command(flatten)]
    pub data: DataArgs,
    /// Where the dashboard listens; port 0 picks one and prints it.
    #[arg(
        long,
        env = "BOOTWRIGHT_LISTEN",
        default_value = "127.0.0.1:3000",
        value_name = "HOST:PORT"
    )]
    pub listen: SocketAddr,
    /// Where machines boot from; port 0 picks one and prints it.
    #[arg(
        long,
        env = "BOOTWRIGHT_BOOT_LISTEN",
        default_value = "0.0.0.0:8000",
        value_name = "HOST:PORT"
    )]
    pub boot_listen: SocketAddr,
    /// Where firmware fetches iPXE over TFTP, usually 0.0.0.0:69, which takes root to start; off unless
    /// named.
    #[arg(long, env = "BOOTWRIGHT_TFTP_LISTEN", value_name = "HOST:PORT")]
    pub tftp_listen: Option<SocketAddr>,
    /// Interfaces on which firmware that asks for a network boot is told by proxyDHCP where iPXE is, beside
    /// the DHCP server that is there; none unless named, takes root to start, and needs TFTP.
    #[arg(
        long,
        env = "BOOTWRIGHT_PROXY_DHCP",
        value_name = "INTERFACE",
        value_delimiter = ',',
        requires = "tftp_listen"
    )]
    pub proxy_dhcp: Vec<String>,
    /// Where rootfs are mounted over NFS, or off; MOUNT and portmap answer on the same port.
    #[arg(
        long,
        env = "BOOTWRIGHT_NFS_LISTEN",
        default_value = "0.0.0.0:2049",
        value_name = "HOST:PORT|off"
    )]
    pub nfs_listen: NfsListen,
    /// The most that a machine's private root over NFS may hold beyond its release, in GiB.
    #[arg(long, env = "BOOTWRIGHT_NFS_QUOTA", default_value_t = 8, value_name = "GIB", value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    pub nfs_quota: u64,
    /// Folder of iPXE's binaries, those of the Debian package ipxe unless said otherwise.
    #[arg(long, env = "BOOTWRIGHT_IPXE_DIR", default_value = "/usr/lib/ipxe", value_name = "DIR")]
    pub ipxe_dir: PathBuf,
    /// Go on without TFTP, NFS or proxyDHCP where their ports are taken, and say so in the log.
    #[arg(long, env = "BOOTWRIGHT_SKIP_TAKEN_PORTS")]
    pub skip_taken_ports: bool,
    /// Host names besides this host's own by which browsers may open the dashboard.
    #[arg(long, env = "BOOTWRIGHT_HOST", value_name = "NAME", value_delimiter = ',')]
    pub host: Vec<String>,
    /// Let anybody see badges, signed in or not: they tell names of releases and environments, and how
    /// tests went.
    #[arg(long, env = "BOOTWRIGHT_PUBLIC_BADGES")]
    pub public_badges: bool,
    /// Addresses of reverse proxies whose `X-Forwarded-…` headers are believed.
    #[arg(long, env = "BOOTWRIGHT_TRUSTED_PROXY", value_name = "IP", value_delimiter = ',')]
    pub trusted_proxy: Vec<IpAddr>,
    /// Base URL of the Debian mirror; the one this host's apt uses unless said otherwise.
    #[arg(long, env = "BOOTWRIGHT_MIRROR", value_name = "URL")]
    pub mirror: Option<String>,
    /// Folder of finished build steps and downloads; `cache` in the data folder unless said otherwise.
    #[arg(long, env = "BOOTWRIGHT_CACHE_DIR", value_name = "DIR")]
    pub cache_dir: Option<PathBuf>,
    /// Folder of Git repositories on this host that kernels may be built from; none unless it is named.
    #[arg(long, env = "BOOTWRIGHT_SOURCE_ROOT", value_name = "DIR")]
    pub source_root: Option<PathBuf>,
    /// Folder of a Python environment with Robot Framework, made by this host's own Python and for
    /// everybody to read; without it suites of Robot Framework cannot be run.
    #[arg(long, env = "BOOTWRIGHT_SUITES_PYTHON", value_name = "DIR")]
    pub suites_python: Option<PathBuf>,
    /// Networks that sources of kernels may be fetched from although they are private or loopback,
    /// such as 10.1.0.0/16; link-local ones never.
    #[arg(long, env = "BOOTWRIGHT_SOURCE_NETWORK", value_name = "CIDR", value_delimiter = ',')]
    pub source_network: Vec<IpNet>,
    /// How many processes compile one kernel side by side; as many as there are cores unless said
    /// otherwise.
    #[arg(long, env = "BOOTWRIGHT_KERNEL_JOBS", value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub kernel_jobs: Option<u16>,
    /// How many jobs run side by side, besides a kernel; each build needs a subordinate id range of
    /// its own. With 0 nothing is built here, kernels neither.
    #[arg(long, env = "BOOTWRIGHT_WORKERS", default_value_t = 1, value_parser = clap::value_parser!(u16).range(0..=16))]
    pub workers: u16,
    /// Seconds that a validated machine may take from power-on to its login prompt.
    #[arg(long, env = "BOOTWRIGHT_BOOT_LIMIT", default_value_t = 600, value_name = "SECONDS")]
    pub boot_limit: u64,
    /// How many guests people may run at once to try something; each takes 1.5 GiB of memory. With
    /// 0 nobody can.
    #[arg(long, env = "BOOTWRIGHT_GUESTS", default_value_t = 3, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(0..=64))]
    pub guests: u32,
    /// How many of them one person may run at once.
    #[arg(long, env = "BOOTWRIGHT_GUESTS_PER_PERSON", default_value_t = 2, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub guests_per_person: u32,
    /// Minutes after which a guest ends by itself, unless somebody gives it that long again.
    #[arg(long, env = "BOOTWRIGHT_GUEST_LIFE", default_value_t = 60, value_name = "MINUTES", value_parser = clap::value_parser!(u64).range(1..=10_080))]
    pub guest_life: u64,
}

/// Where NFS is served, if it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NfsListen(pub Option<SocketAddr>);

impl FromStr for NfsListen {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "off" { Ok(Self(None)) } else { text.parse().map(|it| Self(Some(it))) }
    }
}

/// `bootwright admin …`
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Add a person; the password is read from standard input.
    CreateUser {
        /// Sign-in name.
        name: String,
        /// viewer, developer, approver or administrator.
        #[arg(long)]
        role: Role,
        /// Read the password from the first line of standard input.
        #[arg(long, required = true)]
        password_stdin: bool,
        /// Where the installation is.
        #[command(flatten)]
        data: DataArgs,
    },
    /// Make a bearer token that acts for a person; its secret is the last line of the output.
    CreateToken {
        /// Sign-in name of the person.
        name: String,
        /// What to call the token.
        #[arg(long, default_value = "command line")]
        label: String,
        /// What bounds it.
        #[command(flatten)]
        limits: TokenLimits,
        /// Where the installation is.
        #[command(flatten)]
        data: DataArgs,
    },
}

/// `bootwright audit …`
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Check that no row of the audit log was edited, removed or inserted.
    Verify(DataArgs),
}

impl Command {
    /// Where this command's installation is; `None` for commands without one.
    #[must_use]
    pub fn data(&self) -> Option<&DataArgs> {
        match self {
            Self::Serve(serve) => Some(&serve.data),
            Self::Migrate(data)
            | Self::Admin(
                AdminCommand::CreateUser { data, .. } | AdminCommand::CreateToken { data, .. },
            )
            | Self::Demo(data)
            | Self::Audit(AuditCommand::Verify(data)) => Some(data),
            Self::Client(_)
            | Self::Shell(_)
            | Self::Relay { .. }
            | Self::Within { .. }
            | Self::Openapi => None,
        }
    }
}

/// The configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The command line is wrong, or asks for help.
    #[error(transparent)]
    CommandLine(#[from] clap::Error),
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, or a value has a form no option takes.
    #[error("the configuration file {path} is wrong: {message}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        message: String,
    },
}

/// Reads the options of `arguments` (the program's name first), the environment and the file.
///
/// # Errors
/// Where one of the three cannot be used; a request for help is an error of clap's too.
pub fn load(arguments: &[OsString]) -> Result<Config, ConfigError> {
    let mut command = Config::command();
    if let Some(path) = file_of(arguments) {
        let options = read_file(&path)?;
        let malformed = |message| ConfigError::Malformed { path: path.clone(), message };
        let mut unused: Vec<&String> = options.keys().collect();
        command = with_defaults(command, &options, &mut unused).map_err(malformed)?;
        if let Some(key) = unused.first() {
            return Err(malformed(format!("no option is called \"{key}\"")));
        }
    }
    Ok(Config::from_arg_matches(&command.try_get_matches_from(arguments)?)?)
}

/// The file that `--config` or the environment names. Looked up by a command that knows nothing
/// else, since the file must be read before the options are.
fn file_of(arguments: &[OsString]) -> Option<PathBuf> {
    #[derive(Parser)]
    #[command(ignore_errors = true, disable_help_flag = true, disable_version_flag = true)]
    struct OnlyFile {
        #[arg(long, env = "BOOTWRIGHT_CONFIG")]
        config: Option<PathBuf>,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<OsString>,
    }
    let position = arguments.iter().position(|argument| {
        argument == "--config" || argument.to_string_lossy().starts_with("--config=")
    });
    let relevant = position.map_or(&[][..], |at| &arguments[at..arguments.len().min(at + 2)]);
    OnlyFile::try_parse_from(std::iter::once(&OsString::from("bootwright")).chain(relevant))
        .ok()
        .and_then(|only| only.config)
}

fn read_file(path: &PathBuf) -> Result<toml::Table, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.clone(), source })?;
    text.parse().map_err(|error: toml::de::Error| ConfigError::Malformed {
        path: path.clone(),
        message: error.to_string(),
    })
}

/// Makes the file's values the defaults of the options that carry their names, in all subcommands.
fn with_defaults(
    command: clap::Command,
    options: &toml::Table,
    unused: &mut Vec<&String>,
) -> Result<clap::Command, String> {
    let mut fault = None;
    let mut command = command.mut_args(|argument| {
        let Some((key, value)) = argument.get_long().and_then(|long| options.get_key_value(long))
        else {
            return argument;
        };
        unused.retain(|other| *other != key);
        match as_text(value) {
            Some(text) => argument.default_value(text).required(false),
            None => {
                fault = Some(format!(
                    "\"{key}\" must be a text, a number, true, false, or a list of texts"
                ));
                argument
            }
        }
    });
    let names: Vec<String> =
        command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in names {
        let mut result = Ok(());
        command = command.mut_subcommand(name, |sub| {
            with_defaults(sub.clone(), options, unused).unwrap_or_else(|message| {
                result = Err(message);
                sub
            })
        });
        result?;
    }
    fault.map_or(Ok(command), Err)
}

fn as_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(yes) => Some(yes.to_string()),
        toml::Value::Array(items) => {
            items.iter().map(as_text).collect::<Option<Vec<_>>>().map(|texts| texts.join(","))
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn arguments(texts: &[&str]) -> Vec<OsString> {
        std::iter::once("bootwright").chain(texts.iter().copied()).map(OsString::from).collect()
    }

    fn serve(config: Config) -> ServeArgs {
        match config.command {
            Command::Serve(serve) => *serve,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_flag_beats_the_file_and_the_file_beats_the_default() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(
            file,
            "data-dir = \"/a\"\nlisten = \"127.0.0.1:1\"\nworkers = 3\npublic-badges = true"
        )
        .unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let config = load(&arguments(&["serve", "--config", &path])).unwrap();
        let from_file = serve(config);
        assert_eq!(from_file.listen.port(), 1);
        assert_eq!((from_file.workers, from_file.public_badges), (3, true));
        assert_eq!(from_file.boot_listen.port(), 8000);
        let config = load(&arguments(&["--config", &path, "serve", "--listen", "127.0.0.1:2"]));
        assert_eq!(serve(config.unwrap()).listen.port(), 2);
    }

    #[test]
    fn networks_of_sources_come_from_a_list_in_the_file_or_from_flags() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "data-dir = \"/a\"\nsource-network = [\"10.1.0.0/16\", \"fd00::/8\"]")
            .unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let from_file = serve(load(&arguments(&["serve", "--config", &path])).unwrap());
        let shown: Vec<String> = from_file.source_network.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.1.0.0/16", "fd00::/8"]);
        assert_eq!(from_file.source_root, None);
        let flags = [
            "serve",
            "--data-dir",
            "/a",
            "--kernel-jobs",
            "3",
            "--source-network",
            "127.0.0.0/8",
            "--source-root",
            "/srv/git",
        ];
        let given = serve(load(&arguments(&flags)).unwrap());
        assert_eq!(given.source_network.len(), 1);
        assert_eq!(given.source_root, Some(PathBuf::from("/srv/git")));
        assert_eq!((from_file.kernel_jobs, given.kernel_jobs), (None, Some(3)));
        let wrong = load(&arguments(&["serve", "--data-dir", "/a", "--source-network", "10.1"]));
        assert!(wrong.unwrap_err().to_string().contains("--source-network"));
    }

    #[test]
    fn a_wrong_file_is_named_with_its_fault() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "lissten = \"127.0.0.1:1\"").unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let error = load(&arguments(&["serve", "--config", &path])).unwrap_err().to_string();
        assert!(error.contains("lissten") && error.contains(&path), "{error}");
        let error = load(&arguments(&["serve", "--config", "/nonexistent"])).unwrap_err();
        assert!(matches!(error, ConfigError::Unreadable { .. }), "{error}");
    }
}
