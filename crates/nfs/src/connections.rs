//! Who is connected, and how many there may be.

use std::{
    collections::HashMap,
    convert::Infallible,
    io,
    net::IpAddr,
    os::fd::AsFd as _,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use nix::sys::socket::{
    setsockopt,
    sockopt::{KeepAlive, TcpKeepCount, TcpKeepIdle, TcpKeepInterval},
};
use tokio::{
    net::{TcpListener, TcpStream, UnixListener},
    pin, select,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Server,
    connection::{Connection, Shared},
};

/// How long calls under way may take once the server is to end.
const GRACE: Duration = Duration::from_secs(10);
/// How long nothing is accepted after that failed, for lack of descriptors mostly.
const PAUSE: Duration = Duration::from_millis(200);

/// What a server puts up with.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once; one more is closed.
    pub connections: usize,
    /// Of these, from one address: a client may open 16 (`nconnect`), and several may stand behind one.
    pub of_one: usize,
    /// How long a client may ask for nothing: it connects again where it wants something after all, and Linux
    /// ends a connection itself after five minutes.
    pub idle: Duration,
    /// How long a call may take from its first byte to its last.
    pub call: Duration,
    /// How long a client may take nothing of an answer.
    pub answer: Duration,
    /// Bytes that calls under way and their answers may have over all connections, beside one call of each.
    pub memory: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            of_one: 32,
            idle: Duration::from_secs(360),
            call: Duration::from_secs(30),
            answer: Duration::from_secs(60),
            memory: 128 * 1024 * 1024,
        }
    }
}

impl Server {
    /// Serves until `stop` ends; then lets the calls under way end, for ten seconds at the most.
    ///
    /// # Errors
    /// Where the socket cannot be used at all.
    pub async fn serve(
        self: Arc<Self>,
        socket: TcpListener,
        stop: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let port = socket.local_addr()?.port();
        let places = Places::default();
        let shared = Shared::new(self.limits);
        let ending = CancellationToken::new();
        let mut connections = JoinSet::new();
        pin!(stop);
        loop {
            let accepted = select! {
                accepted = socket.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                () = &mut stop => break,
            };
            let (stream, client) = match accepted {
                Ok((stream, client)) => (stream, client.ip().to_canonical()),
                Err(error) => {
                    tracing::warn!(%error, "a connection over NFS could not be taken");
                    sleep(PAUSE).await;
                    continue;
                }
            };
            let Some(place) = places.place(client, self.limits) else {
                tracing::info!(%client, "too many connections over NFS, this one was refused");
                continue;
            };
            let connection = Connection::new(self.clone(), client, port, shared.clone());
            let ending = ending.clone();
            connections.spawn(async move {
                let ended = match prepare(&stream) {
                    Ok(()) => connection.run(stream.into_split(), ending).await,
                    Err(error) => Err(error),
                };
                match ended {
                    Ok(()) => tracing::debug!(%client, "a connection over NFS ended"),
                    Err(error) => tracing::debug!(%client, %error, "a connection over NFS broke"),
                }
                drop(place);
            });
        }
        drop(socket);
        ending.cancel();
        let _ = timeout(GRACE, async { while connections.join_next().await.is_some() {} }).await;
        Ok(())
    }
}

impl Server {
    /// Serves a virtual machine on a socket of its own, to which the guest's connections come as if from `client`
    /// to `port`; until it is dropped.
    ///
    /// # Errors
    /// Where the socket cannot be used.
    pub async fn serve_guest(
        self: Arc<Self>,
        socket: UnixListener,
        client: IpAddr,
        port: u16,
    ) -> io::Result<Infallible> {
        let shared = Shared::new(self.limits);
        let places = Places::default();
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = select! {
                accepted = socket.accept() => accepted?,
                Some(_) = connections.join_next() => continue,
            };
            let Some(place) = places.place(client, self.limits) else { continue };
            let connection = Connection::new(self.clone(), client, port, shared.clone());
            connections.spawn(async move {
                let ended = connection.run(stream.into_split(), CancellationToken::new()).await;
                tracing::debug!(?ended, "a guest's connection over NFS ended");
                drop(place);
            });
        }
    }
}

/// Has answers sent at once, and a client that has gone silently noticed after some two minutes.
fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = stream.as_fd();
    setsockopt(&socket, KeepAlive, &true)?;
    setsockopt(&socket, TcpKeepIdle, &60)?;
    setsockopt(&socket, TcpKeepInterval, &10)?;
    setsockopt(&socket, TcpKeepCount, &6)?;
    Ok(())
}

/// How many connections each address has.
#[derive(Default, Clone)]
struct Places(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A place among them, until it is dropped.
struct Place {
    places: Places,
    client: IpAddr,
}

impl Places {
    fn place(&self, client: IpAddr, limits: Limits) -> Option<Place> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_one = all.get(&client).copied().unwrap_or(0);
        if of_one >= limits.of_one || all.values().sum::<usize>() >= limits.connections {
            return None;
        }
        all.insert(client, of_one + 1);
        Some(Place { places: self.clone(), client })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get_mut(&self.client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(all.remove(&self.client)),
        }
    }
}
