//! What `rebot --merge` makes of a message: how the case ended each time, newest first, as HTML.

use domain::run::reported::EarlierAttempt;

use super::{outcome, plain};
use crate::results::text::html_to_text;

/// A message taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Attempts {
    /// The message of the attempt that decides.
    pub(super) message: String,
    /// The attempts before it, oldest first.
    pub(super) earlier: Vec<EarlierAttempt>,
}

/// Takes the message of a case apart; one that tells of no merging is the message of the one attempt.
pub(super) fn attempts(message: &str) -> Attempts {
    let html = message.strip_prefix("*HTML*").map(str::trim_start);
    let Some(html) = html.filter(|html| html.starts_with("<span class=\"merge\">")) else {
        return Attempts { message: plain(message), earlier: Vec::new() };
    };
    let mut result = Attempts::default();
    // A message may hold `<hr>` itself: an attempt begins where a status is told.
    let parts = html.split("<hr><span class=\"");
    for part in parts.skip(1) {
        let (is_new, rest) = match part.split_once("-status\">") {
            Some(("new", rest)) => (true, rest),
            Some(("old", rest)) => (false, rest),
            _ => continue,
        };
        let words = rest.split_once("-message\">").map_or("", |(_, words)| words);
        let words = words.split_once("</span>").map_or("", |(_, words)| words).trim();
        let message = html_to_text(words.strip_suffix("<br>").unwrap_or(words));
        if is_new {
            result.message = message;
        } else {
            let outcome = outcome(&status_word(rest));
            result.earlier.push(EarlierAttempt { outcome, duration_us: None, message });
        }
    }
    result.earlier.reverse();
    result
}

/// The word behind `Old status:</span> <span class="fail">`.
fn status_word(rest: &str) -> String {
    let tagged = rest.split_once("</span>").map_or("", |(_, tagged)| tagged);
    let word = tagged.split_once('>').map_or("", |(_, word)| word);
    word.split('<').next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use domain::run::Outcome;

    use super::*;

    #[test]
    fn attempts_are_told_oldest_first() {
        let message = r#"*HTML* <span class="merge">Test has been re-executed and results merged.</span><hr><span class="new-status">New status:</span> <span class="fail">FAIL</span><br><span class="new-message">New message:</span> third &lt;b&gt;<br><hr><span class="old-status">Old status:</span> <span class="pass">PASS</span><br><hr><span class="old-status">Old status:</span> <span class="fail">FAIL</span><br><span class="old-message">Old message:</span> first<br>"#;
        let earlier = |outcome, message: &str| EarlierAttempt {
            outcome,
            duration_us: None,
            message: message.to_owned(),
        };
        let expected = Attempts {
            message: "third <b>".to_owned(),
            earlier: vec![earlier(Outcome::Failed, "first"), earlier(Outcome::Passed, "")],
        };
        assert_eq!(attempts(message), expected);
        assert_eq!(attempts("*HTML* a<br>b").message, "a\nb");
    }
}
