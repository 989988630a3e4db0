//! What the headers of kernels say: enough to know what a boot loader will start.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

/// How much of a file its header may lie in, in bytes.
const HEAD: u64 = 64 * 1024;

/// The version in the header of a bzImage, such as `6.1.0-40-amd64 (builder@host) #1 SMP …`; `None`
/// where the file is no bzImage or does not say it.
///
/// The header and its fields `header` (0x202), `kernel_version` (0x20e):
/// <https://docs.kernel.org/arch/x86/boot.html>.
///
/// # Errors
/// Where the file cannot be read.
pub(crate) fn linux_version(path: &Path) -> io::Result<Option<String>> {
    Ok(version_in(&head(path)?))
}

fn version_in(head: &[u8]) -> Option<String> {
    if head.get(0x202..0x206)? != b"HdrS" {
        return None;
    }
    let pointer = head.get(0x20e..0x210)?;
    let at = usize::from(u16::from_le_bytes([pointer[0], pointer[1]]));
    let text = head.get(at.checked_add(0x200)?..)?;
    let end = text.iter().take(1024).position(|byte| *byte == 0)?;
    let version = std::str::from_utf8(&text[..end]).ok()?.trim();
    (at != 0 && !version.is_empty()).then(|| version.to_owned())
}

/// Whether a file can be started by multiboot: a header in its first 8192 bytes, on a multiple of
/// four, whose first three words sum up to zero
/// (<https://www.gnu.org/software/grub/manual/multiboot/multiboot.html>, 3.1).
///
/// # Errors
/// Where the file cannot be read.
pub(crate) fn is_multiboot(path: &Path) -> io::Result<bool> {
    let head = head(path)?;
    let word = |bytes: &[u8]| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    let head = &head[..head.len().min(8192)];
    Ok(head.windows(12).step_by(4).any(|header| {
        let (magic, flags, sum) = (word(header), word(&header[4..8]), word(&header[8..12]));
        magic == 0x1BAD_B002 && magic.wrapping_add(flags).wrapping_add(sum) == 0
    }))
}

fn head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD).read_to_end(&mut head)?;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn bzimage(pointer: u16, version: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 0x300];
        bytes[0x202..0x206].copy_from_slice(b"HdrS");
        bytes[0x20e..0x210].copy_from_slice(&pointer.to_le_bytes());
        let at = 0x200 + usize::from(pointer);
        if at + version.len() <= bytes.len() {
            bytes[at..at + version.len()].copy_from_slice(version);
        }
        bytes
    }

    #[test]
    fn versions_stand_where_the_header_says() {
        let version = |bytes: &[u8]| linux_version(file(bytes).path()).unwrap();
        let good = bzimage(0x80, b"6.1.0-1-amd64 (x@y) #1 SMP\0");
        assert_eq!(version(&good).as_deref(), Some("6.1.0-1-amd64 (x@y) #1 SMP"));
        assert_eq!(version(&bzimage(0xffff, b"6.1\0")), None, "behind the end");
        assert_eq!(version(&bzimage(0, b"")), None, "no pointer");
        assert_eq!(version(b"\x7fELF"), None);
        assert_eq!(version(b""), None);
        let mut endless = bzimage(0x80, b"6.1");
        endless[0x280..].fill(b'x');
        assert_eq!(version(&endless), None, "no end");
    }

    #[test]
    fn multiboot_headers_must_sum_up() {
        let header =
            |flags: u32, sum: u32| [0x1BAD_B002_u32, flags, sum].map(u32::to_le_bytes).concat();
        let is = |bytes: &[u8]| is_multiboot(file(bytes).path()).unwrap();
        let good = header(3, 0_u32.wrapping_sub(0x1BAD_B002 + 3));
        assert!(is(&[vec![0; 64], good.clone()].concat()));
        assert!(!is(&[vec![0; 2], good.clone()].concat()), "not on a multiple of four");
        assert!(!is(&[vec![0; 8192], good].concat()), "too late");
        assert!(!is(&header(3, 7)));
        assert!(!is(&[0x1f, 0x8b, 8, 0]), "compressed");
    }
}
