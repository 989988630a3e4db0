//! Secrets that a page shows once: carried in a cookie from the request that made one to the page
//! that shows it, so that they stand in no address, no log and no store.

use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

/// A kind of secret and the page that shows it.
pub(super) struct ShownOnce {
    /// Name of the cookie.
    pub(super) cookie: &'static str,
    /// Path of the page.
    pub(super) page: &'static str,
}

impl ShownOnce {
    /// Goes to the page, which then shows `value`. It must need no encoding in a cookie.
    pub(super) fn give(&self, value: &str) {
        let Self { cookie, page } = self;
        set_cookie(&format!(
            "{cookie}={value}; Path={page}; Max-Age=60; HttpOnly; SameSite=Strict"
        ));
        leptos_axum::redirect(page);
    }

    /// What was given right before this page; it is gone then.
    pub(super) fn take(&self) -> Option<String> {
        let Self { cookie, page } = self;
        let parts = use_context::<http::request::Parts>()?;
        let cookies = parts.headers.get(http::header::COOKIE)?.to_str().ok()?;
        let value =
            cookies.split(';').find_map(|it| it.trim().strip_prefix(cookie)?.strip_prefix('='))?;
        set_cookie(&format!("{cookie}=; Path={page}; Max-Age=0; HttpOnly; SameSite=Strict"));
        Some(value.to_owned())
    }
}

fn set_cookie(cookie: &str) {
    let value = http::HeaderValue::from_str(cookie);
    if let (Some(response), Ok(value)) = (use_context::<ResponseOptions>(), value) {
        response.append_header(http::header::SET_COOKIE, value);
    }
}
