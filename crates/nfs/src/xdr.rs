//! XDR, in which all of this is written (RFC 4506): big-endian words of four bytes, and bytes filled up with
//! zeroes to a multiple of four.
//!
//! Reading goes over a slice that has come whole and borrows from it: a length that a client claims is never
//! allocated, only compared with what is there.

/// What has come does not follow its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not in its format")]
pub(crate) struct Malformed;

/// Takes values off the front of what has come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.fixed().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        self.fixed().map(u64::from_be_bytes)
    }

    pub(crate) fn boolean(&mut self) -> Result<bool, Malformed> {
        match self.u32()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    /// A value behind a boolean that says whether it is there.
    pub(crate) fn optional<T>(
        &mut self,
        value: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        if self.boolean()? { value(self).map(Some) } else { Ok(None) }
    }

    /// Bytes of a length that the format fixes: here a multiple of four, so nothing fills them up.
    pub(crate) fn fixed<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], Malformed> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*bytes)
    }

    /// Bytes behind their length, which is at most `most`. What fills them up is not looked at.
    pub(crate) fn opaque(&mut self, most: usize) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.u32()?).map_err(|_| Malformed)?;
        if length > most {
            return Err(Malformed);
        }
        let bytes = self.0.get(..length).ok_or(Malformed)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).ok_or(Malformed)?;
        Ok(bytes)
    }
}

/// Puts values behind one another.
#[derive(Debug, Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_be_bytes());
    }

    pub(crate) fn boolean(&mut self, value: bool) {
        self.u32(u32::from(value));
    }

    /// Bytes of a length that the format fixes, a multiple of four.
    pub(crate) fn fixed(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Bytes behind their length.
    pub(crate) fn opaque(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
        self.0.resize(self.0.len() + padding(bytes.len()), 0);
    }

    /// The length of bytes that are sent after all that is written here.
    pub(crate) fn length(&mut self, length: usize) {
        // A reply of four gigabytes is built nowhere.
        self.u32(u32::try_from(length).unwrap_or(u32::MAX));
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// How many zeroes fill up so many bytes.
pub(crate) fn padding(length: usize) -> usize {
    length.wrapping_neg() % 4
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            number in any::<u32>(),
            long in any::<u64>(),
            flag in any::<bool>(),
            bytes in prop::collection::vec(any::<u8>(), 0..70),
            fixed in any::<[u8; 8]>(),
        ) {
            let mut writer = Writer::default();
            writer.u32(number);
            writer.opaque(&bytes);
            writer.boolean(flag);
            writer.u64(long);
            writer.fixed(&fixed);
            let written = writer.into_bytes();
            prop_assert_eq!(written.len() % 4, 0);
            let mut reader = Reader::new(&written);
            prop_assert_eq!(reader.u32(), Ok(number));
            prop_assert_eq!(reader.opaque(70), Ok(bytes.as_slice()));
            prop_assert_eq!(reader.boolean(), Ok(flag));
            prop_assert_eq!(reader.u64(), Ok(long));
            prop_assert_eq!(reader.fixed(), Ok(fixed));
            prop_assert_eq!(reader.u32(), Err(Malformed));
        }

        #[test]
        fn no_bytes_are_read_beyond_a_limit(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(read) = Reader::new(&bytes).opaque(8) {
                prop_assert!(read.len() <= 8);
                prop_assert_eq!(read, &bytes[4..4 + read.len()]);
            }
        }
    }

    #[test]
    fn a_length_beyond_what_has_come_is_refused() {
        assert_eq!(Reader::new(&[0, 0, 0, 5, 1, 2, 3, 4]).opaque(64), Err(Malformed));
        assert_eq!(Reader::new(&[255, 255, 255, 255, 1]).opaque(usize::MAX), Err(Malformed));
        // What fills it up is missing.
        assert_eq!(Reader::new(&[0, 0, 0, 1, 7]).opaque(64), Err(Malformed));
        assert_eq!(Reader::new(&[0, 0, 0, 1, 7, 0, 0, 0]).opaque(64), Ok(&[7][..]));
    }

    #[test]
    fn a_boolean_is_0_or_1() {
        assert_eq!(Reader::new(&[0, 0, 0, 2]).boolean(), Err(Malformed));
    }
}
