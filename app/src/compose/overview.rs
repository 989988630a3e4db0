//! The overview, and the audit log's page.

use crate::{
    api::{
        audit::AuditPage,
        overview::{BootCard, OverviewPage},
    },
    error::AppError,
};

use super::{Asked, deployments, environments, jobs, releases};

/// How many releases the overview shows.
const NEWEST: usize = 5;
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
    let mut newest = releases::rows(asked).await?;
    newest.truncate(NEWEST);
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
        newest,
        has_recipe: found.has_recipe,
        boot: BootCard { chain_lines: found.chain_lines, answers },
    })
}

pub(crate) async fn audit(asked: &Asked, before: Option<i64>) -> Result<AuditPage, AppError> {
    let rows = asked
        .services
        .audit_rows(&asked.actor, before, AUDIT_ROWS)
        .await
        .map_err(|it| asked.refuse(it))?;
    let older = rows.last().map(|row| row.sequence).filter(|sequence| *sequence > 1);
    Ok(AuditPage { rows, older, newest: before.is_none() })
}
