//! A builder of its own, and the servers that it is tried against.

use std::{
    collections::HashMap,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use builder::{BuildError, FetchedContent, FetchedSource, SourceRules};
use domain::kernel::Source;
use process::{Invocation, Running};

use crate::{
    ssh::Server,
    support::{self, become_system_user_with},
};

/// Every thread of the process changes its user with this one, so it happens once; the server of
/// `ssh` starts before, since only root can let somebody in.
pub(crate) static SSH: LazyLock<Server> = LazyLock::new(|| {
    let server = Server::start();
    become_system_user_with(&[server.folder()]);
    server
});

/// A builder that fetches, and what it says.
pub(crate) struct Bench {
    bench: support::Bench,
    said: Mutex<Vec<String>>,
}

impl std::ops::Deref for Bench {
    type Target = support::Bench;

    fn deref(&self) -> &support::Bench {
        &self.bench
    }
}

impl Bench {
    /// One that may fetch from these networks; repositories on disk lie below [`Bench::root`].
    pub(crate) fn new(networks: &[&str]) -> Self {
        Self::with(networks, None)
    }

    /// As [`Bench::new`], with a step cache that is kept between runs.
    pub(crate) fn with(networks: &[&str], cache: Option<&Path>) -> Self {
        LazyLock::force(&SSH);
        let folder = support::folder("sources");
        let at = |name: &str| folder.path().join(name);
        let (root, ssh_keys, authorities) = (at("root"), at("keys/ssh"), at("authority.pem"));
        fs::create_dir_all(&root).unwrap();
        fs::create_dir_all(&ssh_keys).unwrap();
        let networks = networks.iter().map(|it| it.parse().unwrap()).collect();
        let bench = support::Bench::in_folder(folder, |config| {
            config.sources = SourceRules { root: Some(root), networks, ssh_keys, authorities };
            if let Some(cache) = cache {
                config.cache_dir = cache.to_path_buf();
            }
        });
        Self { bench, said: Mutex::default() }
    }

    /// The folder below which repositories are taken.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder().join("root")
    }

    pub(crate) fn fetch(&self, source: &Source) -> Result<FetchedSource, BuildError> {
        self.fetch_until(source, &|| false)
    }

    pub(crate) fn fetch_until(
        &self,
        source: &Source,
        stop: &dyn Fn() -> bool,
    ) -> Result<FetchedSource, BuildError> {
        let log = |line: &str| {
            println!("  {line}");
            self.said.lock().unwrap().push(line.to_owned());
        };
        let result = self.builder.fetch_source(source, &log, stop);
        self.assert_nothing_left();
        result
    }

    /// Why a source is not had; then nothing of it is kept.
    pub(crate) fn refusal(&self, source: &Source) -> String {
        let before = self.kept();
        let text = self.fault(source);
        assert_eq!(self.kept(), before, "something was kept of what was refused");
        text
    }

    /// Why a source is not had, where something besides it may be kept.
    pub(crate) fn fault(&self, source: &Source) -> String {
        let error = self.fetch(source).expect_err("this source must be refused");
        assert!(matches!(error, BuildError::Source(_)), "{error:?}");
        println!("  refused: {error}");
        error.to_string()
    }

    /// How many blobs and entries the cache has.
    pub(crate) fn kept(&self) -> (usize, usize) {
        let cache = self.builder.cache();
        (cache.blobs().found().unwrap().len(), cache.steps().unwrap().len())
    }

    /// Whether the log has said this.
    pub(crate) fn said(&self, text: &str) -> bool {
        self.said.lock().unwrap().iter().any(|line| line.contains(text))
    }

    /// The bytes of an archive.
    pub(crate) fn archive(&self, fetched: &FetchedSource) -> Vec<u8> {
        let FetchedContent::Archive { blob, .. } = &fetched.content else {
            panic!("no archive: {fetched:?}")
        };
        let bytes = fs::read(self.builder.blob_path(&blob.sha256)).unwrap();
        assert_eq!(bytes.len() as u64, blob.size);
        bytes
    }

    /// Runs a program of the test's own to its end and gives its output.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> String {
        let invocation = Invocation::new(program).args(arguments).env("HOME", self.folder());
        let output = self.spawner.output(&invocation).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Starts a server of the test's own that writes its port as its first line; it ends with what is
    /// given back.
    pub(crate) fn serve(&self, program: &str, arguments: &[&str]) -> (Running, u16) {
        let invocation = Invocation::new(program).args(arguments);
        let mut running = self.spawner.spawn(&invocation).unwrap();
        let mut line = String::new();
        BufReader::new(running.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().unwrap_or_else(|_| {
            let mut said = String::new();
            running.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            panic!("{program} gives no port: {line}{said}")
        });
        // Who writes to a closed pipe ends: it stays open, and nobody reads it.
        let stderr = running.child.stderr.take();
        thread::spawn(move || std::io::copy(&mut stderr.unwrap(), &mut std::io::sink()));
        (running, port)
    }
}

/// An HTTP server with fixed answers on a loopback address.
pub(crate) struct Http {
    pub(crate) address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Http {
    /// Serves these answers, head and body, by path.
    pub(crate) fn start(answers: &[(&str, Vec<u8>)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let answers: HashMap<String, Vec<u8>> =
            answers.iter().map(|(path, answer)| ((*path).to_owned(), answer.clone())).collect();
        let counter = Arc::clone(&asked);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::SeqCst);
                let answers = answers.clone();
                thread::spawn(move || answer(stream, &answers));
            }
        });
        Self { address, asked }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How many connections there were.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn answer(mut stream: TcpStream, answers: &HashMap<String, Vec<u8>>) {
    let mut line = String::new();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    // Whoever only looks whether somebody listens sends nothing.
    if reader.read_line(&mut line).is_err() {
        return;
    }
    let mut header = String::new();
    while reader.read_line(&mut header).is_ok_and(|read| read > 2) {
        header.clear();
    }
    let path = line.split(' ').nth(1).unwrap_or_default();
    let missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec();
    let answer = answers.get(path).unwrap_or(&missing);
    if stream.write_all(answer).is_ok() && answer.ends_with(b"HANG") {
        // Until the other side goes.
        let _ = reader.read_line(&mut header);
    }
}

/// An answer with a body.
pub(crate) fn ok(body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// An answer that sends on.
pub(crate) fn to(location: &str) -> Vec<u8> {
    format!("HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: {location}\r\n\r\n")
        .into_bytes()
}
