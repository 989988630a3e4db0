//! The overview, and the audit log's page.

use domain::page::{Cursor, Slice};
use services::{audit::AuditFilter, releases::ReleaseFilter};

use crate::{
    api::{
        Around,
        audit::AuditPage,
        overview::{BootCard, OverviewPage},
    },
    error::AppError,
};

use super::{Asked, deployments, environments, jobs, releases, variants};

/// How many releases the overview shows.
const NEWEST: u32 = 5;
/// How many rows of the audit log stand on a page.
const AUDIT_ROWS: u32 = 100;

pub(crate) async fn page(asked: &Asked) -> Result<OverviewPage, AppError> {
    let found = asked.services.overview(&asked.actor).await.map_err(|it| asked.refuse(it))?;
    let (mut working, mut broken) = (Vec::new(), Vec::new());
    for job in found.working {
        working.push(jobs::row(asked, job).await?);
    }
    for job in found.broken {
        broken.push(jobs::row(asked, job).await?);
    }
    let slice = Slice { after: None, limit: NEWEST };
    let newest = releases::rows(asked, &ReleaseFilter::default(), &slice).await?.items;
    let answers = if found.boot_listener_answers {
        Ok(())
    } else {
        Err("nothing answers on the boot listener's port of this host; look at the server's log"
            .to_owned())
    };
    Ok(OverviewPage {
        environments: environments::rows(asked).await?,
        waiting: deployments::open(asked).await?,
        working,
        broken,
        failed_boots: found.failed_boots,
        ending: variants::ending(asked).await?,
        newest,
        has_recipe: found.has_recipe,
        shortage: found.shortage.map(|it| it.to_string()),
        boot: BootCard { chain_lines: found.chain_lines, answers },
    })
}

pub(crate) async fn audit(asked: &Asked, after: Option<Cursor>) -> Result<AuditPage, AppError> {
    let slice = Slice { after, limit: AUDIT_ROWS };
    let page = asked
        .services
        .audit_page(&asked.actor, &AuditFilter::default(), &slice)
        .await
        .map_err(|it| asked.refuse(it))?;
    Ok(AuditPage { rows: page.items, around: Around::of(&slice, page.next) })
}
