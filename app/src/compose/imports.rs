//! Imports: what the form starts from.

use domain::policy::Action;
use leptos::prelude::use_context;

use super::{Asked, releases::choice};
use crate::{
    api::imports::{ImportDraft, ImportPage},
    error::AppError,
    viewer::viewer_of,
};

pub(crate) async fn page(asked: &Asked) -> Result<ImportPage, AppError> {
    let Asked { services, actor } = asked;
    let proposal = services.propose_import(actor).await.map_err(|it| asked.refuse(it))?;
    let fresh = || ImportDraft {
        version: proposal.version.to_string(),
        user: "root".to_owned(),
        ..ImportDraft::default()
    };
    Ok(ImportPage {
        draft: use_context().unwrap_or_else(fresh),
        import: choice(Action::Import.allowed(viewer_of(actor).role)),
    })
}
