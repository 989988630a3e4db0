//! Environments: what machines boot from, and what each demands.

use domain::{
    actor::Actor,
    deployment::Deployment,
    digest::Digest,
    environment::{Environment, Policy},
    policy::Action,
};

use crate::{Services, audit::Change, error::ServiceError, evidence::plan_called};

/// How many deployments the history of an environment shows; the lists of deployments have all.
pub const HISTORY: u32 = 50;

impl Services {
    /// All environments, by name.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn environments(&self, actor: &Actor) -> Result<Vec<Environment>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.environments().await?)
    }

    /// One environment.
    ///
    /// # Errors
    /// Where there is none, or the actor may not read.
    pub async fn environment(
        &self,
        actor: &Actor,
        name: &str,
    ) -> Result<Environment, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        self.read().await?.environment(name).await?.ok_or_else(|| no_environment(name))
    }

    /// What became of the newest requests for an environment, the last that ended first.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn history(
        &self,
        actor: &Actor,
        name: &str,
    ) -> Result<Vec<Deployment>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.deployments_of_environment(name, HISTORY).await?)
    }

    /// Changes what an environment demands. Requests that are open are judged by what it then
    /// demands. `base` is the digest of the policy that the change was made from, where known.
    ///
    /// # Errors
    /// Where the actor may not, a number is out of range, or somebody changed the policy meanwhile.
    pub async fn change_policy(
        &self,
        actor: &Actor,
        name: &str,
        policy: Policy,
        base: Option<&Digest>,
    ) -> Result<(), ServiceError> {
        Action::ChangePolicy.allowed_to(&actor.who)?;
        if policy.approvals > 10 {
            return Err(ServiceError::invalid("approvals", "at most 10 approvals can be demanded"));
        }
        let mut tx = self.begin().await?;
        for plan in &policy.plans {
            if plan_called(&mut tx, plan).await?.is_none() {
                let message = format!("there is no plan called {plan}");
                return Err(ServiceError::invalid("plans", message));
            }
        }
        let before = tx.environment(name).await?.ok_or_else(|| no_environment(name))?;
        if let Some(base) = base
            && *base != before.policy.version()?
        {
            return Err(ServiceError::Conflict(format!(
                "somebody changed the policy of {name} since you looked at it; look again, and \
                 change it then"
            )));
        }
        tx.set_policy(name, &policy).await?;
        let change = Change::PolicyChanged { environment: name, from: &before.policy, to: &policy };
        self.record(&mut tx, actor, change).await?;
        self.commit(tx, &format!("environment/{name}")).await
    }
}

pub(crate) fn no_environment(name: &str) -> ServiceError {
    ServiceError::NotFound(format!("environment called {name}"))
}
