//! What `ssh` needs: a key and a host key that an administrator has put there, and an address that
//! was judged. The key is used by `ssh` on this host and stands in no build.

use std::{
    net::{SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    error::BuildError,
    sources::{SourceError, SourceRules, addresses::Guard},
};

/// How long a server may take to answer at all.
const CONNECT: Duration = Duration::from_secs(20);

/// The way to one server.
pub(super) struct Access {
    host: String,
    port: u16,
    /// The judged address that answered.
    address: SocketAddr,
    key_name: String,
    key: PathBuf,
    known_hosts: PathBuf,
}

impl Access {
    /// Finds key, host keys and address for what follows `ssh://`.
    ///
    /// # Errors
    /// What is missing, and what an administrator does about it.
    pub(super) fn find(
        guard: &Guard,
        rules: &SourceRules,
        location: &str,
        key: &str,
    ) -> Result<Self, SourceError> {
        let (host, port) = host_and_port(location).ok_or_else(|| {
            SourceError::Definition(format!(
                "ssh://{location} names no host; write ssh://user@host/path"
            ))
        })?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if key.is_empty() || key.starts_with('-') || !key.chars().all(plain) {
            let fault = "ssh needs the name of a key that an administrator has put there";
            return Err(SourceError::Definition(fault.to_owned()));
        }
        let path = rules.ssh_keys.join(key);
        let Ok(known) = path.metadata() else {
            return Err(SourceError::Ssh(format!(
                "there is no key {key} for ssh: an administrator puts its private half, without a passphrase, at {} (mode 0600, owned by the server's user)",
                path.display()
            )));
        };
        if known.permissions().mode() & 0o077 != 0 {
            return Err(SourceError::Ssh(format!(
                "the key {key} for ssh can be read by others, so it is not used: an administrator runs chmod 0600 {}",
                path.display()
            )));
        }
        let known_hosts = rules.ssh_keys.join("known_hosts");
        let access = Self {
            address: first_that_answers(&guard.addresses(&host, port)?, &host)?,
            host,
            port,
            key_name: key.to_owned(),
            key: path,
            known_hosts,
        };
        if access.known_hosts.is_file() { Ok(access) } else { Err(access.unknown_host()) }
    }

    /// The name by which `known_hosts` lists the server (its manual sshd(8)).
    fn listed_as(&self) -> String {
        if self.port == 22 { self.host.clone() } else { format!("[{}]:{}", self.host, self.port) }
    }

    fn unknown_host(&self) -> SourceError {
        SourceError::Ssh(format!(
            "the host key of {} is not among those in {}, or is another: an administrator gets it with ssh-keyscan -p {} {}, compares it with what the host's owner names, and puts the line there",
            self.listed_as(),
            self.known_hosts.display(),
            self.port,
            self.host
        ))
    }

    /// The configuration file of `ssh` (`ssh_config`, section 5): this server, this key, nobody else's settings.
    ///
    /// # Errors
    /// Where a path has characters that it cannot hold.
    pub(super) fn configuration(&self) -> Result<String, SourceError> {
        let (key, known_hosts) = (quoted(&self.key)?, quoted(&self.known_hosts)?);
        let seconds = CONNECT.as_secs();
        Ok(format!(
            "Host *\n\
             HostName {}\n\
             HostKeyAlias {}\n\
             User git\n\
             IdentityFile {key}\n\
             IdentitiesOnly yes\n\
             IdentityAgent none\n\
             UserKnownHostsFile {known_hosts}\n\
             GlobalKnownHostsFile /dev/null\n\
             StrictHostKeyChecking yes\n\
             UpdateHostKeys no\n\
             CheckHostIP no\n\
             VerifyHostKeyDNS no\n\
             BatchMode yes\n\
             PreferredAuthentications publickey\n\
             ProxyCommand none\n\
             ProxyJump none\n\
             PermitLocalCommand no\n\
             ControlMaster no\n\
             ControlPath none\n\
             ForwardAgent no\n\
             ForwardX11 no\n\
             ClearAllForwardings yes\n\
             ConnectTimeout {seconds}\n\
             ServerAliveInterval {seconds}\n\
             ServerAliveCountMax 3\n\
             LogLevel ERROR\n",
            self.address.ip(),
            self.listed_as(),
        ))
    }

    /// Says in words of ours what `ssh` says in its own.
    pub(super) fn explain(&self, error: BuildError) -> BuildError {
        let BuildError::Source(SourceError::Git { url, why }) = error else { return error };
        if why.contains("Host key verification failed") {
            return self.unknown_host().into();
        }
        if why.contains("Permission denied") {
            return SourceError::Ssh(format!(
                "{} does not take the key {}: its owner gives the public half of {} the right to read the repository",
                self.listed_as(),
                self.key_name,
                self.key.display()
            ))
            .into();
        }
        SourceError::Git { url, why }.into()
    }
}

/// `[user@]host[:port]/path`.
fn host_and_port(location: &str) -> Option<(String, u16)> {
    let authority = location.split('/').next()?;
    let place = authority.rsplit('@').next()?;
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
        _ => (place, 22),
    };
    let host = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b".:-_".contains(&b);
    let fits = !host.is_empty() && !host.starts_with('-') && host.bytes().all(plain);
    fits.then(|| (host.to_owned(), port))
}

fn first_that_answers(addresses: &[SocketAddr], host: &str) -> Result<SocketAddr, SourceError> {
    let mut why = String::new();
    for address in addresses {
        match TcpStream::connect_timeout(address, CONNECT) {
            Ok(_) => return Ok(*address),
            Err(error) => why = format!("{address}: {error}"),
        }
    }
    Err(SourceError::Unreachable { url: format!("ssh://{host}"), why })
}

/// A path as `ssh_config` takes it; `%` and `$` begin what it replaces.
fn quoted(path: &Path) -> Result<String, SourceError> {
    let text = path.to_str().filter(|text| {
        !text.chars().any(|c| c.is_control() || matches!(c, '"' | '\'' | '\\' | '$'))
    });
    text.map(|text| format!("\"{}\"", text.replace('%', "%%"))).ok_or_else(|| {
        SourceError::Ssh(format!(
            "ssh cannot be given the path {}: an administrator moves the data folder to one without quotes, '$' and '\\'",
            path.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_names_host_and_port() {
        let of = |text| host_and_port(text).map(|(host, port)| format!("{host} {port}"));
        assert_eq!(of("git@git.example/linux.git").unwrap(), "git.example 22");
        assert_eq!(of("git@git.example:2222/linux.git").unwrap(), "git.example 2222");
        assert_eq!(of("[2001:db8::1]:2222/x").unwrap(), "2001:db8::1 2222");
        assert_eq!(of("[2001:db8::1]/x").unwrap(), "2001:db8::1 22");
        for wrong in ["-oProxyCommand=x/y", "git@/x", "git.example:x/y", "a b/c", "git@-host/x"] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn paths_that_ssh_would_change_are_refused() {
        assert_eq!(quoted(Path::new("/srv/a b/50%")).unwrap(), "\"/srv/a b/50%%\"");
        for path in ["/srv/$HOME", "/srv/a\"b", "/srv/a\nb", "/srv/a\\b", "/srv/a'b"] {
            quoted(Path::new(path)).unwrap_err();
        }
    }
}
