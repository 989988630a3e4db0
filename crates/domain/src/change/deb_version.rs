//! The order of Debian versions, as deb-version(7) and Debian policy §5.6.12 define it.

use std::cmp::Ordering;

/// Compares two Debian versions: `[epoch:]upstream[-revision]`.
///
/// Equal here means that dpkg would not tell them apart: `1.0` and `1.00-0` are.
#[must_use]
pub fn compare_versions(a: &str, b: &str) -> Ordering {
    let (a, b) = (parts(a), parts(b));
    digits(a.0, b.0).then_with(|| part(a.1, b.1)).then_with(|| part(a.2, b.2))
}

/// Epoch, upstream version, revision.
fn parts(version: &str) -> (&str, &str, &str) {
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, "0"));
    (epoch, upstream, revision)
}

/// Compares by turns what are not digits and what are digits.
fn part(mut a: &str, mut b: &str) -> Ordering {
    while !(a.is_empty() && b.is_empty()) {
        let (text_a, text_b);
        (text_a, a) = split(a, |c| !c.is_ascii_digit());
        (text_b, b) = split(b, |c| !c.is_ascii_digit());
        let (digits_a, digits_b);
        (digits_a, a) = split(a, |c| c.is_ascii_digit());
        (digits_b, b) = split(b, |c| c.is_ascii_digit());
        let order = text(text_a, text_b).then_with(|| digits(digits_a, digits_b));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

/// The longest start of `text` in which `is` holds, and the rest.
fn split(text: &str, is: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !is(c)).unwrap_or(text.len()))
}

/// `~` sorts before the end, the end before letters, letters before everything else.
fn text(a: &str, b: &str) -> Ordering {
    let weights = |text: &str| {
        let mut weights: Vec<u32> = text.chars().map(weight).collect();
        weights.push(1);
        weights
    };
    weights(a).cmp(&weights(b))
}

const fn weight(c: char) -> u32 {
    match c {
        '~' => 0,
        'a'..='z' | 'A'..='Z' => c as u32 + 1,
        _ => c as u32 + 0x0020_0000,
    }
}

/// Compares numbers of any length; none is zero.
fn digits(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_the_manuals_hold() {
        // Debian policy §5.6.12: "~~", "~~a", "~", the empty part, "a" are in sorted order.
        let ordered = ["1.0~~", "1.0~~a", "1.0~", "1.0", "1.0a"];
        assert!(ordered.windows(2).all(|pair| compare_versions(pair[0], pair[1]).is_lt()));
        for (a, b, order) in [
            ("1.0~beta1~svn1245", "1.0~beta1", Ordering::Less),
            ("1.0~beta1", "1.0", Ordering::Less),
            ("1.0-1~bpo12+1", "1.0-1", Ordering::Less),
            ("5.2.15-2+b2", "5.2.15-2", Ordering::Greater),
            ("5.2.15-2+b10", "5.2.15-2+b2", Ordering::Greater),
            ("1.2", "1.10", Ordering::Less),
            ("1:0.9", "2.0", Ordering::Greater),
            ("0:1.0", "1.0", Ordering::Equal),
            ("1.0", "1.0-0", Ordering::Equal),
            ("1.01", "1.1", Ordering::Equal),
            ("1.0.", "1.0+", Ordering::Greater),
            ("1.0a", "1.0+", Ordering::Less),
            ("1.0A", "1.0a", Ordering::Less),
            ("2.0-1", "2.0-1.1", Ordering::Less),
            ("2-3-4", "2-3-5", Ordering::Less),
            ("2-3-4", "2-4-1", Ordering::Less),
            ("6.1.170-1", "6.1.99-1", Ordering::Greater),
            ("252.39-1~deb12u1", "252.38-1~deb12u1", Ordering::Greater),
            ("1:9.2p1-2+deb12u7", "1:9.2p1-2+deb12u6", Ordering::Greater),
            ("99999999999999999999999999", "100000000000000000000000000", Ordering::Less),
        ] {
            assert_eq!(compare_versions(a, b), order, "{a} against {b}");
            assert_eq!(compare_versions(b, a), order.reverse(), "{b} against {a}");
        }
    }

    proptest! {
        #[test]
        fn it_is_an_order(a in "[0-9a~+.:-]{0,8}", b in "[0-9a~+.:-]{0,8}", c in "[0-9a~+.:-]{0,8}") {
            prop_assert_eq!(compare_versions(&a, &a), Ordering::Equal);
            prop_assert_eq!(compare_versions(&a, &b), compare_versions(&b, &a).reverse());
            if compare_versions(&a, &b).is_le() && compare_versions(&b, &c).is_le() {
                prop_assert!(compare_versions(&a, &c).is_le());
            }
        }
    }
}
