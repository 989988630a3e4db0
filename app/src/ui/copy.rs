//! Things to copy: digests, addresses, commands.

use domain::digest::Digest;
use leptos::prelude::*;

/// A text with a button that copies it. The button appears where script runs.
#[must_use]
pub fn copyable(shown: String, whole: String, what: &str) -> AnyView {
    view! {
        <span class="chip">
            <code title=whole.clone()>{shown}</code>
            <button type="button" class="copy js" data-copy=whole aria-label=format!("Copy {what}") aria-live="polite">
                "copy"
            </button>
        </span>
    }
    .into_any()
}

/// A digest: twelve characters shown, all copied.
#[must_use]
pub fn digest(digest: &Digest, what: &str) -> AnyView {
    copyable(digest.short(), digest.to_string(), what)
}

/// A line to type or paste elsewhere.
#[must_use]
pub fn command(line: &str, what: &str) -> AnyView {
    view! { <span class="command">{copyable(line.to_owned(), line.to_owned(), what)}</span> }
        .into_any()
}

/// Lines to type or paste elsewhere.
#[must_use]
pub fn block(lines: &str, what: &'static str) -> AnyView {
    let whole = lines.trim_end().to_owned();
    view! {
        <div class="block">
            <pre role="region" aria-label=what tabindex="0"><code>{whole.clone()}</code></pre>
            <button type="button" class="copy js" data-copy=whole aria-label=format!("Copy {what}") aria-live="polite">
                "copy"
            </button>
        </div>
    }
    .into_any()
}
