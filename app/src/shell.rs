//! The document around every page.

use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::{MetaTags, provide_meta_context};
use leptos_router::components::Router;

use crate::{ui::nav::Frame, viewer};

/// Everything inside `<body>`.
#[component]
#[must_use]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let looking = viewer::provide();
    view! { <Router><Frame looking/></Router> }
}

/// Names of the site's files below `/pkg/`; each carries a digest of its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetNames {
    /// The script.
    pub js: String,
    /// The WebAssembly.
    pub wasm: String,
    /// The style sheet.
    pub css: String,
    /// The module of a guest's terminal, which its page alone loads.
    pub terminal_js: String,
    /// The style sheet of that terminal.
    pub terminal_css: String,
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
    // Each island names the function that starts it.
    let start = format!(
        "import('{script}').then(async m => {{\
           await m.default({{module_or_path: '{module}'}});\
           m.hydrate();\
           for (const e of document.querySelectorAll('leptos-island')) m[e.dataset.component](e);\
         }})"
    );
    let theme = Some(looking.theme.word()).filter(|word| !word.is_empty());
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <link rel="alternate" type="application/atom+xml" title="What happened" href="/feed.atom"/>
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
