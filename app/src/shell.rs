//! The document around every page.

use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::MetaTags;

use crate::{App, viewer};

/// Names of the site's files below `/pkg/`; each carries a digest of its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetNames {
    /// The script.
    pub js: String,
    /// The WebAssembly.
    pub wasm: String,
    /// The style sheet.
    pub css: String,
}

/// The whole document.
///
/// Scripts carry the nonce of the response's policy; there is no style besides the sheet's. The
/// tags are written here and not by leptos, which would look for file names beside the program.
#[must_use]
pub fn shell(assets: &AssetNames) -> AnyView {
    let nonce = use_nonce();
    let looking = viewer::look();
    let (script, module, style) = (
        format!("/pkg/{}", assets.js),
        format!("/pkg/{}", assets.wasm),
        format!("/pkg/{}", assets.css),
    );
    let start = format!(
        "import('{script}').then(m => m.default({{module_or_path: '{module}'}}).then(() => m.hydrate()))"
    );
    let theme = Some(looking.theme.word()).filter(|word| !word.is_empty());
    let name = looking.viewer.as_ref().map(|viewer| viewer.name.clone());
    let role = looking.viewer.as_ref().map(|viewer| viewer.role.word());
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme data-viewer=name data-role=role>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="stylesheet" href=style/>
                <link rel="modulepreload" href=script nonce=nonce.clone()/>
                <link rel="preload" href=module r#as="fetch" r#type="application/wasm" crossorigin="anonymous"/>
                <script type="module" nonce=nonce>{start}</script>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
    .into_any()
}
