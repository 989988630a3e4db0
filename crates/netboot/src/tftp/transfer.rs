//! One transfer: a file in blocks, each window of them acknowledged (RFC 1350 §2, RFC 7440 §4).

use std::{io, time::Duration};

use bytes::Bytes;
use tokio::{
    net::UdpSocket,
    time::{Instant, timeout_at},
};

use super::packet::{Reply, Terms, data};

/// How often the same is sent in a row without an answer.
const TRIES: u32 = 6;
/// How long an answer is waited for at the most.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// How a transfer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The client has all of it.
    Whole,
    /// The client wants no more; firmware that only asks for the size ends so.
    Left,
    /// Nothing was heard of the client.
    Silent,
}

/// What was heard, seen from what was sent last.
enum Heard {
    /// All up to this block has come.
    UpTo(u64),
    /// That the first of it is missing.
    Missing,
    Ended,
    Nothing,
}

/// A transfer to the one client that `socket` is connected to.
pub(super) struct Transfer<'a> {
    socket: &'a UdpSocket,
    content: &'a Bytes,
    terms: &'a Terms,
}

impl<'a> Transfer<'a> {
    pub(super) const fn new(socket: &'a UdpSocket, content: &'a Bytes, terms: &'a Terms) -> Self {
        Self { socket, content, terms }
    }

    /// Sends all of the file.
    ///
    /// # Errors
    /// Where the network fails; a client whose port is closed is one of these.
    pub(super) async fn run(&self) -> io::Result<Ended> {
        if let Some(agreed) = &self.terms.agreed {
            let agreed = [agreed.clone()];
            match self.exchange(0, &agreed).await? {
                Heard::UpTo(_) => {}
                Heard::Ended => return Ok(Ended::Left),
                Heard::Missing | Heard::Nothing => return Ok(Ended::Silent),
            }
        }
        // A block that is not full ends the file, be it an empty one.
        let last = (self.content.len() / self.terms.block) as u64 + 1;
        let mut first = 1;
        while first <= last {
            let beyond = (first + u64::from(self.terms.window)).min(last + 1);
            let window: Vec<_> = (first..beyond).map(|number| self.block(number)).collect();
            match self.exchange(first, &window).await? {
                Heard::UpTo(number) => first = number + 1,
                Heard::Ended => return Ok(Ended::Left),
                Heard::Missing | Heard::Nothing => return Ok(Ended::Silent),
            }
        }
        Ok(Ended::Whole)
    }

    /// Sends packets, the first of them of the number `first`, until one of them is acknowledged.
    async fn exchange(&self, first: u64, packets: &[Vec<u8>]) -> io::Result<Heard> {
        let mut wait = self.terms.timeout;
        let mut told = false;
        for _ in 0..TRIES {
            for packet in packets {
                self.socket.send(packet).await?;
            }
            let until = Instant::now() + wait;
            let mut heard = self.answer(first, packets.len() as u64, until).await?;
            // Each block that comes out of order is answered so: the window goes out anew for the first.
            while told && matches!(heard, Heard::Missing) {
                heard = self.answer(first, packets.len() as u64, until).await?;
            }
            match heard {
                Heard::Missing => told = true,
                Heard::Nothing => (wait, told) = ((wait * 2).min(LONGEST_WAIT), false),
                Heard::UpTo(_) | Heard::Ended => return Ok(heard),
            }
        }
        Ok(Heard::Nothing)
    }

    async fn answer(&self, first: u64, sent: u64, until: Instant) -> io::Result<Heard> {
        let mut bytes = [0; 64];
        loop {
            let Ok(received) = timeout_at(until, self.socket.recv(&mut bytes)).await else {
                return Ok(Heard::Nothing);
            };
            match Reply::parse(&bytes[..received?]) {
                Reply::Acknowledged(number) => {
                    // Numbers begin anew after 65535: what counts is how far they are from the first.
                    let beyond = u64::from(number.wrapping_sub(low_bits(first)));
                    if beyond < sent {
                        return Ok(Heard::UpTo(first + beyond));
                    }
                    // The block before the first: of a window whose first block was lost, so that all of it is
                    // due again. Where a window is one block it only came late, and to answer it would double
                    // each block from then on (RFC 1123 §4.2.3.1).
                    if sent > 1 && beyond == u64::from(u16::MAX) {
                        return Ok(Heard::Missing);
                    }
                }
                Reply::Ended => return Ok(Heard::Ended),
                Reply::Other => {}
            }
        }
    }

    fn block(&self, number: u64) -> Vec<u8> {
        let begin =
            usize::try_from(number - 1).unwrap_or(usize::MAX).saturating_mul(self.terms.block);
        let end = begin.saturating_add(self.terms.block).min(self.content.len());
        data(low_bits(number), self.content.get(begin..end).unwrap_or_default())
    }
}

/// What stands in a packet of a block's number.
fn low_bits(number: u64) -> u16 {
    let [.., high, low] = number.to_be_bytes();
    u16::from_be_bytes([high, low])
}
