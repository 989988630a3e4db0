//! What people say of failures: one statement about one failure or about many.
//!
//! A form names each failure as `<run>/<revision>/<case>`: the revision is that of the assessment that
//! was shown, so that nobody overwrites unseen what another person has said. A demanded case that no run
//! answered is `missing/` and a [`services::assessments::MissingCase`] as JSON.

use leptos::server;

use crate::error::AppError;

/// Says whose problem failures are and where they are tracked; with `keeping` what is left empty stays as
/// it was said before.
#[server(prefix = "/api/ui")]
pub async fn assess_failures(
    #[server(default)] failures: Vec<String>,
    #[server(default)] issue: String,
    #[server(default)] blame: String,
    comment: String,
    #[server(default)] keeping: bool,
) -> Result<(), AppError> {
    let said = (issue, blame.as_str(), comment);
    crate::compose::assessments::assess(&super::asked()?, &failures, said, keeping).await
}

/// Answers for failures that they do not stand in the way.
#[server(prefix = "/api/ui")]
pub async fn waive_failures(
    #[server(default)] failures: Vec<String>,
    reason: String,
    #[server(default)] until: String,
) -> Result<(), AppError> {
    crate::compose::assessments::waive(&super::asked()?, &failures, reason, until).await
}

/// Takes the waivers of failures back.
#[server(prefix = "/api/ui")]
pub async fn withdraw_waivers(failures: Vec<String>) -> Result<(), AppError> {
    crate::compose::assessments::withdraw(&super::asked()?, &failures).await
}
