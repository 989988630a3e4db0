//! How many machines are served at once, and how long one may keep a connection without asking.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
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
use tower::ServiceExt as _;

/// What a listener puts up with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Connections at once; more wait in the socket's queue.
    pub(crate) connections: usize,
    /// How long a client may take to send the head of a request, its pause before it included.
    pub(crate) head: Duration,
    /// How long boots in flight may go on once the server is to end.
    pub(crate) grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 512, head: Duration::from_secs(30), grace: Duration::from_secs(20) }
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
            drop(place);
        });
    }
    drop(socket);
    select! {
        () = graceful.shutdown() => {}
        () = sleep(limits.grace) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, time::Instant};

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
    ) -> (std::net::SocketAddr, JoinHandle<()>) {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let router = Router::new().route("/", get(|| async { "here" }));
        (address, tokio::spawn(serve(socket, router, limits, stop)))
    }

    fn limits(connections: usize, head_ms: u64) -> Limits {
        let (head, grace) = (Duration::from_millis(head_ms), Duration::from_millis(200));
        Limits { connections, head, grace }
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
