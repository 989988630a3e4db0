//! Which part of a file a machine asks for.

/// The part of a file that a `Range` header asks for (RFC 9110 §14.2), as first byte and length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All of it: there is no header, or one that may be ignored (other units, several ranges).
    Whole,
    /// This part of it.
    Some {
        /// The first byte, from 0.
        first: u64,
        /// How many bytes.
        length: u64,
    },
    /// None: the range lies outside.
    Outside,
}

/// The part that the `Range` header of a request for a file of `size` bytes asks for.
#[must_use]
pub fn range(header: Option<&str>, size: u64) -> Part {
    let Some((first, last)) = header
        .and_then(|text| text.strip_prefix("bytes="))
        .filter(|text| !text.contains(','))
        .and_then(|text| text.trim().split_once('-'))
    else {
        return Part::Whole;
    };
    let number = |text: &str| {
        text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten()
    };
    match (first.is_empty(), number(first), last.is_empty(), number(last)) {
        // The last so many bytes.
        (true, _, false, Some(0)) => Part::Outside,
        (true, _, false, Some(suffix)) if size > 0 => {
            let length = suffix.min(size);
            Part::Some { first: size - length, length }
        }
        (true, _, false, Some(_)) => Part::Outside,
        (false, Some(first), true, _) if first < size => Part::Some { first, length: size - first },
        (false, Some(first), false, Some(last)) if first < size && first <= last => {
            Part::Some { first, length: last.min(size - 1) - first + 1 }
        }
        (false, Some(first), _, Some(_)) | (false, Some(first), true, _) if first >= size => {
            Part::Outside
        }
        _ => Part::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_the_rfc() {
        let part = |first, length| Part::Some { first, length };
        for (header, expected) in [
            ("bytes=0-0", part(0, 1)),
            ("bytes=2-", part(2, 8)),
            ("bytes=2-99", part(2, 8)),
            ("bytes=-3", part(7, 3)),
            ("bytes=-99", part(0, 10)),
            ("bytes=10-", Part::Outside),
            ("bytes=10-12", Part::Outside),
            ("bytes=-0", Part::Outside),
            ("bytes=5-2", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("lines=0-1", Part::Whole),
        ] {
            assert_eq!(range(Some(header), 10), expected, "{header}");
        }
        assert_eq!(range(None, 10), Part::Whole);
        assert_eq!(range(Some("bytes=0-"), 0), Part::Outside);
    }
}
