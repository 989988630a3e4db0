//! The way out for `git` over `https`: a proxy on loopback for one fetch (RFC 9110, CONNECT).
//!
//! Git looks names up by itself and follows a server that sends it on. Through this proxy it connects
//! only to addresses that were judged, wherever it is sent. A password that is made for the fetch
//! keeps everybody else on this host out.

use std::{
    fmt::Write as _,
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::digest::Digest;

use crate::{
    error::BuildError,
    sources::{SourceError, addresses::Guard},
};

/// The longest request, in bytes.
const LONGEST: usize = 8 * 1024;
/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(20);
/// How long a connection may be silent.
const SILENCE: Duration = Duration::from_secs(300);
/// The name that goes with the password.
const USER: &str = "bootwright";

/// A running proxy; dropped, it takes no more connections.
pub(super) struct Proxy {
    address: SocketAddr,
    password: String,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    guard: Guard,
    /// Digest of the header value that is expected: comparing digests tells nothing about it.
    authorization: Digest,
    refused: Mutex<Option<SourceError>>,
    ends: AtomicBool,
}

impl Proxy {
    /// Starts one.
    ///
    /// # Errors
    /// Where the system gives no port, thread or randomness.
    pub(super) fn start(guard: Guard) -> Result<Self, BuildError> {
        let failed = super::super::io_error("listen on", std::path::Path::new("loopback"));
        let begin = || -> io::Result<Self> {
            let mut random = [0_u8; 24];
            getrandom::fill(&mut random).map_err(io::Error::other)?;
            let password = random.iter().fold(String::new(), |mut text, byte| {
                // Writing to a text does not fail.
                let _ = write!(text, "{byte:02x}");
                text
            });
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            let address = listener.local_addr()?;
            let header = format!("Basic {}", STANDARD.encode(format!("{USER}:{password}")));
            let shared = Arc::new(Shared {
                guard,
                authorization: Digest::of(header),
                refused: Mutex::default(),
                ends: AtomicBool::new(false),
            });
            let serving = Arc::clone(&shared);
            let thread = thread::Builder::new()
                .name("git-proxy".to_owned())
                .spawn(move || serve(&listener, &serving))?;
            Ok(Self { address, password, shared, thread: Some(thread) })
        };
        begin().map_err(failed)
    }

    /// The proxy as git is told of it; secret.
    pub(super) fn url(&self) -> String {
        format!("http://{USER}:{}@{}", self.password, self.address)
    }

    /// What it refused first, once.
    pub(super) fn refused(&self) -> Option<SourceError> {
        self.shared.refused.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect_timeout(&self.address, CONNECT);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.ends.load(Ordering::Relaxed) {
            return;
        }
        let (Ok(client), shared) = (client, Arc::clone(shared)) else { continue };
        // An error is the client's: it has gone, or talks nonsense.
        thread::spawn(move || answer(client, &shared));
    }
}

fn answer(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    client.set_read_timeout(Some(CONNECT))?;
    client.set_write_timeout(Some(CONNECT))?;
    let head = read_head(&mut client)?;
    let say = |client: &mut TcpStream, status: &str| {
        client.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").as_bytes())
    };
    let permitted = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.eq_ignore_ascii_case("proxy-authorization"))
        .any(|(_, value)| Digest::of(value.trim()) == shared.authorization);
    if !permitted {
        return say(
            &mut client,
            "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"git\"",
        );
    }
    let Some((host, port)) = target(&head) else { return say(&mut client, "400 Bad Request") };
    let server = match connect(shared, host, port) {
        Ok(server) => server,
        Err(error) => {
            let mut refused = shared.refused.lock().unwrap_or_else(PoisonError::into_inner);
            refused.get_or_insert(error);
            drop(refused);
            return say(&mut client, "403 Forbidden");
        }
    };
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    for stream in [&client, &server] {
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
    }
    let (to_server, from_client) = (server.try_clone()?, client.try_clone()?);
    let upwards = thread::spawn(move || pass(from_client, to_server));
    pass(server, client);
    let _ = upwards.join();
    Ok(())
}

/// Reads a request up to its empty line, and not a byte of what follows.
fn read_head(client: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while head.len() < LONGEST {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.extend(byte);
        if head.ends_with(b"\r\n\r\n") {
            return String::from_utf8(head).map_err(io::Error::other);
        }
    }
    Err(io::Error::other("no end of the request"))
}

/// `CONNECT host:port HTTP/1.1`.
fn target(head: &str) -> Option<(&str, u16)> {
    let mut words = head.lines().next()?.split(' ');
    let (method, place) = (words.next()?, words.next()?);
    let (host, port) = place.rsplit_once(':')?;
    (method == "CONNECT" && !host.is_empty()).then_some((host, port.parse().ok()?))
}

fn connect(shared: &Shared, host: &str, port: u16) -> Result<TcpStream, SourceError> {
    let mut why = String::new();
    for address in shared.guard.addresses(host, port)? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(server) => return Ok(server),
            Err(error) => why = format!("{address}: {error}"),
        }
    }
    Err(SourceError::Unreachable { url: format!("https://{host}:{port}"), why })
}

/// Copies until one side ends, and tells the other.
fn pass(mut from: TcpStream, mut to: TcpStream) {
    // However it ended, it has ended.
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(proxy: &Proxy, target: &str, password: Option<&str>) -> String {
        let mut stream = TcpStream::connect(proxy.address).unwrap();
        let header = password.map_or_else(String::new, |password| {
            let value = STANDARD.encode(format!("{USER}:{password}"));
            format!("Proxy-Authorization: Basic {value}\r\n")
        });
        write!(stream, "CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{header}\r\n").unwrap();
        let mut line = String::new();
        io::BufRead::read_line(&mut io::BufReader::new(stream), &mut line).unwrap();
        line
    }

    #[test]
    fn only_who_knows_the_password_gets_out_and_only_to_judged_addresses() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = server.local_addr().unwrap().to_string();
        let open = Proxy::start(Guard::new(&["127.0.0.0/8".parse().unwrap()])).unwrap();
        assert!(ask(&open, &target, None).contains("407"));
        assert!(ask(&open, &target, Some("wrong")).contains("407"));
        assert!(open.refused().is_none());
        assert!(ask(&open, &target, Some(&open.password)).contains("200"));
        assert!(ask(&open, "169.254.169.254:443", Some(&open.password)).contains("403"));
        let refused = open.refused().unwrap().to_string();
        assert!(refused.contains("169.254.169.254") && refused.contains("link-local"), "{refused}");

        let shut = Proxy::start(Guard::new(&[])).unwrap();
        assert!(ask(&shut, &target, Some(&shut.password)).contains("403"));
        assert!(shut.refused().unwrap().to_string().contains("--source-network"));
    }

    #[test]
    fn bytes_pass_in_both_directions() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = server.local_addr().unwrap().to_string();
        let proxy = Proxy::start(Guard::new(&["127.0.0.0/8".parse().unwrap()])).unwrap();
        let answering = thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            let mut said = [0; 4];
            stream.read_exact(&mut said).unwrap();
            stream.write_all(&said).unwrap();
            said
        });
        let mut stream = TcpStream::connect(proxy.address).unwrap();
        let value = STANDARD.encode(format!("{USER}:{}", proxy.password));
        write!(
            stream,
            "CONNECT {target} HTTP/1.1\r\nProxy-Authorization: Basic {value}\r\n\r\nping"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains(" 200 ") && answer.ends_with("ping"), "{answer}");
        assert_eq!(&answering.join().unwrap(), b"ping");
    }
}
