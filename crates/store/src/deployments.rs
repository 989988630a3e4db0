//! Deployments: requests, what was said about them, and what became of them.

use domain::{
    deployment::{Approval, Deployment, DeploymentState},
    ids::{DeploymentId, PersonId, ReleaseId},
    page::{Cursor, Page, Slice},
    time::Timestamp,
};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{exactly_one, number, optional_text, optional_time, parsed, text, time},
};

/// Which deployments a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeploymentFilter {
    /// Only those that stand so.
    pub state: Option<DeploymentState>,
    /// Only those of this environment.
    pub environment: Option<String>,
    /// Only those of this release.
    pub release: Option<ReleaseId>,
}

fn name(
    row: &AnyRow,
    released: &'static str,
    target: &'static str,
    candidate: &'static str,
) -> Result<String, StoreError> {
    match optional_text(row, released)? {
        Some(name) => Ok(name),
        None => Ok(format!("{}-rc.{}", text(row, target)?, number(row, candidate)?)),
    }
}

fn deployment(row: &AnyRow) -> Result<Deployment, StoreError> {
    let from_release = optional_text(row, "from_release_id")?.map(ReleaseId);
    let from_name = match from_release {
        Some(_) => Some(name(row, "from_released", "from_target", "from_number")?),
        None => None,
    };
    Ok(Deployment {
        id: DeploymentId(text(row, "id")?),
        environment: text(row, "environment")?,
        release: ReleaseId(text(row, "release_id")?),
        release_name: name(row, "released_name", "target", "number")?,
        from_release,
        from_name,
        rollback: optional_time(row, "rollback_at")?.is_some(),
        state: parsed(row, "state")?,
        reason: text(row, "reason")?,
        requester: PersonId(text(row, "requester_id")?),
        requester_name: text(row, "requester")?,
        requested_at: time(row, "requested_at")?,
        manifest: parsed(row, "manifest_digest")?,
        evidence: parsed(row, "evidence_digest")?,
        approvals: Vec::new(),
        ended_at: optional_time(row, "ended_at")?,
        ended_by: optional_text(row, "ended_by")?,
        outcome: optional_text(row, "outcome")?,
    })
}

fn approval(row: &AnyRow) -> Result<Approval, StoreError> {
    Ok(Approval {
        approver: PersonId(text(row, "approver_id")?),
        approver_name: text(row, "approver")?,
        verdict: parsed(row, "verdict")?,
        comment: text(row, "comment")?,
        at: time(row, "at")?,
        manifest: parsed(row, "manifest_digest")?,
        evidence: parsed(row, "evidence_digest")?,
    })
}

impl Rows {
    /// One deployment.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn deployment(
        &mut self,
        id: &DeploymentId,
    ) -> Result<Option<Deployment>, StoreError> {
        let rows = sqlx::query("select * from deployment_with_names where id = $1")
            .bind(id.as_str())
            .fetch_all(self.connection())
            .await
            .map_err(StoreError::database("looking a deployment up"))?;
        Ok(self.with_approvals(&rows).await?.pop())
    }

    /// A page of deployments, the newest request first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn deployments_page(
        &mut self,
        filter: &DeploymentFilter,
        slice: &Slice,
    ) -> Result<Page<Deployment>, StoreError> {
        let (number, name) = slice.below();
        let rows = sqlx::query(
            "select * from deployment_with_names
             where (requested_at, id) < ($1, $2)
               and ($3 = '' or state = $3) and ($4 = '' or environment = $4)
               and ($5 = '' or release_id = $5)
             order by requested_at desc, id desc limit $6",
        )
        .bind(number)
        .bind(name)
        .bind(filter.state.map_or("", DeploymentState::word))
        .bind(filter.environment.as_deref().unwrap_or_default())
        .bind(filter.release.as_ref().map_or("", ReleaseId::as_str))
        .bind(i64::from(slice.limit) + 1)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing deployments"))?;
        let read = self.with_approvals(&rows).await?;
        Ok(Page::of(read, slice, |it| Cursor {
            number: it.requested_at.0,
            name: it.id.to_string(),
        }))
    }

    /// A page of what approvers said, newest first, each with the deployment that it is about; only
    /// of one deployment where given.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn approvals_page(
        &mut self,
        deployment: Option<&DeploymentId>,
        slice: &Slice,
    ) -> Result<Page<(DeploymentId, Approval)>, StoreError> {
        let (number, name) = slice.below();
        let read = sqlx::query(
            "select deployment_id, approver_id, approver, verdict, comment, at, manifest_digest,
                    evidence_digest
             from approval
             where (at, deployment_id || '/' || approver_id) < ($1, $2)
               and ($3 = '' or deployment_id = $3)
             order by at desc, deployment_id || '/' || approver_id desc limit $4",
        )
        .bind(number)
        .bind(name)
        .bind(deployment.map_or("", DeploymentId::as_str))
        .bind(i64::from(slice.limit) + 1)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing approvals"))?
        .iter()
        .map(|row| Ok((DeploymentId(text(row, "deployment_id")?), approval(row)?)))
        .collect::<Result<_, StoreError>>()?;
        Ok(Page::of(read, slice, |(deployment, it)| Cursor {
            number: it.at.0,
            name: format!("{deployment}/{}", it.approver),
        }))
    }

    /// Deployments that wait for somebody, oldest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn open_deployments(&mut self) -> Result<Vec<Deployment>, StoreError> {
        let rows = sqlx::query(
            "select * from deployment_with_names where state in ('requested', 'approved')
             order by requested_at, id",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing open deployments"))?;
        self.with_approvals(&rows).await
    }

    /// The newest deployments of an environment by when they ended or were asked for, at the most
    /// `limit`.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn deployments_of_environment(
        &mut self,
        environment: &str,
        limit: u32,
    ) -> Result<Vec<Deployment>, StoreError> {
        let rows = sqlx::query(
            "select * from deployment_with_names where environment = $1
             order by coalesce(ended_at, requested_at) desc, id desc limit $2",
        )
        .bind(environment)
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing an environment's deployments"))?;
        self.with_approvals(&rows).await
    }

    /// The deployments of a release, newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn deployments_of_release(
        &mut self,
        release: &ReleaseId,
    ) -> Result<Vec<Deployment>, StoreError> {
        let rows = sqlx::query(
            "select * from deployment_with_names where release_id = $1
             order by requested_at desc, id desc",
        )
        .bind(release.as_str())
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing a release's deployments"))?;
        self.with_approvals(&rows).await
    }

    async fn with_approvals(&mut self, rows: &[AnyRow]) -> Result<Vec<Deployment>, StoreError> {
        let mut deployments = Vec::with_capacity(rows.len());
        for row in rows {
            let mut deployment = deployment(row)?;
            deployment.approvals = self.approvals(&deployment.id).await?;
            deployments.push(deployment);
        }
        Ok(deployments)
    }

    async fn approvals(&mut self, id: &DeploymentId) -> Result<Vec<Approval>, StoreError> {
        sqlx::query(
            "select approver_id, approver, verdict, comment, at, manifest_digest, evidence_digest
             from approval where deployment_id = $1 order by at",
        )
        .bind(id.as_str())
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing approvals"))?
        .iter()
        .map(approval)
        .collect()
    }

    /// Whether an environment has served a release before.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn has_served(
        &mut self,
        environment: &str,
        release: &ReleaseId,
    ) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "select id from deployment
             where environment = $1 and release_id = $2 and state = 'deployed' limit 1",
        )
        .bind(environment)
        .bind(release.as_str())
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("asking what an environment has served"))?;
        Ok(row.is_some())
    }
}

impl WriteTx {
    /// Adds a deployment that is asked for.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn insert_deployment(&mut self, new: &Deployment) -> Result<(), StoreError> {
        sqlx::query(
            "insert into deployment (id, environment, release_id, from_release_id, rollback_at,
                                     state, reason, requester_id, requester, requested_at,
                                     manifest_digest, evidence_digest)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(new.id.as_str())
        .bind(&new.environment)
        .bind(new.release.as_str())
        .bind(new.from_release.as_ref().map(ReleaseId::as_str))
        .bind(new.rollback.then_some(new.requested_at.0))
        .bind(new.state.word())
        .bind(&new.reason)
        .bind(new.requester.as_str())
        .bind(&new.requester_name)
        .bind(new.requested_at.0)
        .bind(new.manifest.to_string())
        .bind(new.evidence.to_string())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("adding a deployment"))?;
        Ok(())
    }

    /// Keeps what an approver said.
    ///
    /// # Errors
    /// [`StoreError::is_conflict`] where that person has said something already.
    pub async fn insert_approval(
        &mut self,
        id: &DeploymentId,
        approval: &Approval,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into approval (deployment_id, approver_id, approver, verdict, comment, at,
                                   manifest_digest, evidence_digest)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(id.as_str())
        .bind(approval.approver.as_str())
        .bind(&approval.approver_name)
        .bind(approval.verdict.word())
        .bind(&approval.comment)
        .bind(approval.at.0)
        .bind(approval.manifest.to_string())
        .bind(approval.evidence.to_string())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("keeping an approval"))?;
        Ok(())
    }

    /// Moves a deployment from one state to another; `ended` is when, by whom and why it ended.
    /// One that is executed notes what its environment served before.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it is not at `from` any more.
    pub async fn set_deployment_state(
        &mut self,
        id: &DeploymentId,
        from: DeploymentState,
        to: DeploymentState,
        ended: Option<(Timestamp, &str, &str)>,
    ) -> Result<(), StoreError> {
        let moved = sqlx::query(
            "update deployment set state = $1, ended_at = $2, ended_by = $3, outcome = $4
             where id = $5 and state = $6",
        )
        .bind(to.word())
        .bind(ended.map(|(at, _, _)| at.0))
        .bind(ended.map(|(_, by, _)| by))
        .bind(ended.map(|(_, _, why)| why))
        .bind(id.as_str())
        .bind(from.word())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("moving a deployment to another state"))?;
        exactly_one(&moved, "deployment")
    }

    /// Notes what an environment served before a deployment was executed.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where there is no such deployment.
    pub async fn set_deployed_from(
        &mut self,
        id: &DeploymentId,
        from: Option<&ReleaseId>,
    ) -> Result<(), StoreError> {
        sqlx::query("update deployment set from_release_id = $1 where id = $2")
            .bind(from.map(ReleaseId::as_str))
            .bind(id.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("noting what was served before"))
            .and_then(|done| exactly_one(&done, "deployment"))
    }
}
