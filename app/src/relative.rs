//! Times as people say them.

use domain::time::Timestamp;

/// `3 h ago`, `in 10 min`; date and hour where it is more than two days off.
#[must_use]
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    let (ahead, length) = if at > now { (true, at.since(now)) } else { (false, now.since(at)) };
    let seconds = length.as_secs();
    let text = match seconds {
        0..45 => return if ahead { "in a moment".to_owned() } else { "just now".to_owned() },
        45..5400 => format!("{} min", (seconds + 30) / 60),
        5400..172_800 => format!("{} h", (seconds + 1800) / 3600),
        _ => return at.to_string().chars().take(16).collect(),
    };
    if ahead { format!("in {text}") } else { format!("{text} ago") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_relative_to_now() {
        let now = Timestamp::from_seconds(1_795_442_531);
        let ago = |seconds: i64| relative(Timestamp::from_seconds(now.seconds() - seconds), now);
        assert_eq!(ago(3), "just now");
        assert_eq!(ago(50), "1 min ago");
        assert_eq!(ago(3600), "60 min ago");
        assert_eq!(ago(3 * 3600), "3 h ago");
        assert_eq!(ago(-600), "in 10 min");
        assert_eq!(ago(5 * 86_400), "2026-11-18 14:02");
    }
}
