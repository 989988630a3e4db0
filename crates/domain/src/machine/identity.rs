//! What a machine is known by: MAC addresses, its SMBIOS UUID, its serial number.
//!
//! Firmware writes nonsense where a maker forgot to write something. A UUID or serial number that many
//! machines share would make one of them boot what another should, so the known ones count as none.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest serial number, in characters.
const LONGEST_SERIAL: usize = 64;

/// The address of a network card, written as `52:54:00:12:34:56`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(value_type = String))]
#[serde(try_from = "String", into = "String")]
pub struct Mac(pub [u8; 6]);

/// The text is no MAC address of one card.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{0}\" is no MAC address of a network card; write it as 52:54:00:12:34:56")]
pub struct InvalidMac(pub String);

impl FromStr for Mac {
    type Err = InvalidMac;

    /// Bytes may be separated by `:` or `-` (iPXE's `${net0/mac}`, `${net0/mac:hexhyp}`).
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidMac(text.chars().take(40).collect());
        let separator = if text.contains('-') { '-' } else { ':' };
        let mut bytes = [0; 6];
        let mut parts = text.split(separator);
        for byte in &mut bytes {
            let part = parts.next().ok_or_else(invalid)?;
            let digits = part.len() == 2 && part.bytes().all(|it| it.is_ascii_hexdigit());
            *byte = u8::from_str_radix(part, 16).ok().filter(|_| digits).ok_or_else(invalid)?;
        }
        if parts.next().is_some() {
            return Err(invalid());
        }
        Ok(Self(bytes))
    }
}

impl Mac {
    /// Whether a card can have it: a group's address (IEEE 802, the lowest bit of the first byte) and
    /// all zeros are no card's.
    #[must_use]
    pub const fn is_of_a_card(&self) -> bool {
        self.0[0] & 1 == 0 && !matches!(self.0, [0, 0, 0, 0, 0, 0])
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl TryFrom<String> for Mac {
    type Error = InvalidMac;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Mac> for String {
    fn from(mac: Mac) -> Self {
        mac.to_string()
    }
}

/// A machine's SMBIOS UUID, as iPXE's `${uuid}` writes it, in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(value_type = String))]
#[serde(try_from = "String", into = "String")]
pub struct MachineUuid(u128);

/// The text is no UUID that one machine alone has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{0}\" is no UUID that one machine alone has; leave it out")]
pub struct InvalidUuid(pub String);

/// UUIDs that makers left as they came: nothing was written, everything was, and the sample of a firmware's
/// maker.
const SHARED_UUIDS: [u128; 3] = [0, u128::MAX, 0x0300_0200_0400_0500_0006_0007_0008_0009];

impl FromStr for MachineUuid {
    type Err = InvalidUuid;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidUuid(text.chars().take(40).collect());
        let lengths = text.split('-').map(str::len);
        let digits: String = text.split('-').collect();
        let formed = lengths.eq([8, 4, 4, 4, 12]) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        u128::from_str_radix(&digits, 16)
            .ok()
            .filter(|uuid| formed && !SHARED_UUIDS.contains(uuid))
            .map(Self)
            .ok_or_else(invalid)
    }
}

impl fmt::Display for MachineUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032x}", self.0);
        let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
        f.write_str(&parts.join("-"))
    }
}

impl TryFrom<String> for MachineUuid {
    type Error = InvalidUuid;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MachineUuid> for String {
    fn from(uuid: MachineUuid) -> Self {
        uuid.to_string()
    }
}

/// Serial numbers that makers left as they came, in lower case.
const SHARED_SERIALS: [&str; 12] = [
    "0",
    "0123456789",
    "123456789",
    "1234567890",
    "default string",
    "empty",
    "n/a",
    "none",
    "not applicable",
    "not specified",
    "system serial number",
    "to be filled by o.e.m.",
];

/// A serial number in its one form; `None` where the text is none that one machine alone has.
#[must_use]
pub fn serial(text: &str) -> Option<String> {
    let text = text.trim();
    let shared = text.bytes().all(|b| matches!(b, b'0' | b'.' | b'-' | b' ' | b'x' | b'X'))
        || SHARED_SERIALS.contains(&text.to_ascii_lowercase().as_str());
    let usable = text.chars().count() <= LONGEST_SERIAL && !text.chars().any(char::is_control);
    (usable && !shared).then(|| text.to_owned())
}

/// Something that one machine alone is known by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identifier {
    /// The address of a card.
    Mac(Mac),
    /// Its UUID.
    Uuid(MachineUuid),
    /// Its serial number.
    Serial(String),
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mac(mac) => write!(f, "MAC address {mac}"),
            Self::Uuid(uuid) => write!(f, "UUID {uuid}"),
            Self::Serial(serial) => write!(f, "serial number {serial}"),
        }
    }
}

impl super::Profile {
    /// Everything that the machine is known by.
    pub fn identifiers(&self) -> impl Iterator<Item = Identifier> + '_ {
        let macs = self.macs.iter().map(|mac| Identifier::Mac(*mac));
        macs.chain(self.uuid.map(Identifier::Uuid))
            .chain(self.serial.clone().map(Identifier::Serial))
    }
}
