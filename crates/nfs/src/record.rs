//! Records: how calls and replies are told apart in a stream of bytes (RFC 5531 §11).
//!
//! A record comes in fragments, each behind a word that says its length and whether it is the last. What a
//! client claims to send is never allocated before it is there.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::xdr::{Writer, padding};

/// The most bytes of a file in one call, whether read or written.
pub(crate) const MOST_DATA: usize = 1024 * 1024;
/// The longest call in bytes: a WRITE with its credentials.
pub(crate) const LONGEST: usize = MOST_DATA + 4096;
/// Room that is made for a record before its bytes have come, in bytes.
const ROOM: usize = 16 * 1024;
/// The bit of a fragment's head that says that it is the last.
const LAST: u32 = 1 << 31;

/// Reads the next record.
///
/// # Errors
/// Where the stream ends or fails, and as [`io::ErrorKind::InvalidData`] where a record is longer than any call.
pub(crate) async fn read(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Bytes> {
    let mut record = BytesMut::new();
    loop {
        let head = from.read_u32().await?;
        let length = usize::try_from(head & !LAST).unwrap_or(usize::MAX);
        if length > LONGEST - record.len() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a call that is too long"));
        }
        let whole = record.len() + length;
        while record.len() < whole {
            let missing = whole - record.len();
            // Never more at once than has come already.
            record.reserve(missing.min(ROOM.max(record.len())));
            let read = (&mut *from).take(missing as u64).read_buf(&mut record).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        if head & LAST != 0 {
            return Ok(record.freeze());
        }
    }
}

/// A reply with the head of its record, ready to be sent.
///
/// What is read of a file is sent from where it lies and copied nowhere.
#[derive(Debug, Clone)]
pub struct Reply {
    head: Bytes,
    data: Bytes,
}

impl Reply {
    /// What `write` writes, and behind it the bytes that it gives, as its last value: their length it has
    /// written.
    pub(crate) fn new(write: impl FnOnce(&mut Writer) -> Bytes) -> Self {
        let mut out = Writer::default();
        out.u32(0);
        let data = write(&mut out);
        let mut head = out.into_bytes();
        let length = head.len() - 4 + data.len() + padding(data.len());
        // Longer than a fragment can be is no reply that is built here.
        let mark = LAST | u32::try_from(length).unwrap_or(u32::MAX);
        for (to, from) in head.iter_mut().zip(mark.to_be_bytes()) {
            *to = from;
        }
        Self { head: head.into(), data }
    }

    /// All bytes of it, in order.
    #[must_use]
    pub fn into_buf(self) -> impl Buf {
        let filling = Buf::take(&[0; 3][..], padding(self.data.len()));
        self.head.chain(self.data).chain(filling)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    async fn read_all(mut bytes: &[u8]) -> io::Result<Bytes> {
        read(&mut bytes).await
    }

    fn fragments(parts: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let last = if at + 1 == parts.len() { LAST } else { 0 };
            bytes.extend((last | u32::try_from(part.len()).unwrap()).to_be_bytes());
            bytes.extend(part);
        }
        bytes
    }

    proptest! {
        #[test]
        fn fragments_are_put_together(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 1..10),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let record = runtime.block_on(read_all(&fragments(&parts))).unwrap();
            prop_assert_eq!(record, parts.concat());
        }
    }

    #[tokio::test]
    async fn a_record_that_is_too_long_is_refused_by_its_head() {
        for head in [LAST | (u32::try_from(LONGEST).unwrap() + 1), u32::MAX, !LAST] {
            let error = read_all(&head.to_be_bytes()).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{head:x}");
        }
        let two = fragments(&[vec![0; LONGEST], vec![0]]);
        let error = read_all(&two).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert_eq!(read_all(&fragments(&[vec![0; LONGEST]])).await.unwrap().len(), LONGEST);
    }

    #[tokio::test]
    async fn a_record_that_ends_early_is_an_error() {
        let whole = fragments(&[vec![1, 2, 3], vec![4]]);
        for length in 0..whole.len() {
            let error = read_all(&whole[..length]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{length}");
        }
    }

    #[test]
    fn a_reply_is_filled_up() {
        for length in 0..9 {
            let reply = Reply::new(|out| {
                out.length(length);
                Bytes::from(vec![7; length])
            });
            let mut buf = reply.into_buf();
            let bytes = buf.copy_to_bytes(buf.remaining());
            let mut expected = Writer::default();
            let mark = LAST | u32::try_from(4 + length.next_multiple_of(4)).unwrap();
            expected.u32(mark);
            expected.opaque(&vec![7; length]);
            assert_eq!(bytes, expected.into_bytes());
        }
    }
}
