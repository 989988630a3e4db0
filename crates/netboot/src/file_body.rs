//! The bytes of a file as a body: what the kernel has in memory at once, the rest from the disk, in turns.
//!
//! A rootfs that many machines load is in the page cache. Such a part is read where it is asked for, since that
//! takes microseconds (`RWF_NOWAIT`, preadv2(2)). A part that is not there is read on a thread that may wait, and
//! only so many of these wait at a time, so that a storm of boots takes neither all threads nor the disk from the
//! dashboard. Whoever waits is served in the order in which they came, a chunk each: none is passed by.

use std::{
    fs::File,
    io::{self, IoSliceMut},
    os::unix::fs::FileExt as _,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// How much is read at once, in bytes.
const CHUNK: usize = 256 * 1024;
/// How many threads read from the disk at a time, for all clients.
const READERS: usize = 8;

/// The turns at the disk; shared by all bodies of a listener.
#[derive(Debug, Clone)]
pub(crate) struct Disk(Arc<Semaphore>);

impl Default for Disk {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(READERS)))
    }
}

type Reading = Pin<Box<dyn Future<Output = io::Result<Bytes>> + Send>>;

/// A part of a file.
pub(crate) struct FileBody {
    file: Arc<File>,
    at: u64,
    left: u64,
    disk: Disk,
    /// A chunk that comes from the disk.
    reading: Option<Reading>,
}

impl FileBody {
    /// `length` bytes of a file from `first`.
    pub(crate) fn new(file: File, first: u64, length: u64, disk: Disk) -> Self {
        Self { file: Arc::new(file), at: first, left: length, disk, reading: None }
    }

    fn chunk(&self) -> usize {
        usize::try_from(self.left).unwrap_or(CHUNK).min(CHUNK)
    }

    /// What is in memory; `None` where the disk would have to be waited for.
    fn in_memory(&self) -> io::Result<Option<Bytes>> {
        let mut bytes = vec![0; self.chunk()];
        let read = preadv2(
            &self.file,
            &mut [IoSliceMut::new(&mut bytes)],
            self.at,
            ReadWriteFlags::NOWAIT,
        );
        match read {
            Ok(length) => {
                bytes.truncate(length);
                Ok(Some(bytes.into()))
            }
            // Not in memory, interrupted, or a file system that cannot tell.
            Err(Errno::AGAIN | Errno::INTR | Errno::OPNOTSUPP) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn on_disk(&self) -> Reading {
        let (file, at, length) = (self.file.clone(), self.at, self.chunk());
        let turns = self.disk.0.clone();
        Box::pin(async move {
            let turn = turns.acquire_owned().await.map_err(io::Error::other)?;
            let read = move || {
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, at)?;
                drop(turn);
                Ok(Bytes::from(bytes))
            };
            spawn_blocking(read).await.map_err(io::Error::other)?
        })
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let read = match &mut self.reading {
            Some(reading) => ready!(reading.as_mut().poll(context)),
            None => match self.in_memory() {
                Ok(Some(bytes)) => Ok(bytes),
                Ok(None) => {
                    let reading = self.on_disk();
                    let reading = self.reading.insert(reading);
                    ready!(reading.as_mut().poll(context))
                }
                Err(error) => Err(error),
            },
        };
        self.reading = None;
        let read = read.and_then(|bytes| match bytes.is_empty() {
            true => Err(io::ErrorKind::UnexpectedEof.into()),
            false => Ok(bytes),
        });
        if let Ok(bytes) = &read {
            self.at += bytes.len() as u64;
            self.left -= bytes.len() as u64;
        }
        Poll::Ready(Some(read.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, io::Write as _};

    use super::*;

    async fn collected(mut body: FileBody) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        while let Some(frame) = poll_fn(|it| Pin::new(&mut body).poll_frame(it)).await {
            let bytes = frame?.into_data().unwrap();
            assert!(!bytes.is_empty() && bytes.len() <= CHUNK);
            all.extend(bytes);
        }
        assert!(body.is_end_stream());
        Ok(all)
    }

    #[tokio::test]
    async fn any_part_is_read_from_memory_and_from_the_disk() {
        let content: Vec<u8> = (0..1_000_003_u32).map(|it| (it % 249) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&content).unwrap();
        let disk = Disk::default();
        for (first, length) in [(0, 1_000_003), (0, 0), (7, 1), (999_999, 4), (300_000, 600_000)] {
            let part = &content[first..first + length];
            let body = || {
                let file = file.try_clone().unwrap();
                FileBody::new(file, first as u64, length as u64, disk.clone())
            };
            assert_eq!(collected(body()).await.unwrap(), part);
            let mut slow = body();
            if length > 0 {
                slow.reading = Some(slow.on_disk());
            }
            assert_eq!(collected(slow).await.unwrap(), part);
        }
        assert_eq!(disk.0.available_permits(), READERS);
        // A file that is shorter than was promised ends the answer; it is never filled up.
        let short = FileBody::new(file.try_clone().unwrap(), 1_000_000, 10, disk.clone());
        assert!(collected(short).await.is_err());
    }

    #[tokio::test]
    async fn who_goes_away_while_waiting_gives_the_turn_back() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(10).unwrap();
        let disk = Disk::default();
        let all = disk.0.clone().acquire_many_owned(8).await.unwrap();
        let mut body = FileBody::new(file, 0, 10, disk.clone());
        body.reading = Some(body.on_disk());
        let waited =
            poll_fn(|it| Poll::Ready(Pin::new(&mut body).poll_frame(it).is_pending())).await;
        assert!(waited);
        drop(body);
        drop(all);
        assert_eq!(disk.0.available_permits(), READERS);
    }
}
