//! Results of a variant beside those of its base.

use domain::{
    actor::Actor,
    ids::ReleaseId,
    policy::Action,
    run::{
        Validation,
        comparison::{ComparedCase, compare},
    },
};
use serde::{Deserialize, Serialize};
use store::{Rows, validations::Judged};

use super::no_variant;
use crate::{Services, error::ServiceError, releases::no_release};

/// What the newest validation of a variant saw beside what the newest of its base saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantComparison {
    /// That of the variant; `None` where none has ended with results.
    pub here: Option<Validation>,
    /// Whether the variant has been built anew since.
    pub outdated: bool,
    /// Name of the release that the variant stood on; `None` where nothing was built of it.
    pub base_name: Option<String>,
    /// That of the base by the same plan; `None` where none has ended with results.
    pub base: Option<Validation>,
    /// Every case of both; nothing where the variant has no results.
    pub cases: Vec<ComparedCase>,
}

impl Services {
    /// The newest results of a variant beside the newest of its base, both with all runs.
    ///
    /// # Errors
    /// Where there is no such variant, or the actor may not read.
    pub async fn compare_variant(
        &self,
        actor: &Actor,
        name: &str,
    ) -> Result<VariantComparison, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let variant = rows.variant(name).await?.ok_or_else(|| no_variant(name))?.variant;
        let built = rows.built_variant(&variant.id).await?;
        let here = rows.newest_results(Judged::Variant(&variant.id), None).await?;
        let release = here.as_ref().map(|it| &it.release).or(built.as_ref().map(|it| &it.base));
        let Some(release) = release.cloned() else {
            let (outdated, cases) = (false, Vec::new());
            return Ok(VariantComparison { here, outdated, base_name: None, base: None, cases });
        };
        let base_name = Some(name_of(&mut rows, &release).await?);
        let plan = here.as_ref().map(|it| it.plan.as_str());
        let base = rows.newest_results(Judged::Release(&release), plan).await?;
        let now = match built.and_then(|it| it.build.manifest) {
            Some(manifest) => Some(manifest.digest()?),
            None => None,
        };
        let outdated = here.as_ref().is_some_and(|it| now.is_some_and(|now| now != it.manifest));
        let cases = here.as_ref().map_or_else(Vec::new, |here| {
            let base = base.as_ref().map_or(&[][..], |it| &it.runs);
            compare(&here.runs, base)
        });
        Ok(VariantComparison { here, outdated, base_name, base, cases })
    }
}

async fn name_of(rows: &mut Rows, id: &ReleaseId) -> Result<String, ServiceError> {
    let release = rows.release(id).await?.ok_or_else(|| no_release(id.as_str()))?;
    Ok(release.name())
}
