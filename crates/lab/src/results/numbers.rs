//! Times and lengths of time as runners write them.

use domain::time::Timestamp;
use time::{Date, Month, PrimitiveDateTime, Time, UtcOffset};

/// Lengths beyond (some thirty years) are taken for none.
const LONGEST_US: f64 = 1e15;

/// A point in time: `2026-11-27T01:35:37.276742+00:00` or Robot's older `20261127 01:35:32.184`. One
/// without an offset is taken as UTC: files do not say where they were made.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (date, clock) = text.split_once(['T', ' '])?;
    let date = date.replace('-', "");
    if date.len() != 8 {
        return None;
    }
    let month = Month::try_from(date.get(4..6)?.parse::<u8>().ok()?).ok()?;
    let date =
        Date::from_calendar_date(date.get(..4)?.parse().ok()?, month, date.get(6..)?.parse().ok()?);
    let (clock, offset) = match clock.find(['Z', '+', '-']) {
        Some(at) => (&clock[..at], offset(&clock[at..])?),
        None => (clock, UtcOffset::UTC),
    };
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut parts = whole.split(':').map(|part| part.parse::<u8>().ok());
    let clock = Time::from_hms_micro(
        parts.next()??,
        parts.next()??,
        parts.next().unwrap_or(Some(0))?,
        micros(fraction)?,
    );
    let time = PrimitiveDateTime::new(date.ok()?, clock.ok()?).assume_offset(offset);
    i64::try_from(time.unix_timestamp_nanos() / 1000).ok().map(Timestamp)
}

fn offset(text: &str) -> Option<UtcOffset> {
    if text == "Z" {
        return Some(UtcOffset::UTC);
    }
    let digits = text.get(1..)?.replace(':', "");
    let hours: i8 = digits.get(..2)?.parse().ok()?;
    let minutes: i8 = if digits.len() > 2 { digits.get(2..)?.parse().ok()? } else { 0 };
    let sign = if text.starts_with('-') { -1 } else { 1 };
    UtcOffset::from_hms(sign * hours, sign.checked_mul(minutes)?, 0).ok()
}

fn micros(fraction: &str) -> Option<u32> {
    let digits: String = fraction.chars().chain(std::iter::repeat('0')).take(6).collect();
    digits.parse().ok()
}

/// Seconds, as microseconds: `0.071`, and `1,234.5` as Maven writes it.
pub(super) fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let plain = match text.split_once(',') {
        // A comma in front of three digits parts thousands, unless nothing but a nought stands before.
        Some((front, _)) if front != "0" && groups_of_three(text) => text.replace(',', ""),
        Some(_) => text.replacen(',', ".", 1),
        None => text.to_owned(),
    };
    microseconds(plain.parse().ok()?)
}

fn groups_of_three(text: &str) -> bool {
    let whole = text.split('.').next().unwrap_or_default();
    whole.split(',').skip(1).all(|group| group.len() == 3)
}

/// From seconds as a number.
pub(super) fn microseconds(seconds: f64) -> Option<i64> {
    let micros = (seconds * 1e6).round();
    // In this range the cast is exact.
    (0.0..LONGEST_US).contains(&micros).then_some(micros as i64)
}

/// A number with its unit, as people note measurements: `12.4 s`, `80 MB/s`, `3`.
pub(super) fn quantity(text: &str) -> Option<(f64, &str)> {
    let text = text.trim();
    let end = text
        .find(|it: char| !(it.is_ascii_digit() || matches!(it, '.' | '-' | '+')))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (value, unit) = (number.parse::<f64>().ok()?, unit.trim());
    let is_unit =
        unit.len() <= 12 && !unit.contains(char::is_whitespace) && !unit.contains(char::is_numeric);
    (value.is_finite() && is_unit).then_some((value, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_robot_and_junit_write_them() {
        let expected = Some(Timestamp(1_795_743_337_276_742));
        assert_eq!(timestamp("2026-11-27T01:35:37.276742"), expected);
        assert_eq!(timestamp("2026-11-27T01:35:37.276742Z"), expected);
        assert_eq!(timestamp("2026-11-27T03:05:37.276742+01:30"), expected);
        assert_eq!(timestamp("20261127 01:35:37.276742"), expected);
        assert_eq!(timestamp("2026-11-27T01:35"), Some(Timestamp(1_795_743_300_000_000)));
        for wrong in
            ["N/A", "", "20261327 01:35:32.184", "2026-11-27T25:00:00", "é", "2026-11-27Té"]
        {
            assert_eq!(timestamp(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn seconds_may_have_thousands() {
        assert_eq!(seconds("0.071"), Some(71_000));
        assert_eq!(seconds("1,234.5"), Some(1_234_500_000));
        assert_eq!(seconds("1,234,567"), Some(1_234_567_000_000));
        assert_eq!(seconds("0,071"), Some(71_000));
        assert_eq!(seconds("1,5"), Some(1_500_000));
        for wrong in ["-1", "NaN", "inf", "1e300", "", "x"] {
            assert_eq!(seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn quantities_have_a_unit_or_none() {
        assert_eq!(quantity("12.4 s"), Some((12.4, "s")));
        assert_eq!(quantity("-3"), Some((-3.0, "")));
        assert_eq!(quantity("80MB/s"), Some((80.0, "MB/s")));
        for wrong in ["apu2", "1.2.3", "4.14.y", "3 of 5", ""] {
            assert_eq!(quantity(wrong), None, "{wrong}");
        }
    }
}
