//! `/releases/:version/files`: everything to save, and how to check it.

use domain::time::human_size;
use leptos::prelude::*;

use super::head;
use crate::{
    api::releases::FilesPage,
    routes::href,
    ui::{copy, page, table},
};

/// The page.
#[must_use]
pub fn show(data: FilesPage) -> AnyView {
    let FilesPage { head, files, public_key } = data;
    let above = head::head(&head, "files");
    let Some(public_key) = public_key else {
        return view! { {above}{head::incomplete()} }.into_any();
    };
    if head.files_removed_at.is_some() {
        // What is above says when they went.
        return above;
    }
    let name = head.row.release.name();
    let rows = files
        .iter()
        .map(|file| {
            let link = view! { <a href=href::release_file(&name, &file.name) rel="external" download="">{file.name.clone()}</a> };
            let digest = file.sha256.as_ref().map(|digest| copy::digest(digest, &format!("SHA-256 of {}", file.name)));
            table::row(vec![
                link.into_any(),
                file.what.clone().into_any(),
                table::number(file.size.map_or_else(|| "–".to_owned(), human_size)),
                digest.into_any(),
            ])
        })
        .collect();
    let verify = format!("minisign -V -P {public_key} -m manifest.json");
    let check = view! {
        <p>"The manifest names every component by its SHA-256 and is signed. Save "<code>"manifest.json"</code>" and "<code>"manifest.json.minisig"</code>", then:"</p>
        <p>{copy::command(&verify, "this command")}</p>
    };
    view! {
        {above}
        {page::section("Files", table::table("Files", &["File", "What it is", ">Size", "SHA-256"], rows))}
        {page::section("Check the signature", check.into_any())}
    }
    .into_any()
}
