//! TFTP, for the first thing that firmware fetches: read-only, of a few files that are held in memory
//! (RFC 1350 with the options of RFC 2347, 2348, 2349 and 7440).
//!
//! Names are looked up as they are in a table, so there is no path that could lead anywhere. A packet of a
//! few bytes makes us send many: transfers are bounded, in all and for each client, and a client that does not
//! answer is left after some seconds.

mod packet;
mod transfer;

use std::{
    collections::HashSet,
    io,
    net::{IpAddr, SocketAddr},
    os::fd::AsRawFd as _,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use nix::{
    errno::Errno,
    sys::socket::{
        ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt,
        sockopt::{Ipv4PacketInfo, Ipv6RecvPacketInfo},
    },
};
use tokio::{io::Interest, net::UdpSocket, pin, select};

use self::{
    packet::{Code, Opening, ReadRequest, Terms, error},
    transfer::{Ended, Transfer},
};

/// How many transfers go on at once; who asks beyond that hears nothing, and asks again.
const TRANSFERS: usize = 256;
/// How many of these with one address.
const TRANSFERS_OF_ONE: usize = 8;

/// What is served: the content of a name, for a client that reached us at this address.
pub type FirstStage = Arc<dyn Fn(&str, IpAddr) -> Option<Bytes> + Send + Sync>;

/// Serves until `stop` ends.
///
/// # Errors
/// Where the socket cannot be used at all.
pub async fn serve_tftp(
    socket: UdpSocket,
    files: FirstStage,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    tell_destinations(&socket)?;
    let transfers = Transfers::default();
    pin!(stop);
    loop {
        let (request, client, reached) = select! {
            received = received(&socket) => received?,
            () = &mut stop => return Ok(()),
        };
        let Some(place) = transfers.place(client) else { continue };
        let files = files.clone();
        tokio::spawn(async move {
            if let Err(error) = answer(&request, client, reached, &files).await {
                tracing::debug!(%client, %error, "a transfer over TFTP ended");
            }
            drop(place);
        });
    }
}

/// Answers one request from a port of its own, which names the transfer from then on.
async fn answer(
    request: &[u8],
    client: SocketAddr,
    reached: IpAddr,
    files: &FirstStage,
) -> io::Result<()> {
    let refusal = match Opening::parse(request) {
        Some(Opening::Read(request)) => match files(plain(&request.name), reached) {
            Some(content) => return send(&request, &content, client, reached).await,
            None => error(Code::NotFound, &format!("there is no file {}", request.name)),
        },
        Some(Opening::Write) => error(Code::Denied, "nothing can be written here"),
        Some(Opening::Other) => return Ok(()),
        None => error(Code::Illegal, "this is no request of TFTP"),
    };
    connected(client, reached).await?.send(&refusal).await.map(drop)
}

async fn send(
    request: &ReadRequest,
    content: &Bytes,
    client: SocketAddr,
    reached: IpAddr,
) -> io::Result<()> {
    let socket = connected(client, reached).await?;
    let terms = Terms::of(request, content.len());
    let ended = Transfer::new(&socket, content, &terms).run().await?;
    match ended {
        Ended::Whole => {
            tracing::info!(%client, file = request.name, bytes = content.len(), "sent over TFTP");
        }
        Ended::Left => {
            tracing::debug!(%client, file = request.name, "the client wants no more over TFTP");
        }
        Ended::Silent => {
            tracing::warn!(%client, file = request.name, "a client of TFTP stopped to answer");
        }
    }
    Ok(())
}

/// The name as it is in the table: some firmware writes it as a path, some with the other slash.
fn plain(name: &str) -> &str {
    name.trim_start_matches(['/', '\\'])
}

/// A socket for one client, from the address that it asked: it takes answers of no other.
async fn connected(client: SocketAddr, reached: IpAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(SocketAddr::new(reached, 0)).await?;
    socket.connect(client).await?;
    Ok(socket)
}

/// Has the system say to which of its addresses a packet came.
fn tell_destinations(socket: &UdpSocket) -> io::Result<()> {
    match socket.local_addr()? {
        SocketAddr::V4(_) => setsockopt(socket, Ipv4PacketInfo, &true)?,
        SocketAddr::V6(_) => setsockopt(socket, Ipv6RecvPacketInfo, &true)?,
    }
    Ok(())
}

/// The next packet, who sent it, and to which of our addresses.
async fn received(socket: &UdpSocket) -> io::Result<(Vec<u8>, SocketAddr, IpAddr)> {
    loop {
        socket.readable().await?;
        match socket.try_io(Interest::READABLE, || read_one(socket)) {
            Ok(Some(received)) => return Ok(received),
            // What has no address cannot be answered.
            Ok(None) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

fn read_one(socket: &UdpSocket) -> io::Result<Option<(Vec<u8>, SocketAddr, IpAddr)>> {
    let mut bytes = [0; 1024];
    let mut buffers = [io::IoSliceMut::new(&mut bytes)];
    let mut space = nix::cmsg_space!([u8; 64]);
    let message = loop {
        match recvmsg::<SockaddrStorage>(
            socket.as_raw_fd(),
            &mut buffers,
            Some(&mut space),
            MsgFlags::empty(),
        ) {
            Err(Errno::EINTR) => {}
            other => break other?,
        }
    };
    let client = message.address.as_ref().and_then(|it| {
        let v4 = it.as_sockaddr_in().map(|it| SocketAddr::from((it.ip(), it.port())));
        v4.or_else(|| it.as_sockaddr_in6().map(|it| SocketAddr::from((it.ip(), it.port()))))
    });
    let reached = message.cmsgs()?.find_map(|it| match it {
        ControlMessageOwned::Ipv4PacketInfo(info) => {
            Some(IpAddr::from(u32::from_be(info.ipi_addr.s_addr).to_be_bytes()))
        }
        ControlMessageOwned::Ipv6PacketInfo(info) => Some(IpAddr::from(info.ipi6_addr.s6_addr)),
        _ => None,
    });
    let length = message.bytes;
    let received = client.zip(reached);
    Ok(received.map(|(client, reached)| (bytes[..length].to_vec(), client, reached)))
}

/// The transfers under way.
#[derive(Default, Clone)]
struct Transfers(Arc<Mutex<HashSet<SocketAddr>>>);

/// A place among them, until it is dropped.
struct Place {
    transfers: Transfers,
    client: SocketAddr,
}

impl Transfers {
    /// A place for a client; `None` where there is none, or where it has one: it only asks again.
    fn place(&self, client: SocketAddr) -> Option<Place> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_one = all.iter().filter(|it| it.ip() == client.ip()).count();
        if all.len() >= TRANSFERS || of_one >= TRANSFERS_OF_ONE || !all.insert(client) {
            return None;
        }
        Some(Place { transfers: self.clone(), client })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.transfers.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.client);
    }
}
