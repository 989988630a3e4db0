//! TFTP as firmware meets it: over real sockets, with packets that get lost.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tokio::{net::UdpSocket, time::timeout};

const SOON: Duration = Duration::from_secs(5);

/// A server of files whose name says how long they are, and of `where`, which says how it was reached.
async fn server() -> SocketAddr {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    let files = Arc::new(|name: &str, reached: IpAddr| {
        if name == "where" {
            return Some(Bytes::from(reached.to_string()));
        }
        name.parse().ok().map(content)
    });
    tokio::spawn(netboot::serve_tftp(socket, files, std::future::pending()));
    address
}

fn content(length: usize) -> Bytes {
    (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
}

struct Client {
    socket: UdpSocket,
    /// Each so-many-th block gets lost on its way; none where it is 0.
    loses: usize,
    came: usize,
}

impl Client {
    async fn new(loses: usize) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        Self { socket, loses, came: 0 }
    }

    async fn ask(&self, server: SocketAddr, name: &str, options: &str) {
        let request = format!("\0\u{1}{name}\0octet\0{options}");
        self.socket.send_to(request.as_bytes(), server).await.unwrap();
    }

    async fn heard(&self) -> (Vec<u8>, SocketAddr) {
        let mut bytes = vec![0; 2048];
        let received = timeout(SOON, self.socket.recv_from(&mut bytes)).await;
        let (length, from) = received.unwrap().unwrap();
        bytes.truncate(length);
        (bytes, from)
    }

    async fn acknowledge(&self, number: u16, to: SocketAddr) {
        let [high, low] = number.to_be_bytes();
        self.socket.send_to(&[0, 4, high, low], to).await.unwrap();
    }

    /// Gets a file as RFC 7440 has it: blocks in order are acknowledged by the window, and what comes out of
    /// order by the last that was in order. Gives what the server agreed to and the file.
    async fn get(&mut self, server: SocketAddr, name: &str, options: &str) -> (String, Vec<u8>) {
        self.ask(server, name, options).await;
        let (mut block, mut window, mut agreed) = (512, 1, String::new());
        let (mut packet, from) = self.heard().await;
        assert_ne!(from, server, "a transfer has a port of its own");
        if packet.starts_with(&[0, 6]) {
            agreed = String::from_utf8(packet[2..].to_vec()).unwrap().replace('\0', " ");
            let words: Vec<&str> = agreed.split(' ').collect();
            for pair in words.chunks_exact(2) {
                match pair[0] {
                    "blksize" => block = pair[1].parse().unwrap(),
                    "windowsize" => window = pair[1].parse().unwrap(),
                    _ => {}
                }
            }
            self.acknowledge(0, from).await;
            packet = self.heard().await.0;
        }
        let (mut file, mut number, mut in_window) = (Vec::new(), 0_u16, 0);
        loop {
            self.came += 1;
            let lost = self.loses > 0 && self.came.is_multiple_of(self.loses);
            if !lost {
                assert_eq!(packet[..2], [0, 3], "{packet:?}");
                let next = number.wrapping_add(1);
                if packet[2..4] == next.to_be_bytes() {
                    file.extend_from_slice(&packet[4..]);
                    (number, in_window) = (next, in_window + 1);
                    let last = packet.len() < 4 + block;
                    if last || in_window == window {
                        in_window = 0;
                        self.acknowledge(number, from).await;
                    }
                    if last {
                        return (agreed, file);
                    }
                } else {
                    in_window = 0;
                    self.acknowledge(number, from).await;
                }
            }
            packet = self.heard().await.0;
        }
    }
}

#[tokio::test]
async fn files_of_any_length_come_whole() {
    let server = server().await;
    let mut client = Client::new(0).await;
    for length in [0, 1, 511, 512, 513, 1024, 70_000] {
        let (agreed, file) = client.get(server, &length.to_string(), "").await;
        assert_eq!(agreed, "", "nothing was asked for");
        assert_eq!(file, content(length), "{length}");
    }
    let (agreed, file) = client.get(server, "/300000", "tsize\x000\0blksize\x001024\0").await;
    assert_eq!(agreed, "blksize 1024 tsize 300000 ");
    assert_eq!(file, content(300_000));
    let (agreed, file) = client.get(server, "300000", "windowsize\x008\0blksize\x009000\0").await;
    assert_eq!(agreed, "blksize 1468 windowsize 8 ", "what fits a frame of Ethernet");
    assert_eq!(file, content(300_000));
}

#[tokio::test]
async fn more_blocks_come_than_there_are_numbers() {
    let server = server().await;
    let mut client = Client::new(0).await;
    let (_, file) = client.get(server, "530000", "blksize\x008\0windowsize\x0016\0").await;
    assert_eq!(file, content(530_000));
}

#[tokio::test]
async fn what_is_lost_comes_again() {
    let server = server().await;
    for (loses, options) in [(7, ""), (5, "windowsize\x008\0"), (3, "windowsize\x0016\0")] {
        let mut client = Client::new(loses).await;
        let (_, file) = client.get(server, "8000", options).await;
        assert_eq!(file, content(8000), "each {loses}. is lost");
    }
}

#[tokio::test]
async fn what_is_not_there_is_refused_in_words() {
    let server = server().await;
    let client = Client::new(0).await;
    let refused = async |request: &[u8]| {
        client.socket.send_to(request, server).await.unwrap();
        let (packet, _) = client.heard().await;
        assert_eq!(packet[..3], [0, 5, 0], "{packet:?}");
        (packet[3], String::from_utf8(packet[4..packet.len() - 1].to_vec()).unwrap())
    };
    let absent = refused(b"\0\x01../etc/passwd\0octet\0").await;
    assert_eq!(absent, (1, "there is no file ../etc/passwd".to_owned()));
    assert_eq!(refused(b"\0\x025\0octet\0").await.0, 2, "nothing is written");
    assert_eq!(refused(b"\0\x015\0octet").await.0, 4, "the request is cut");
}

#[tokio::test]
async fn a_transfer_is_of_one_client() {
    let server = server().await;
    let (client, other) = (Client::new(0).await, Client::new(0).await);
    client.ask(server, "1000", "").await;
    let (first, from) = client.heard().await;
    assert_eq!(first[..4], [0, 3, 0, 1]);
    // Another's acknowledgement does not move it, nor does the same request once more begin another.
    other.acknowledge(1, from).await;
    client.ask(server, "1000", "").await;
    let (again, same) = client.heard().await;
    assert_eq!(
        (&again[..4], same),
        (&[0, 3, 0, 1][..], from),
        "it waited, and sent the block again"
    );
    client.acknowledge(1, from).await;
    assert_eq!(client.heard().await.0[..4], [0, 3, 0, 2]);
    // Whoever ends it has a place for another.
    client.socket.send_to(&[0, 5, 0, 0, 0], from).await.unwrap();
    let mut client = client;
    assert_eq!(client.get(server, "5", "").await.1, content(5));
}

#[tokio::test]
async fn a_client_is_answered_from_the_address_that_it_asked() {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await.unwrap();
    let port = socket.local_addr().unwrap().port();
    let files = Arc::new(|_: &str, reached: IpAddr| Some(Bytes::from(reached.to_string())));
    tokio::spawn(netboot::serve_tftp(socket, files, std::future::pending()));
    let client = Client::new(0).await;
    for asked in [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 7, 7, 7)] {
        client.ask((asked, port).into(), "where", "").await;
        let (packet, from) = client.heard().await;
        assert_eq!((from.ip(), &packet[4..]), (asked.into(), asked.to_string().as_bytes()));
        client.acknowledge(1, from).await;
    }
}
