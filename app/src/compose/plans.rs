//! What the pages of plans and suites show.

use super::Asked;
use crate::error::AppError;

/// The names of all plans: the built-in one first.
pub(crate) async fn names(asked: &Asked) -> Result<Vec<String>, AppError> {
    let plans = asked.services.plans(&asked.actor).await.map_err(|it| asked.refuse(it))?;
    Ok(plans.into_iter().map(|it| it.name).collect())
}
