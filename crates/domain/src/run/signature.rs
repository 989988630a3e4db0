//! Signatures of failures: what tells one failure of a case from another.
//!
//! Two failures are the same where their messages differ in nothing but what differs each time, such as
//! times, addresses and counters. What people said about one then holds for the other.

use crate::digest::Digest;

/// How much of a message tells one failure from another, in characters.
const TELLING: usize = 2_000;
/// From how many characters on a word of hexadecimal digits is an address or a digest.
const HEX_WORD: usize = 6;

/// The signature of a failure with this message.
#[must_use]
pub fn signature(message: &str) -> String {
    let mut telling = String::new();
    for word in message.split_whitespace() {
        if telling.len() > TELLING {
            break;
        }
        if !telling.is_empty() {
            telling.push(' ');
        }
        mask(word, &mut telling);
    }
    Digest::of(&telling).to_string()
}

/// Writes a word with `#` in the place of each number in it.
fn mask(word: &str, to: &mut String) {
    let mut rest = word;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        let (between, from) = rest.split_at(start);
        let end = from.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(from.len());
        let (part, after) = from.split_at(end);
        to.push_str(between);
        mask_part(part, to);
        rest = after;
    }
    to.push_str(rest);
}

/// A part of a word that is letters and digits alone.
fn mask_part(part: &str, to: &mut String) {
    let digits = part.chars().any(|c| c.is_ascii_digit());
    let hex = part.strip_prefix("0x").unwrap_or(part);
    if digits && hex.len() >= HEX_WORD && hex.chars().all(|c| c.is_ascii_hexdigit()) {
        to.push('#');
        return;
    }
    let mut in_number = false;
    for c in part.chars() {
        let digit = c.is_ascii_digit();
        if !digit {
            to.push(c);
        } else if !in_number {
            to.push('#');
        }
        in_number = digit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_each_time_makes_no_difference() {
        for (one, other) in [
            ("no login prompt after 300 s", "no login  prompt after 299 s"),
            ("BUG at 0xffffffff81234567", "BUG at 0xffffffff8abcdef0"),
            ("2026-11-27 01:18:10 timeout\n", "2026-11-28 23:00:00 timeout"),
            ("digest 3f0a9c is not 99ab01", "digest 1b2c3d is not 000000"),
            ("eth0: link down", "eth1: link down"),
        ] {
            assert_eq!(signature(one), signature(other), "{one}");
        }
    }

    #[test]
    fn other_words_are_another_failure() {
        for (one, other) in [
            ("no login prompt after 300 s", "no menu after 300 s"),
            ("facade", "decade"),
            ("", "x"),
            ("a-b", "a b"),
        ] {
            assert_ne!(signature(one), signature(other), "{one}");
        }
    }
}
