//! What is read of DHCP and what is written: RFC 2131 (packets), RFC 2132 (options), RFC 4578 (PXE).

use std::net::Ipv4Addr;

/// The longest packet that is read, in bytes; options that firmware sends fill half a kilobyte.
pub(super) const LONGEST: usize = 1500;

const COOKIE: [u8; 4] = [99, 130, 83, 99];
/// Where options begin.
const OPTIONS: usize = 240;
/// How much of a packet the shortest client takes (RFC 2131 §2); clients drop what is shorter.
const SHORTEST: usize = 300;

/// Numbers of options.
mod option {
    pub(super) const PAD: u8 = 0;
    pub(super) const VENDOR: u8 = 43;
    pub(super) const KIND: u8 = 53;
    pub(super) const SERVER: u8 = 54;
    pub(super) const CLASS: u8 = 60;
    pub(super) const TFTP_SERVER: u8 = 66;
    pub(super) const FILE: u8 = 67;
    pub(super) const USER_CLASS: u8 = 77;
    pub(super) const ARCHITECTURE: u8 = 93;
    pub(super) const MACHINE: u8 = 97;
    pub(super) const END: u8 = 255;
}

/// The kinds of packets that are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// DHCPDISCOVER.
    Discover,
    /// DHCPREQUEST.
    Request,
}

/// What asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Firmware {
    /// iPXE itself, which wants its script.
    Ipxe,
    Bios,
    Uefi,
    /// The HTTP boot of UEFI.
    UefiHttp,
}

/// A request for a network boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked<'a> {
    pub(super) kind: Kind,
    /// The first 240 bytes.
    head: &'a [u8],
    class: &'a [u8],
    user_class: &'a [u8],
    architecture: u16,
    machine: Option<&'a [u8]>,
}

impl<'a> Asked<'a> {
    /// Reads a packet; `None` for whatever is none of ours to answer.
    pub(super) fn parse(packet: &'a [u8]) -> Option<Self> {
        let head = packet.get(..OPTIONS)?;
        let (operation, relay) = (head.first()?, head.get(24..28)?);
        if *operation != 1 || head.get(236..)? != COOKIE || relay != [0; 4] || *head.get(2)? > 16 {
            return None;
        }
        let (mut kind, mut class, mut user_class) = (None, None, &[][..]);
        let (mut architecture, mut machine) = (None, None);
        let mut rest = packet.get(OPTIONS..)?;
        while let [number, after @ ..] = rest {
            match *number {
                option::PAD => rest = after,
                option::END => break,
                number => {
                    let (length, after) = after.split_first()?;
                    let (value, after) = after.split_at_checked(usize::from(*length))?;
                    rest = after;
                    match (number, value) {
                        (option::KIND, [1]) => kind = Some(Kind::Discover),
                        (option::KIND, [3]) => kind = Some(Kind::Request),
                        (option::CLASS, class_of) => class = Some(class_of),
                        (option::USER_CLASS, value) => user_class = value,
                        (option::ARCHITECTURE, [high, low, ..]) => {
                            architecture = Some(u16::from_be_bytes([*high, *low]));
                        }
                        (option::MACHINE, value) => machine = Some(value),
                        _ => {}
                    }
                }
            }
        }
        let class = class?;
        let architecture = architecture?;
        Some(Self { kind: kind?, head, class, user_class, architecture, machine })
    }

    /// What it is, by its class and its type of architecture (IANA, "Processor Architecture Types").
    pub(super) fn firmware(&self) -> Option<Firmware> {
        let http = self.class.starts_with(b"HTTPClient");
        let pxe = self.class.starts_with(b"PXEClient");
        // RFC 3004 puts a length before each class, which iPXE leaves out.
        let ipxe = self.user_class == b"iPXE" || self.user_class == b"\x04iPXE";
        match self.architecture {
            0 | 7 | 9 if pxe && ipxe => Some(Firmware::Ipxe),
            0 if pxe => Some(Firmware::Bios),
            7 | 9 if pxe => Some(Firmware::Uefi),
            16 if http => Some(Firmware::UefiHttp),
            _ => None,
        }
    }

    /// Its hardware address, as it is written in logs.
    pub(super) fn hardware(&self) -> String {
        let length = usize::from(self.head.get(2).copied().unwrap_or_default());
        let bytes = self.head.get(28..28 + length.min(16)).unwrap_or_default();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
    }
}

/// What it is told.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub(super) asked: &'a Asked<'a>,
    pub(super) own: Ipv4Addr,
    /// A name for TFTP, or a URL.
    pub(super) file: String,
}

impl Answer<'_> {
    /// A DHCPOFFER or DHCPACK that gives no address.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let (own, file) = (self.own.octets(), self.file.as_bytes());
        let mut packet = self.asked.head.to_vec();
        // A reply: no hops, no seconds, no address; flags, hardware and transaction as they came.
        for (at, value) in [(0, &[2][..]), (3, &[0]), (8, &[0; 2]), (12, &[0; 8]), (20, &own)] {
            packet.splice(at..at + value.len(), value.iter().copied());
        }
        packet.splice(44..236, [0; 192]);
        if file.len() < 128 {
            packet.splice(108..108 + file.len(), file.iter().copied());
        }
        let mut add = |number, value: &[u8]| {
            // No value here is longer: names of files are short, and a machine's number has 17 bytes.
            let length = u8::try_from(value.len()).unwrap_or(u8::MAX);
            packet.extend([number, length]);
            packet.extend(value.iter().take(usize::from(length)));
        };
        let http = self.asked.class.starts_with(b"HTTPClient");
        let kind = match self.asked.kind {
            Kind::Discover => 2,
            Kind::Request => 5,
        };
        add(option::KIND, &[kind]);
        add(option::SERVER, &own);
        add(option::CLASS, if http { b"HTTPClient" } else { b"PXEClient" });
        if let Some(machine) = self.asked.machine {
            add(option::MACHINE, machine);
        }
        if !http {
            add(option::TFTP_SERVER, self.own.to_string().as_bytes());
            // PXE_DISCOVERY_CONTROL: no discovery of boot servers, the file is the one named here.
            add(option::VENDOR, &[6, 1, 8, option::END]);
        }
        add(option::FILE, file);
        packet.push(option::END);
        packet.resize(packet.len().max(SHORTEST), option::PAD);
        packet
    }
}
