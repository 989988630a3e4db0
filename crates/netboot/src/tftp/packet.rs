//! What is sent over TFTP, as bytes: RFC 1350 §5, with the options of RFC 2347.

use std::time::Duration;

/// How long a block is where nobody asks for another length, in bytes.
pub(super) const USUAL_BLOCK: usize = 512;
/// The longest block that is agreed to, in bytes: what fits an Ethernet frame beside the headers of IP, UDP and
/// TFTP, since much firmware cannot put fragments of packets together.
const LONGEST_BLOCK: usize = 1468;
/// How many blocks are sent ahead at the most: what many clients can hold.
const WIDEST_WINDOW: u16 = 16;
/// The longest file name and other texts of a request, in bytes: RFC 2347 §1 gives a request 512 in all.
const LONGEST_REQUEST: usize = 512;

/// What a client sends to the port of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Opening {
    /// It wants a file.
    Read(ReadRequest),
    /// It wants to write one.
    Write,
    /// It sends what belongs to no transfer.
    Other,
}

/// A request for a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ReadRequest {
    /// The name as it was sent.
    pub(super) name: String,
    /// RFC 2348, in bytes.
    pub(super) block: Option<usize>,
    /// RFC 2349: the client asks how long the file is.
    pub(super) size: bool,
    /// RFC 2349, in seconds.
    pub(super) timeout: Option<u8>,
    /// RFC 7440, in blocks.
    pub(super) window: Option<u16>,
}

/// What a client answers within a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// Everything up to the block of that number has come, which begins anew after 65535.
    Acknowledged(u16),
    /// It wants no more.
    Ended,
    /// Something that a client does not send.
    Other,
}

/// Error codes of RFC 1350 §5 and RFC 2347 §3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    NotFound = 1,
    Denied = 2,
    Illegal = 4,
}

impl Opening {
    /// Reads what came; `None` where it is malformed.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        match opcode(bytes)? {
            (1, rest) => ReadRequest::parse(rest).map(Self::Read),
            (2, _) => Some(Self::Write),
            _ => Some(Self::Other),
        }
    }
}

impl ReadRequest {
    fn parse(rest: &[u8]) -> Option<Self> {
        if rest.len() > LONGEST_REQUEST {
            return None;
        }
        let mut texts = rest.strip_suffix(b"\0")?.split(|byte| *byte == 0);
        let mut next = || texts.next().map(|it| std::str::from_utf8(it).ok());
        let name = next()??.to_owned();
        let mode = next()??;
        // Nothing that is served here is text of the other kind, and who asks for that gets the bytes.
        if name.is_empty() || !["octet", "netascii"].iter().any(|it| mode.eq_ignore_ascii_case(it))
        {
            return None;
        }
        let mut request = Self { name, ..Self::default() };
        while let Some(option) = next() {
            let (option, value) = (option?, next()??);
            match option.to_ascii_lowercase().as_str() {
                "blksize" => request.block = value.parse().ok().filter(|it| *it >= 8),
                "tsize" => request.size = true,
                "timeout" => request.timeout = value.parse().ok().filter(|it| *it > 0),
                "windowsize" => request.window = value.parse().ok().filter(|it| *it > 0),
                // RFC 2347 §2: what a server does not know it leaves out of its answer.
                _ => {}
            }
        }
        Some(request)
    }
}

impl Reply {
    pub(super) fn parse(bytes: &[u8]) -> Self {
        match opcode(bytes) {
            Some((4, &[high, low, ..])) => Self::Acknowledged(u16::from_be_bytes([high, low])),
            Some((5, _)) => Self::Ended,
            _ => Self::Other,
        }
    }
}

fn opcode(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (code, rest) = bytes.split_first_chunk::<2>()?;
    Some((u16::from_be_bytes(*code), rest))
}

/// What a transfer is agreed to be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terms {
    /// Length of all blocks but the last, in bytes.
    pub(super) block: usize,
    /// How many blocks are sent before an answer is waited for.
    pub(super) window: u16,
    /// How long an answer is waited for, at first.
    pub(super) timeout: Duration,
    /// The packet that agrees to options; `None` where none was asked for.
    pub(super) agreed: Option<Vec<u8>>,
}

impl Terms {
    /// What is agreed to of a request for a file of `size` bytes: each option that was asked for and no
    /// other (RFC 2347 §2).
    pub(super) fn of(request: &ReadRequest, size: usize) -> Self {
        let block = request.block.map(|it| it.min(LONGEST_BLOCK));
        let window = request.window.map(|it| it.min(WIDEST_WINDOW));
        let mut agreed = vec![0, 6];
        let mut agree = |option: &str, value: Option<u64>| {
            if let Some(value) = value {
                agreed.extend_from_slice(format!("{option}\0{value}\0").as_bytes());
            }
        };
        agree("blksize", block.map(|it| it as u64));
        agree("tsize", request.size.then_some(size as u64));
        agree("timeout", request.timeout.map(u64::from));
        agree("windowsize", window.map(u64::from));
        Self {
            block: block.unwrap_or(USUAL_BLOCK),
            window: window.unwrap_or(1),
            timeout: Duration::from_secs(request.timeout.map_or(1, u64::from)),
            agreed: Some(agreed).filter(|it| it.len() > 2),
        }
    }
}

/// A block of a file.
pub(super) fn data(number: u16, content: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(4 + content.len());
    packet.extend_from_slice(&[0, 3]);
    packet.extend_from_slice(&number.to_be_bytes());
    packet.extend_from_slice(content);
    packet
}

/// A refusal, in words that a console shows.
pub(super) fn error(code: Code, reason: &str) -> Vec<u8> {
    let mut packet = vec![0, 5, 0, code as u8];
    packet.extend(reason.bytes().filter(|it| *it != 0).take(200));
    packet.push(0);
    packet
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(request: &[u8]) -> Option<ReadRequest> {
        match Opening::parse(request)? {
            Opening::Read(request) => Some(request),
            Opening::Write | Opening::Other => None,
        }
    }

    #[test]
    fn options_are_agreed_to_as_they_were_asked_for() {
        let request =
            b"\0\x01ipxe.efi\0octet\0tsize\x000\0BLKSIZE\x008192\0windowsize\x0064\0x\0y\0";
        let request = read(request).unwrap();
        assert_eq!((request.name.as_str(), request.block), ("ipxe.efi", Some(8192)));
        let terms = Terms::of(&request, 1_000_000);
        assert_eq!((terms.block, terms.window), (1468, 16));
        let agreed = b"\0\x06blksize\x001468\0tsize\x001000000\0windowsize\x0016\0";
        assert_eq!(terms.agreed.as_deref(), Some(&agreed[..]));

        let plain = read(b"\0\x01undionly.kpxe\0OCTET\0").unwrap();
        let terms = Terms::of(&plain, 5);
        assert_eq!((terms.block, terms.window, terms.agreed), (512, 1, None));
        let tiny = read(b"\0\x01a\0octet\0blksize\x004\0timeout\x000\0").unwrap();
        assert_eq!(Terms::of(&tiny, 5).agreed, None, "what may not be asked for is not agreed to");
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for bytes in [
            &b""[..],
            b"\0",
            b"\0\x01",
            b"\0\x01name",
            b"\0\x01name\0",
            b"\0\x01name\0octet",
            b"\0\x01\0octet\0",
            b"\0\x01name\0mail\0",
            b"\0\x01name\0octet\0blksize\0",
            b"\0\x01\xff\0octet\0",
        ] {
            assert_eq!(Opening::parse(bytes), None, "{bytes:?}");
        }
        let long = [b"\0\x01".as_slice(), &[b'a'; 600], b"\0octet\0"].concat();
        assert_eq!(Opening::parse(&long), None);
        assert_eq!(Opening::parse(b"\0\x02name\0octet\0"), Some(Opening::Write));
        assert_eq!(Opening::parse(b"\0\x04\0\x01"), Some(Opening::Other));
    }

    #[test]
    fn answers_are_read() {
        assert_eq!(Reply::parse(&[0, 4, 1, 2]), Reply::Acknowledged(258));
        assert_eq!(Reply::parse(&[0, 5, 0, 8, 0]), Reply::Ended);
        for bytes in [&[][..], &[0, 4, 1], &[0, 3, 0, 1], &[4]] {
            assert_eq!(Reply::parse(bytes), Reply::Other);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = Reply::parse(&bytes);
            if let Some(Opening::Read(request)) = Opening::parse(&bytes) {
                let terms = Terms::of(&request, 1);
                prop_assert!((8..=LONGEST_BLOCK).contains(&terms.block));
                prop_assert!((1..=WIDEST_WINDOW).contains(&terms.window));
            }
        }
    }
}
