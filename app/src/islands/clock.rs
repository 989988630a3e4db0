//! Makes times relative: the server renders them absolute in UTC, since it knows no reader's clock.

use std::time::Duration;

use domain::time::{Timestamp, human_duration};
use leptos::prelude::*;
use web_sys::Element;

use super::dom;
use crate::relative::relative;

/// Makes all times of the page relative, now and twice a minute.
pub(super) fn start() {
    let tick = || {
        if let Some(root) = dom::root() {
            renew(&root);
        }
    };
    tick();
    set_interval(tick, Duration::from_secs(30));
}

/// Makes the times below `root` relative.
pub(super) fn renew(root: &Element) {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 fit")]
    let now = Timestamp(js_sys::Date::now() as i64 * 1000);
    for element in dom::all(root, "time[data-at]") {
        if let Some(at) = dom::number(&element, "data-at") {
            element.set_text_content(Some(&relative(Timestamp(at), now)));
        }
    }
    for element in dom::all(root, "[data-since]") {
        if let Some(since) = dom::number(&element, "data-since") {
            let length = Duration::from_secs(now.since(Timestamp(since)).as_secs());
            let text = match length.as_secs() {
                seconds @ 0..10 => format!("{seconds} s so far"),
                _ => format!("{} so far", human_duration(length)),
            };
            element.set_text_content(Some(&text));
        }
    }
}
