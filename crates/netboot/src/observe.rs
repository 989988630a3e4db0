//! What the listener observes of each boot: by its own counters, never by what a machine says.

use std::{
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use domain::{
    boot::Booted,
    digest::Digest,
    time::Clock,
    transfer::{Transfer, TransferKind},
};
use http_body::{Body, Frame, SizeHint};

use crate::{boots::Sending, traces::Traces};

/// Who is told of each transfer.
pub trait Observer: Send + Sync {
    /// A transfer has ended.
    fn transferred(&self, transfer: Transfer);
}

/// The most transfers that are kept of a guest. A boot makes some ten; a guest that asks for more
/// than this is in a loop, and must not fill the server's memory.
const MOST_TRANSFERS: usize = 10_000;

/// Keeps the first 10,000 transfers of one guest.
#[derive(Debug, Clone, Default)]
pub struct Observations(Arc<Mutex<Vec<Transfer>>>);

impl Observations {
    /// What has been transferred so far, in the order in which it ended.
    #[must_use]
    pub fn transfers(&self) -> Vec<Transfer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Observer for Observations {
    fn transferred(&self, transfer: Transfer) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() < MOST_TRANSFERS {
            kept.push(transfer);
        }
    }
}

/// Who watches a connection, and by which clock.
#[derive(Clone)]
pub(crate) struct Watch {
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) clock: Arc<dyn Clock>,
    /// What is sent meanwhile.
    #[expect(dead_code, reason = "what is sent is told by holding this")]
    pub(crate) sending: Option<Arc<Sending>>,
    /// The boots of the site's machines, and the address that is served, where these are watched.
    pub(crate) traced: Option<(Traces, IpAddr)>,
}

impl Watch {
    /// The same watch on something of a release.
    pub(crate) fn sending(&self, sending: Sending) -> Self {
        Self { sending: Some(Arc::new(sending)), ..self.clone() }
    }

    /// The same watch on what an address is sent.
    pub(crate) fn traced(&self, traces: Option<&Traces>, address: Option<IpAddr>) -> Self {
        Self { traced: traces.cloned().zip(address), ..self.clone() }
    }

    /// Begins to watch an answer.
    pub(crate) fn begin(
        &self,
        kind: TransferKind,
        path: &str,
        status: u16,
        refusal: &str,
    ) -> Watched {
        let now = self.clock.now();
        let transfer = Transfer {
            kind,
            path: path.to_owned(),
            started_at: now,
            ended_at: now,
            bytes: 0,
            status,
            complete: false,
            refusal: refusal.to_owned(),
        };
        Watched { watch: self.clone(), transfer, file: None }
    }
}

/// An answer under way; told when it is dropped, whole or broken off.
pub(crate) struct Watched {
    watch: Watch,
    transfer: Transfer,
    file: Option<(Booted, Digest)>,
}

impl Watched {
    /// The same answer, which is a file of a release.
    pub(crate) fn of_file(mut self, release: Booted, sha256: Digest) -> Self {
        self.file = Some((release, sha256));
        self
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.transfer.ended_at = self.watch.clock.now();
        if let Some((traces, address)) = &self.watch.traced {
            traces.transferred(*address, self.transfer.clone(), self.file.take());
        }
        if let Some(observer) = &self.watch.observer {
            observer.transferred(self.transfer.clone());
        }
    }
}

/// A body that counts what it hands to the network.
///
/// hyper drops a body as soon as the promised length is sent, without asking for its end: what is
/// whole is told by the length.
pub(crate) struct CountedBody {
    inner: axum::body::Body,
    promised: u64,
    watched: Watched,
}

impl CountedBody {
    /// A body that promises so many bytes.
    pub(crate) const fn new(inner: axum::body::Body, promised: u64, watched: Watched) -> Self {
        Self { inner, promised, watched }
    }
}

impl Body for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            let sent = frame.data_ref().map_or(0, Bytes::len);
            self.watched.transfer.bytes += sent as u64;
            self.watched.transfer.complete = self.watched.transfer.bytes >= self.promised;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
