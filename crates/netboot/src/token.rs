//! Tokens of boots: what a machine shows to say that a report is of its own boot.
//!
//! A token stands in the script of one boot and is known by a code alone, so that handing it out writes nothing,
//! and a server that was started again still knows it. It travels in the open: who listens on the network may report in
//! a machine's place, which is why reports are shown and decide nothing.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    ids::{BootId, BootOnceId, MachineId},
    time::Timestamp,
};
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

/// How long a token is good, in seconds: a boot over a slow line takes its time.
const LIFE_SECONDS: i64 = 4 * 3600;
/// How long the code in a token is, in bytes.
const CODE: usize = 12;
/// How long what stands before the code is: machine, boot, order, expiry.
const NAMED: usize = 16 + 8 + 4 + 4;
/// How many characters a token has: six bits each.
pub(crate) const LENGTH: usize = ((NAMED + CODE) * 8).div_ceil(6);

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootToken {
    /// Whose boot.
    pub machine: MachineId,
    /// Which boot.
    pub boot: BootId,
    once: [u8; 4],
}

impl BootToken {
    /// Whether this boot was that order.
    #[must_use]
    pub fn is_of(&self, once: &BootOnceId) -> bool {
        self.once == mark(Some(once))
    }
}

/// Few bytes by which an order is told from the machine's earlier and later ones; zeroes for none.
fn mark(once: Option<&BootOnceId>) -> [u8; 4] {
    let digest = once.map(|it| Sha256::digest(it.as_str()));
    digest.and_then(|it| it.first_chunk().copied()).unwrap_or_default()
}

/// The key by which tokens are known.
#[derive(Clone)]
pub struct TokenKey(Hmac<Sha256>);

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(…)")
    }
}

impl TokenKey {
    /// Takes the key; it stays the same as long as tokens that machines hold are to be good.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        // A key of one block of the hash is taken as it is by HMAC (RFC 2104 §2), zeroes behind it.
        let mut block = [0; 64];
        for (to, from) in block.iter_mut().zip(key) {
            *to = from;
        }
        Self(Hmac::new(&block.into()))
    }

    /// A token; `None` where the ids are none that fit into one.
    pub(crate) fn seal(
        &self,
        machine: &MachineId,
        boot: &BootId,
        once: Option<&BootOnceId>,
        now: Timestamp,
    ) -> Option<String> {
        let expiry = u32::try_from(now.seconds().checked_add(LIFE_SECONDS)?).ok()?;
        let mut bytes = Vec::with_capacity(NAMED + CODE);
        bytes.extend(uuid_bytes(machine.as_str())?);
        bytes.extend(hex::decode(boot.as_str()).ok().filter(|it| it.len() == 8)?);
        bytes.extend(mark(once));
        bytes.extend(expiry.to_be_bytes());
        let code = self.0.clone().chain_update(&bytes).finalize().into_bytes();
        bytes.extend(code.into_iter().take(CODE));
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What a token says; `None` where it is none of this key's, or its time is over.
    pub(crate) fn open(&self, token: &str, now: Timestamp) -> Option<BootToken> {
        if token.len() != LENGTH {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (named, code) = bytes.split_at_checked(NAMED)?;
        // Compares in the same time wherever they differ.
        self.0.clone().chain_update(named).verify_truncated_left(code).ok()?;
        let (machine, rest) = named.split_first_chunk::<16>()?;
        let (boot, rest) = rest.split_first_chunk::<8>()?;
        let (once, rest) = rest.split_first_chunk::<4>()?;
        let expiry = u32::from_be_bytes(*rest.first_chunk()?);
        (now.seconds() < i64::from(expiry)).then(|| BootToken {
            machine: MachineId(uuid_text(*machine)),
            boot: BootId(hex::encode(boot)),
            once: *once,
        })
    }
}

/// The bytes of a UUID in its usual form (RFC 9562 §4).
fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.split('-').collect();
    let bytes: [u8; 16] = hex::decode(digits).ok()?.try_into().ok()?;
    (uuid_text(bytes) == text).then_some(bytes)
}

fn uuid_text(bytes: [u8; 16]) -> String {
    let digits = hex::encode(bytes);
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

    fn machine() -> MachineId {
        MachineId::from("01939c2e-7b1a-7000-8000-0123456789ab")
    }

    #[test]
    fn a_token_names_machine_and_boot_and_order_for_a_while() {
        let key = TokenKey::new([7; 32]);
        let (boot, once) = (BootId::from("00112233445566ff"), BootOnceId::from("order"));
        let token = key.seal(&machine(), &boot, Some(&once), NOW).unwrap();
        assert_eq!(token.len(), LENGTH);
        assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        let opened = key.open(&token, NOW).unwrap();
        assert_eq!((&opened.machine, &opened.boot), (&machine(), &boot));
        assert!(opened.is_of(&once) && !opened.is_of(&BootOnceId::from("another")));
        let over = Timestamp(NOW.0 + LIFE_SECONDS * 1_000_000);
        assert_eq!(key.open(&token, over), None);
        assert_eq!(TokenKey::new([8; 32]).open(&token, NOW), None);
    }

    #[test]
    fn no_bit_of_a_token_may_be_another() {
        let key = TokenKey::new([7; 32]);
        let token = key.seal(&machine(), &BootId::from("00112233445566ff"), None, NOW).unwrap();
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut other = bytes.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.open(&URL_SAFE_NO_PAD.encode(other), NOW), None, "bit {bit}");
        }
        for text in ["", "a", &token[1..], &format!("{token}a")] {
            assert_eq!(key.open(text, NOW), None);
        }
    }

    #[test]
    fn what_is_no_id_has_no_token() {
        let key = TokenKey::new([7; 32]);
        let boot = BootId::from("00112233445566ff");
        assert_eq!(key.seal(&MachineId::from("a"), &boot, None, NOW), None);
        assert_eq!(key.seal(&machine(), &BootId::from("b"), None, NOW), None);
    }
}
