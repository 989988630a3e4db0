//! Repositories and archives by `https`, from a server whose authority only the test believes.

use std::{
    fs, io,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use builder::BuildError;
use domain::{digest::Digest, kernel::Source};
use process::Running;

use crate::{
    bench::{Bench, Http, ok},
    repository::{Repository, source},
};

/// Serves `git http-backend` and files over TLS; below `/to/<number>/` it sends on.
const SERVER: &str = r#"
import http.server, os, ssl, subprocess, sys
root, certificate, key, *away = sys.argv[1:]

class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        path, _, query = self.path.partition('?')
        if path.startswith('/to/'):
            number, _, rest = path[4:].partition('/')
            self.send_response(302)
            self.send_header('Location', away[int(number)] + '/' + rest + '?' + query)
            self.send_header('Content-Length', '0')
            self.end_headers()
            return
        if path.startswith('/file/'):
            with open(os.path.join(root, os.path.basename(path)), 'rb') as file:
                body = file.read()
            self.send_response(200)
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            return
        sent = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        environment = {
            'PATH': os.environ['PATH'], 'GIT_PROJECT_ROOT': root, 'GIT_HTTP_EXPORT_ALL': '1',
            'PATH_INFO': path, 'QUERY_STRING': query, 'REQUEST_METHOD': self.command,
            'CONTENT_TYPE': self.headers.get('Content-Type') or '',
            'HTTP_CONTENT_ENCODING': self.headers.get('Content-Encoding') or '',
            'GIT_PROTOCOL': self.headers.get('Git-Protocol') or '', 'REMOTE_ADDR': '127.0.0.1',
        }
        done = subprocess.run(['git', 'http-backend'], input=sent, env=environment, stdout=subprocess.PIPE)
        head, _, body = done.stdout.partition(b'\r\n\r\n')
        fields = [line.split(': ', 1) for line in head.decode().split('\r\n')]
        status = dict(fields).get('Status', '200 OK')
        self.send_response(int(status.split(' ')[0]))
        for name, value in fields:
            if name != 'Status':
                self.send_header(name, value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = answer

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
"#;

/// A certificate for 127.0.0.1 by an authority of its own, which `bench` believes.
fn certify(bench: &Bench) -> (String, String) {
    let at = |name: &str| bench.folder().join(name).to_str().unwrap().to_owned();
    let (authority, key) = (at("authority.pem"), at("authority.key"));
    let new = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ];
    bench.run(
        "openssl",
        &[&new[..], &["-subj", "/CN=Test authority", "-keyout", &key, "-out", &authority]].concat(),
    );
    let (server, server_key) = (at("server.pem"), at("server.key"));
    let by = [
        "-CA",
        &authority,
        "-CAkey",
        &key,
        "-subj",
        "/CN=127.0.0.1",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
    ];
    bench.run("openssl", &[&new[..], &by, &["-keyout", &server_key, "-out", &server]].concat());
    (server, server_key)
}

/// A server of everything below the bench's root that sends on to `away`.
fn serve(bench: &Bench, away: &[&str]) -> (Running, String) {
    let (certificate, key) = certify(bench);
    let root = bench.root();
    let given = ["-c", SERVER, root.to_str().unwrap(), &certificate, &key];
    let (running, port) = bench.serve("/usr/bin/python3", &[&given[..], away].concat());
    (running, format!("https://127.0.0.1:{port}"))
}

#[test]
fn a_repository_comes_through_the_proxy() {
    let bench = Bench::new(&["127.0.0.1/32"]);
    let repository = Repository::new(&bench, &bench.root().join("linux"));
    let by_folder = bench.fetch(&source(repository.url(), "v1", None, None)).unwrap();
    let (_server, base) = serve(&bench, &[]);
    let fetched =
        bench.fetch(&source(&format!("{base}/linux/.git"), "v1-signed", None, None)).unwrap();
    assert_eq!(fetched.sha256, by_folder.sha256);
    let commit = fetched.commit.unwrap();
    let elsewhere = Bench::new(&["127.0.0.1/32"]);
    fs::copy(bench.folder().join("authority.pem"), elsewhere.folder().join("authority.pem"))
        .unwrap();
    let by_commit =
        elsewhere.fetch(&source(&format!("{base}/linux/.git"), &commit, None, None)).unwrap();
    assert_eq!(by_commit.sha256, by_folder.sha256);
}

#[test]
fn a_repository_at_a_refused_address_is_not_connected_to() {
    let serving = Bench::new(&[]);
    Repository::new(&serving, &serving.root().join("linux"));
    let (_server, base) = serve(&serving, &[]);
    let text = serving.refusal(&source(&format!("{base}/linux/.git"), "v1", None, None));
    assert!(text.contains("loopback") && text.contains("--source-network"), "{text}");
}

#[test]
fn a_repository_that_sends_on_is_followed_to_judged_addresses_only() {
    let bench = Bench::new(&["127.0.0.1/32"]);
    Repository::new(&bench, &bench.root().join("linux"));
    let plain = Http::start(&[]);
    let (_second, good) = serve(&bench, &[]);
    let authority = fs::read(bench.folder().join("authority.pem")).unwrap();
    let (_server, base) =
        serve(&bench, &[&good, "https://169.254.169.254", "https://127.0.0.2:9", &plain.url("")]);
    let both = [authority, fs::read(bench.folder().join("authority.pem")).unwrap()].concat();
    fs::write(bench.folder().join("authority.pem"), both).unwrap();
    let at = |number: u8| source(&format!("{base}/to/{number}/linux/.git"), "v1", None, None);
    bench.fetch(&at(0)).unwrap();
    assert!(bench.refusal(&at(1)).contains("link-local"));
    assert!(bench.refusal(&at(2)).contains("127.0.0.2"));
    // Without encryption nothing goes on, wherever it leads.
    bench.refusal(&at(3));
    assert_eq!(plain.asked(), 0);
}

#[test]
fn a_server_that_nobody_vouches_for_is_refused() {
    let serving = Bench::new(&["127.0.0.1/32"]);
    Repository::new(&serving, &serving.root().join("linux"));
    let (_server, base) = serve(&serving, &[]);
    let bench = Bench::new(&["127.0.0.1/32"]);
    certify(&bench);
    let text = bench.refusal(&source(&format!("{base}/linux/.git"), "v1", None, None));
    assert!(text.contains("certificate"), "{text}");
    fs::write(serving.root().join("a.tar"), "bytes").unwrap();
    let archive =
        Source::Archive { url: format!("{base}/file/a.tar"), sha256: Digest::of("bytes") };
    assert!(bench.refusal(&archive).contains("certificate"));
    assert_eq!(serving.archive(&serving.fetch(&archive).unwrap()), b"bytes");
}

#[test]
fn a_cancelled_fetch_ends_at_once() {
    let bench = Bench::new(&["127.0.0.1/32"]);
    certify(&bench);
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}/linux", silent.local_addr().unwrap());
    let (connected, begun) = (Arc::new(AtomicBool::new(false)), Instant::now());
    let tell = Arc::clone(&connected);
    let server = thread::spawn(move || {
        let stream = silent.accept().unwrap().0;
        tell.store(true, Ordering::SeqCst);
        // Until the other side goes.
        io::copy(&mut &stream, &mut io::sink()).unwrap()
    });
    let stop = || connected.load(Ordering::SeqCst);
    let error = bench.fetch_until(&source(&url, "v1", None, None), &stop).unwrap_err();
    assert!(matches!(error, BuildError::Cancelled), "{error}");
    // Git has gone, and its connection through the proxy with it.
    server.join().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn an_archive_goes_on_with_encryption_or_not_at_all() {
    let bench = Bench::new(&["127.0.0.1/32"]);
    let plain = Http::start(&[("/a.tar?", ok(b"bytes"))]);
    let (_server, base) = serve(&bench, &[&plain.url("")]);
    let source = Source::Archive { url: format!("{base}/to/0/a.tar"), sha256: Digest::of("bytes") };
    let text = bench.refusal(&source);
    assert!(text.contains("without encryption"), "{text}");
    assert_eq!(plain.asked(), 0);
}
