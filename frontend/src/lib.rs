//! The browser's entry point: makes the pages live that the server rendered.
//!
//! It exists for `wasm32` only. For other targets this crate is empty, so that a build of the
//! whole workspace does not compile the dashboard a second time.
#![cfg(target_arch = "wasm32")]

/// Called by the script tag of the shell, once the WebAssembly module is there.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    app::hydrate();
}
