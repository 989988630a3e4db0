//! Times: absolute in UTC as the server renders them, relative once the browser took over.

use domain::time::{Timestamp, human_duration};
use leptos::prelude::*;

/// The browser's idea of now, renewed twice a minute; `None` on the server and while the page is
/// taken over, since both must render the same.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now(pub(crate) RwSignal<Option<Timestamp>>);

/// Starts the clock that relative times follow.
pub(crate) fn provide_clock() {
    let now = RwSignal::new(None);
    provide_context(Now(now));
    #[cfg(feature = "hydrate")]
    Effect::new(move |_| {
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit")]
        let read = move || now.set(Some(Timestamp(js_sys::Date::now() as i64 * 1000)));
        read();
        set_interval(read, std::time::Duration::from_secs(30));
    });
}

/// A point in time.
#[must_use]
pub fn time(at: Timestamp) -> AnyView {
    let now = use_context::<Now>();
    let absolute = at.to_string();
    let shown = absolute.trim_end_matches(" UTC").to_owned();
    let text = move || match now.and_then(|now| now.0.get()) {
        Some(now) => relative(at, now),
        None => shown.clone(),
    };
    view! { <time datetime=at.rfc3339() title=absolute>{text}</time> }.into_any()
}

/// A point in time, where there is one.
#[must_use]
pub fn time_or_dash(at: Option<Timestamp>) -> AnyView {
    at.map_or_else(|| "–".into_any(), time)
}

/// How long something took, or takes up to now.
#[must_use]
pub fn took(from: Option<Timestamp>, to: Option<Timestamp>) -> AnyView {
    match (from, to) {
        (Some(from), Some(to)) => human_duration(to.since(from)).into_any(),
        (Some(from), None) => {
            let now = use_context::<Now>();
            let text = move || match now.and_then(|now| now.0.get()) {
                Some(now) => match now.since(from).as_secs() {
                    seconds @ 0..10 => format!("{seconds} s so far"),
                    _ => format!("{} so far", human_duration(now.since(from))),
                },
                None => "so far".to_owned(),
            };
            view! { <span>{text}</span> }.into_any()
        }
        (None, _) => "–".into_any(),
    }
}

/// `3 h ago`; the date where it is more than two days off.
fn relative(at: Timestamp, now: Timestamp) -> String {
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
