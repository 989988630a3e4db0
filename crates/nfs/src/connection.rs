//! One client's connection: its calls are carried out several at a time, and answered in the order in which
//! they are done.
//!
//! What is under way for one connection is bounded by number and by bytes, from the moment a call has come until
//! its answer is sent. A client that does not read its answers is read from no more, and keeps up nobody else.

use std::{io, net::IpAddr, sync::Arc};

use bytes::Buf as _;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    select,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::spawn_blocking,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Server,
    record::{self, Reply},
    server::longest_answer,
};

/// How many calls may be under way.
const CALLS: usize = 16;
/// How many bytes calls under way and their answers may have, in units of [`UNIT`].
const ROOM: u32 = 4096;
/// A kilobyte.
const UNIT: usize = 1024;
/// How many bytes of calls are read at once, where they are small.
const BUFFER: usize = 8 * 1024;

/// A client's connection and what it shares with all others.
pub(crate) struct Connection {
    server: Arc<Server>,
    client: IpAddr,
    port: u16,
    /// How many calls may be carried out at once, in all.
    all_calls: Arc<Semaphore>,
    room: Arc<Semaphore>,
}

/// An answer on its way, with the room that it takes until it is sent.
struct Sending {
    /// `None` where what came was no call.
    reply: Option<Reply>,
    _room: OwnedSemaphorePermit,
    _call: OwnedSemaphorePermit,
}

impl Connection {
    pub(crate) fn new(
        server: Arc<Server>,
        client: IpAddr,
        port: u16,
        all_calls: Arc<Semaphore>,
    ) -> Self {
        let room = Arc::new(Semaphore::new(ROOM as usize));
        Self { server, client, port, all_calls, room }
    }

    /// Answers calls until the client ends, or `ending`; what is under way then is still answered.
    pub(crate) async fn run(self, stream: TcpStream, ending: CancellationToken) -> io::Result<()> {
        let (from, to) = stream.into_split();
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

    async fn read(&self, from: OwnedReadHalf, answers: mpsc::Sender<Sending>) -> io::Result<()> {
        let mut from = BufReader::with_capacity(BUFFER, from);
        let (calls, closed) = (Arc::new(Semaphore::new(CALLS)), io::Error::other);
        // Between calls a client may be silent for as long as it likes.
        while !from.fill_buf().await?.is_empty() {
            let call = timeout(self.server.limits.call, record::read(&mut from)).await??;
            let bytes = call.len() + longest_answer(&call);
            let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(ROOM).min(ROOM);
            let room = self.room.clone().acquire_many_owned(units).await.map_err(closed)?;
            let place = calls.clone().acquire_owned().await.map_err(closed)?;
            let one_of_all = self.all_calls.clone().acquire_owned().await.map_err(closed)?;
            let (server, answers) = (self.server.clone(), answers.clone());
            let (client, port) = (self.client, self.port);
            spawn_blocking(move || {
                let reply = server.answer(client, port, &call);
                drop((call, one_of_all));
                // There is a place for it, unless the client has gone.
                let _ = answers.try_send(Sending { reply, _room: room, _call: place });
            });
        }
        Ok(())
    }

    async fn send(
        &self,
        mut to: OwnedWriteHalf,
        mut answered: mpsc::Receiver<Sending>,
    ) -> io::Result<()> {
        while let Some(Sending { reply, _room, _call }) = answered.recv().await {
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
