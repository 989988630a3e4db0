//! A release with real blobs behind a real listener, and a client that shows every byte.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use blobs::BlobStore;
use domain::{
    digest::Digest,
    kernel::Flavor,
    manifest::{BootEntry, BoundKernel, Component, ComponentRole, Manifest},
    recipe::RootMethod,
    time::{Clock, Timestamp},
    transfer::Transfer,
    version::TargetVersion,
};
use netboot::{
    BootListener, FirstStageBinaries, Observations, Served, SharedCatalogue, Snapshot, Traces,
    UEFI_BINARY,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime};

pub(crate) const KERNEL: &[u8] = b"the bytes of a kernel";
pub(crate) const INITRD: &[u8] = b"the bytes of an initrd";
pub(crate) const CONFIG: &[u8] = b"CONFIG_SQUASHFS=m\n";

/// Longer than what a socket takes at once.
pub(crate) fn image() -> Vec<u8> {
    (0..9_000_017_u32).map(|n| (n % 251) as u8).collect()
}

/// Each reading is a microsecond later.
pub(crate) struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

pub(crate) fn manifest(components: Vec<Component>) -> Manifest {
    let entry = |label: &str, text: &str| BootEntry::Linux {
        label: label.to_owned(),
        text: text.to_owned(),
        kernel: "vmlinuz-6.1.y".to_owned(),
        root: RootMethod::Http,
        arguments: "console=ttyS0,115200".to_owned(),
    };
    Manifest {
        schema: 1,
        version: TargetVersion::new(1, 2, 0),
        architecture: "amd64".to_owned(),
        components,
        images: vec!["rootfs.squashfs".to_owned()],
        kernels: vec![BoundKernel {
            alias: "vmlinuz-6.1.y".to_owned(),
            flavor: Flavor::Linux,
            release: "6.1.0-cloud".to_owned(),
            image: "vmlinuz-6.1.0-cloud".to_owned(),
            initrd: Some("initrd-6.1.0-cloud.img".to_owned()),
            config: Some("config-6.1.0-cloud".to_owned()),
        }],
        entries: vec![entry("xen", "Xen"), entry("xen-dev", "Xen dev"), entry("deb", "Debian")],
        default_entry: "deb".to_owned(),
        timeout_ms: 3000,
        lock: Some(Digest::of("lock")),
    }
}

/// A release whose files exist by name only.
pub(crate) fn release_on_paper() -> Served {
    let component = |role, name: &str| Component {
        role,
        name: name.to_owned(),
        size: 1,
        sha256: Digest::of(name),
    };
    let manifest = manifest(vec![
        component(ComponentRole::Config, "config-6.1.0-cloud"),
        component(ComponentRole::Initrd, "initrd-6.1.0-cloud.img"),
        component(ComponentRole::Image, "rootfs.squashfs"),
        component(ComponentRole::Kernel, "vmlinuz-6.1.0-cloud"),
    ]);
    Served { name: "v1.2.0".to_owned(), digest: Digest::of("manifest"), manifest }
}

/// A listener that serves one release from real blobs.
pub(crate) struct Bench {
    pub(crate) address: SocketAddr,
    pub(crate) catalogue: SharedCatalogue,
    pub(crate) blobs: BlobStore,
    pub(crate) listener: BootListener,
    pub(crate) served: Arc<Served>,
    pub(crate) folder: TempDir,
    pub(crate) runtime: Runtime,
}

impl Bench {
    pub(crate) fn start() -> Self {
        Self::with_image(&image())
    }

    pub(crate) fn with_image(image: &[u8]) -> Self {
        Self::of(image, None)
    }

    /// One that watches boots.
    pub(crate) fn watching(traces: Traces) -> Self {
        Self::of(&image(), Some(traces))
    }

    fn of(image: &[u8], traces: Option<Traces>) -> Self {
        let folder = TempDir::new().unwrap();
        let blobs = BlobStore::open(&folder.path().join("blobs")).unwrap();
        let put = |role, name: &str, bytes: &[u8]| {
            let blob = blobs.put(bytes).unwrap();
            Component { role, name: name.to_owned(), size: blob.size, sha256: blob.sha256 }
        };
        let manifest = manifest(vec![
            put(ComponentRole::Config, "config-6.1.0-cloud", CONFIG),
            put(ComponentRole::Initrd, "initrd-6.1.0-cloud.img", INITRD),
            put(ComponentRole::Image, "rootfs.squashfs", image),
            put(ComponentRole::Kernel, "vmlinuz-6.1.0-cloud", KERNEL),
        ]);
        let digest = Digest::of(domain::canonical::to_vec(&manifest).unwrap());
        let served = Arc::new(Served { name: "v1.2.0".to_owned(), digest, manifest });
        let mut snapshot = Snapshot::default();
        "production".clone_into(&mut snapshot.default_environment);
        snapshot.environments.insert("production".to_owned(), Some(served.clone()));
        snapshot.environments.insert("development".to_owned(), None);
        snapshot.add(served.clone(), "v1.2.0");
        snapshot.add(served.clone(), "v1.2.0-rc.1");
        snapshot.add_variant(served.clone(), "probe", Timestamp(i64::MAX));
        snapshot.add_variant(served.clone(), "over", Timestamp(0));
        let catalogue = SharedCatalogue::default();
        catalogue.swap(snapshot);
        let clock = Arc::new(Ticking(AtomicI64::new(1)));
        std::fs::write(folder.path().join(UEFI_BINARY), "an iPXE").unwrap();
        let first_stage = FirstStageBinaries::load(folder.path()).unwrap();
        let listener = BootListener::new(catalogue.clone(), blobs.clone(), clock)
            .with_first_stage(first_stage);
        let listener = match traces {
            Some(traces) => listener.with_traces(traces),
            None => listener,
        };
        let runtime = Runtime::new().unwrap();
        let socket = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = socket.local_addr().unwrap();
        runtime.spawn(netboot::serve(socket, listener.clone(), std::future::pending()));
        Self { address, catalogue, blobs, listener, served, folder, runtime }
    }

    /// The path of a file of the release.
    pub(crate) fn file(&self, name: &str) -> String {
        format!("/artifacts/{}/{name}", self.served.digest)
    }

    pub(crate) fn digest_of(&self, name: &str) -> Digest {
        self.served.manifest.component(name).unwrap().sha256
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[])
    }

    /// One request with a plain `Host`.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[&str]) -> Answer {
        let host = format!("Host: {}", self.address);
        let mut lines = vec![format!("{method} {path} HTTP/1.1"), host];
        lines.extend(headers.iter().map(|it| (*it).to_owned()));
        self.send(&lines)
    }

    /// Sends a text.
    pub(crate) fn post(&self, path: &str, text: &str) -> Answer {
        let length = format!("Content-Length: {}", text.len());
        let lines = [format!("POST {path} HTTP/1.1"), format!("Host: {}", self.address), length];
        let stream = TcpStream::connect(self.address).unwrap();
        exchange_body(stream, &lines, text)
    }

    /// Exactly these lines of a request.
    pub(crate) fn send(&self, lines: &[String]) -> Answer {
        let stream = TcpStream::connect(self.address).unwrap();
        exchange(stream, lines)
    }

    /// A guest's own socket, its transfers and a way to connect.
    pub(crate) fn guest(&self, name: &str) -> (PathBuf, Observations) {
        let path = self.folder.path().join(name);
        let observations = Observations::default();
        let listener = self.listener.observed_by(Arc::new(observations.clone()));
        let socket = path.clone();
        self.runtime.spawn(async move {
            netboot::serve_guest(&socket, listener, std::future::pending()).await.unwrap();
        });
        wait_until("the guest's socket is there", || UnixStream::connect(&path).is_ok());
        (path, observations)
    }
}

/// Sends a request over any stream and reads the answer to its end.
pub(crate) fn exchange(stream: impl Read + Write, lines: &[String]) -> Answer {
    exchange_body(stream, lines, "")
}

fn exchange_body(mut stream: impl Read + Write, lines: &[String], body: &str) -> Answer {
    let request = format!("{}\r\nConnection: close\r\n\r\n{body}", lines.join("\r\n"));
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    Answer::read(&bytes)
}

/// Asks again until it is so; fails after ten seconds.
pub(crate) fn wait_until(what: &str, so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !so() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        std::thread::yield_now();
    }
}

/// The transfers of a guest, once there are as many as that.
pub(crate) fn transfers(observations: &Observations, count: usize) -> Vec<Transfer> {
    wait_until("the transfers are told", || observations.transfers().len() >= count);
    observations.transfers()
}

/// An answer in its parts.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn read(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|it| it == b"\r\n\r\n").expect("a whole head");
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        Self { status, headers, body: bytes[end + 4..].to_vec() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}
