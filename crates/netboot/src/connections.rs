//! How many machines are served at once, and how long one may keep a connection without asking or taking.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{Router, serve::Listener};
use hyper::{Request, body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::unix, pin, select, sync::Semaphore, time::sleep};
use tokio_io_timeout::TimeoutStream;
use tower::ServiceExt as _;

/// What a listener puts up with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Connections at once; more wait in the socket's queue.
    pub(crate) connections: usize,
    /// Of these, from one address; one more is closed. Several machines may stand behind one address.
    pub(crate) of_one: usize,
    /// How long a client may take to send the head of a request, its pause before it included.
    pub(crate) head: Duration,
    /// How long a client may take nothing of an answer.
    pub(crate) answer: Duration,
    /// How long boots in flight may go on once the server is to end.
    pub(crate) grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            of_one: 512,
            head: Duration::from_secs(30),
            answer: Duration::from_secs(60),
            grace: Duration::from_secs(20),
        }
    }
}

/// From where a request came; among the extensions of each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) Option<IpAddr>);

/// Addresses of clients: those of a guest's own socket have none.
pub(crate) trait ClientAddress {
    fn peer(&self) -> Peer;
}

impl ClientAddress for SocketAddr {
    fn peer(&self) -> Peer {
        Peer(Some(self.ip().to_canonical()))
    }
}

impl ClientAddress for unix::SocketAddr {
    fn peer(&self) -> Peer {
        Peer(None)
    }
}

/// Serves until `stop` ends, then lets answers under way finish within the grace.
pub(crate) async fn serve(
    mut socket: impl Listener<Addr: ClientAddress>,
    router: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let clients = Clients::default();
    let graceful = GracefulShutdown::new();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.head);
    pin!(stop);
    loop {
        let accepted = async {
            let place = places.clone().acquire_owned().await;
            (place, socket.accept().await)
        };
        let (place, (stream, address)) = select! {
            it = accepted => it,
            () = &mut stop => break,
        };
        let peer = address.peer();
        let Some(one) = clients.one(peer.0, limits.of_one) else {
            tracing::warn!(client = ?peer.0, "too many connections of one address, this one is closed");
            continue;
        };
        let mut stream = Box::pin(TimeoutStream::new(stream));
        stream.as_mut().set_write_timeout_pinned(Some(limits.answer));
        let service = TowerToHyperService::new(router.clone().map_request(
            move |mut it: Request<Incoming>| {
                it.extensions_mut().insert(peer);
                it
            },
        ));
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            // A client that went away is no news.
            let _ = connection.await;
            drop((place, one));
        });
    }
    drop(socket);
    select! {
        () = graceful.shutdown() => {}
        () = sleep(limits.grace) => {}
    }
}

/// How many connections each address has.
#[derive(Default, Clone)]
struct Clients(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection, until it is dropped.
struct One {
    clients: Clients,
    client: Option<IpAddr>,
}

impl Clients {
    /// One more of a client; `None` where it has as many as it may.
    fn one(&self, client: Option<IpAddr>, most: usize) -> Option<One> {
        if let Some(client) = client {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let count = all.entry(client).or_default();
            if *count >= most {
                return None;
            }
            *count += 1;
        }
        Some(One { clients: self.clone(), client })
    }
}

impl Drop for One {
    fn drop(&mut self) {
        let Some(client) = self.client else { return };
        let mut all = self.clients.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&client) {
            *count -= 1;
            if *count == 0 {
                all.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, net::SocketAddr, time::Instant};

    use axum::routing::get;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
        sync::oneshot,
        task::JoinHandle,
    };

    use super::*;

    const ASK: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

    async fn start(
        limits: Limits,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> (SocketAddr, JoinHandle<()>) {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/large", get(|| async { vec![0_u8; 64 << 20] }));
        (address, tokio::spawn(serve(socket, router, limits, stop)))
    }

    fn limits(connections: usize, head_ms: u64) -> Limits {
        let (head, short) = (Duration::from_millis(head_ms), Duration::from_millis(200));
        Limits { connections, of_one: 2, head, answer: short, grace: short }
    }

    #[tokio::test]
    async fn a_client_that_never_finishes_its_head_makes_room() {
        let (address, _server) = start(limits(1, 100), pending()).await;
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET / HT").await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(ASK).await.unwrap();
        let mut answer = String::new();
        second.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("here"), "{answer}");
        let mut rest = Vec::new();
        let _ = slow.read_to_end(&mut rest).await;
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_makes_room() {
        let (address, _server) = start(limits(1, 60_000), pending()).await;
        let mut stuck = TcpStream::connect(address).await.unwrap();
        stuck.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        stuck.readable().await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        second.write_all(ASK).await.unwrap();
        let mut answer = String::new();
        second.read_to_string(&mut answer).await.unwrap();
        assert!(answer.ends_with("here"), "{answer}");
    }

    #[tokio::test]
    async fn one_address_does_not_take_every_place() {
        let (address, _server) = start(limits(9, 60_000), pending()).await;
        let mut held = Vec::new();
        for _ in 0..2 {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
            let mut answer = [0; 12];
            client.read_exact(&mut answer).await.unwrap();
            held.push(client);
        }
        let mut third = TcpStream::connect(address).await.unwrap();
        assert_eq!(third.read(&mut [0; 1]).await.unwrap_or(0), 0, "it is closed");
        drop(held);
        // The places come back.
        let answered = async {
            loop {
                let mut next = TcpStream::connect(address).await.unwrap();
                let mut answer = String::new();
                let asked = next.write_all(ASK).await.is_ok();
                if asked
                    && next.read_to_string(&mut answer).await.is_ok()
                    && answer.ends_with("here")
                {
                    break;
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), answered).await.unwrap();
    }

    #[tokio::test]
    async fn an_idle_connection_does_not_keep_the_server() {
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async { drop(stopped.await) };
        let (address, server) = start(limits(2, 60_000), stopped).await;
        let mut idle = TcpStream::connect(address).await.unwrap();
        idle.write_all(b"GET / HT").await.unwrap();
        let begun = Instant::now();
        drop(stop);
        server.await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}
