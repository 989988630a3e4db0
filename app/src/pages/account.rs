//! `/account`: who one is here.

use leptos::prelude::*;

use crate::{
    ui::{page, table},
    viewer::viewer,
};

/// The page.
#[must_use]
pub fn account() -> AnyView {
    let viewer = viewer();
    view! {
        {page::heading("Your account".to_owned(), Vec::new(), ().into_any())}
        {table::properties(vec![
            ("Name", viewer.name.into_any()),
            ("Role", viewer.role.word().into_any()),
        ])}
        <p>"For a new password or another role ask an administrator: the page People gives one-time links."</p>
    }
    .into_any()
}
