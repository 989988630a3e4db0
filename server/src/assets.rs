//! The site's files (script, WebAssembly, style), embedded into the program.
//!
//! `cargo xtask site` makes them before the server is compiled. Their names carry a digest of
//! their content, so browsers may keep them for ever; each stands there compressed as well.

use app::AssetNames;
use axum::{
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

/// Paths and contents; the build script made the list.
static SITE: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/site.rs"));

fn file(path: &str) -> Option<&'static [u8]> {
    SITE.iter().find(|(name, _)| *name == path).map(|(_, content)| *content)
}

#[derive(Deserialize)]
struct Names {
    js: String,
    wasm: String,
    css: String,
    terminal_js: String,
    terminal_css: String,
}

/// The names that pages refer to.
///
/// # Panics
/// At start-up, where the program was built without a site.
#[must_use]
#[expect(clippy::expect_used, reason = "a program without its site must not start")]
pub fn names() -> AssetNames {
    let file = file("assets.json").expect("the site is embedded: build it by `cargo xtask site`");
    let names: Names = serde_json::from_slice(file).expect("assets.json is whole");
    let Names { js, wasm, css, terminal_js, terminal_css } = names;
    AssetNames { js, wasm, css, terminal_js, terminal_css }
}

/// `GET /pkg/{name}`: a file of the site, compressed where the browser takes it.
pub async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let brotli = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|accepted| accepted.split(',').any(|one| one.trim().starts_with("br")));
    let path = format!("pkg/{name}");
    let compressed = brotli.then(|| file(&format!("{path}.br"))).flatten();
    let encoding = compressed.is_some().then_some([(header::CONTENT_ENCODING, "br")]);
    let Some(content) = compressed.or_else(|| file(&path)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    (
        [
            (header::CONTENT_TYPE, content_type(&name)),
            (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            (header::VARY, "accept-encoding"),
        ],
        encoding,
        content,
    )
        .into_response()
}

/// `GET /favicon.svg`.
pub async fn favicon() -> Response {
    file("favicon.svg").map_or_else(
        || StatusCode::NOT_FOUND.into_response(),
        |content| ([(header::CONTENT_TYPE, "image/svg+xml")], content).into_response(),
    )
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
