//! One client's connection: its calls are carried out several at a time, and answered in the order in which
//! they are done.
//!
//! What is under way for one connection is bounded by number and by bytes, from the moment a call has come until
//! its answer is sent. A client that does not read its answers is read from no more, and keeps up nobody else.

use std::{io, net::IpAddr, sync::Arc};

use bytes::Buf as _;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    select,
    sync::{AcquireError, OwnedSemaphorePermit, Semaphore, mpsc},
    task::spawn_blocking,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Limits, Server,
    record::{self, Reply},
    server::longest_answer,
};

/// How many calls may be under way.
const CALLS: usize = 16;
/// How many calls are carried out at once, over all connections.
const ALL_CALLS: usize = 64;
/// In what room is measured: a kilobyte.
const UNIT: usize = 1024;
/// How much room calls under way and their answers may have: four megabytes.
const ROOM: u32 = 4096;
/// How many bytes of calls are read at once, where they are small.
const BUFFER: usize = 8 * 1024;

/// What connections share.
#[derive(Clone)]
pub(crate) struct Shared {
    /// Places for calls that are carried out.
    calls: Arc<Semaphore>,
    /// Room for calls under way beside one of each connection, so that none waits until another one's client
    /// reads.
    room: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn new(limits: Limits) -> Self {
        let room = (limits.memory / UNIT).min(Semaphore::MAX_PERMITS);
        Self { calls: Arc::new(Semaphore::new(ALL_CALLS)), room: Arc::new(Semaphore::new(room)) }
    }
}

/// A client's connection and what it shares with all others.
pub(crate) struct Connection {
    server: Arc<Server>,
    client: IpAddr,
    port: u16,
    shared: Shared,
    own: Own,
}

/// What a connection has of its own.
struct Own {
    /// Places for calls under way.
    calls: Arc<Semaphore>,
    /// The place of the one that needs no room of what is shared.
    first: Arc<Semaphore>,
    /// Room for all of them.
    room: Arc<Semaphore>,
}

/// An answer on its way, with the room that it takes until it is sent.
struct Sending {
    /// `None` where what came was no call.
    reply: Option<Reply>,
    _room: Room,
}

/// A call's place among those under way, and its room.
struct Room {
    _call: OwnedSemaphorePermit,
    _own: OwnedSemaphorePermit,
    _first_or_shared: OwnedSemaphorePermit,
}

impl Connection {
    pub(crate) fn new(server: Arc<Server>, client: IpAddr, port: u16, shared: Shared) -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        let own = Own { calls: places(CALLS), first: places(1), room: places(ROOM as usize) };
        Self { server, client, port, shared, own }
    }

    /// Answers calls until the client ends, or `ending`; what is under way then is still answered.
    pub(crate) async fn run(
        self,
        (from, to): (impl AsyncRead + Unpin, impl AsyncWrite + Unpin),
        ending: CancellationToken,
    ) -> io::Result<()> {
        let (answers, answered) = mpsc::channel(CALLS);
        let sending = self.send(to, answered);
        let reading = async {
            select! {
                read = self.read(from, answers) => read,
                () = ending.cancelled() => Ok(()),
            }
        };
        tokio::pin!(sending, reading);
        select! {
            sent = &mut sending => sent,
            read = &mut reading => {
                sending.await?;
                read
            }
        }
    }

    async fn read(
        &self,
        from: impl AsyncRead + Unpin,
        answers: mpsc::Sender<Sending>,
    ) -> io::Result<()> {
        let mut from = BufReader::with_capacity(BUFFER, from);
        let limits = self.server.limits;
        loop {
            let wants_nothing = match timeout(limits.idle, from.fill_buf()).await {
                Ok(bytes) => bytes?.is_empty(),
                Err(_) => true,
            };
            if wants_nothing {
                return Ok(());
            }
            let call = timeout(limits.call, record::read(&mut from)).await??;
            let room = self.room(call.len() + longest_answer(&call)).await;
            let room = room.map_err(io::Error::other)?;
            let calls = self.shared.calls.clone();
            let place = calls.acquire_owned().await.map_err(io::Error::other)?;
            let (server, answers) = (self.server.clone(), answers.clone());
            let (client, port) = (self.client, self.port);
            spawn_blocking(move || {
                let reply = server.answer(client, port, &call);
                drop((call, place));
                // There is a place for it, unless the client has gone.
                let _ = answers.try_send(Sending { reply, _room: room });
            });
        }
    }

    /// Waits for a place and for room of so many bytes.
    async fn room(&self, bytes: usize) -> Result<Room, AcquireError> {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(ROOM).min(ROOM);
        let Own { calls, first, room } = &self.own;
        Ok(Room {
            _call: calls.clone().acquire_owned().await?,
            _own: room.clone().acquire_many_owned(units).await?,
            _first_or_shared: select! {
                biased;
                first = first.clone().acquire_owned() => first?,
                shared = self.shared.room.clone().acquire_many_owned(units) => shared?,
            },
        })
    }

    async fn send(
        &self,
        mut to: impl AsyncWrite + Unpin,
        mut answered: mpsc::Receiver<Sending>,
    ) -> io::Result<()> {
        while let Some(Sending { reply, _room }) = answered.recv().await {
            let Some(reply) = reply else {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "this is no call"));
            };
            let mut bytes = reply.into_buf();
            while bytes.has_remaining() {
                let sent = timeout(self.server.limits.answer, to.write_buf(&mut bytes)).await??;
                if sent == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
            }
        }
        Ok(())
    }
}
