//! NFS as a client meets it: over TCP, with an export in memory, read and written by another implementation
//! of the formats.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod change;
mod client;
mod fail;
mod fuzz;
mod limits;
mod list;
mod look;
mod memory;
mod mount;
mod wire;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use nfs::{ExportId, HandleKey, Limits, MountRefused, Observer, Server, ServerOptions};
use tokio::{net::TcpListener, runtime::Runtime, sync::oneshot, task::JoinHandle};

use self::{client::Client, memory::Paths};

type Mounted = (Vec<u8>, Result<ExportId, MountRefused>);

/// Keeps what it is told.
#[derive(Default)]
struct Notes {
    mounts: Mutex<Vec<Mounted>>,
    read: Mutex<usize>,
}

impl Observer for Notes {
    fn mounted(
        &self,
        client: std::net::IpAddr,
        path: &[u8],
        outcome: Result<ExportId, MountRefused>,
    ) {
        assert_eq!(client, Ipv4Addr::LOCALHOST);
        self.mounts.lock().unwrap().push((path.to_vec(), outcome));
    }

    fn read(&self, _client: std::net::IpAddr, export: ExportId, bytes: usize) {
        assert_eq!(export, Paths::FIRST);
        *self.read.lock().unwrap() += bytes;
    }
}

fn options(paths: &Arc<Paths>, notes: &Arc<Notes>, limits: Limits) -> ServerOptions {
    ServerOptions {
        key: HandleKey::new([3; 32]),
        exports: paths.clone(),
        observer: Some(notes.clone()),
        limits,
    }
}

/// A server that runs, with what it serves.
struct World {
    paths: Arc<Paths>,
    notes: Arc<Notes>,
    address: SocketAddr,
    runtime: Runtime,
    stop: oneshot::Sender<()>,
    server: JoinHandle<io::Result<()>>,
}

impl World {
    fn new() -> Self {
        Self::with(Arc::new(Paths::new()), Limits::default())
    }

    fn with(paths: Arc<Paths>, limits: Limits) -> Self {
        let runtime = Runtime::new().unwrap();
        let notes = Arc::new(Notes::default());
        let server = Arc::new(Server::new(options(&paths, &notes, limits)).unwrap());
        let socket = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = socket.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let serving = server.serve(socket, async { drop(stopped.await) });
        let server = runtime.spawn(serving);
        Self { paths, notes, address, runtime, stop, server }
    }

    fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Stops it and gives what it served.
    fn end(self) -> Arc<Paths> {
        drop(self.stop);
        self.runtime.block_on(self.server).unwrap().unwrap();
        self.paths
    }
}
