//! Plans and suites that people make: adding, changing, removing them.
//!
//! A plan names revisions of its suites, so a change of a suite is a change of every plan that runs it.
//! Whoever changes what an environment demands changes its gate: that takes who may change its policy.

use domain::{
    actor::Actor,
    plan::{Plan, PlanDefinition, SMOKE},
    policy::{self, Action},
    suite::{Suite, SuiteDefinition, check_name},
};
use store::{Rows, WriteTx};

use crate::{Services, audit::Change, error::ServiceError, evidence::plan_called, kernels::faulty};

impl Services {
    /// All plans: the built-in one, then those of people, by name.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn plans(&self, actor: &Actor) -> Result<Vec<Plan>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let own = self.read().await?.plans().await?;
        Ok([Plan::smoke()].into_iter().chain(own).collect())
    }

    /// A plan; the revision that is asked for, or the newest.
    ///
    /// # Errors
    /// Where there is none, or the actor may not read.
    pub async fn plan(
        &self,
        actor: &Actor,
        name: &str,
        revision: Option<u32>,
    ) -> Result<Plan, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let found = match revision {
            Some(_) if name != SMOKE.name => rows.plan(name, revision).await?,
            _ => plan_called(&mut rows, name).await?,
        };
        found.ok_or_else(|| no_plan(name))
    }

    /// All revisions of a plan, newest first.
    ///
    /// # Errors
    /// Where there is no such plan, or the actor may not read.
    pub async fn plan_revisions(
        &self,
        actor: &Actor,
        name: &str,
    ) -> Result<Vec<Plan>, ServiceError> {
        let newest = self.plan(actor, name, None).await?;
        if newest.is_built_in() {
            return Ok(vec![newest]);
        }
        Ok(self.read().await?.plan_revisions(name).await?)
    }

    /// The names of the environments that demand a plan.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn demanded_by(
        &self,
        actor: &Actor,
        plan: &str,
    ) -> Result<Vec<String>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        demanding(&mut self.read().await?, plan).await
    }

    /// Adds a plan, or changes it on top of revision `base`.
    ///
    /// # Errors
    /// Where the actor may not, the name breaks its rule or is taken, somebody changed it meanwhile,
    /// or the definition has faults.
    pub async fn save_plan(
        &self,
        actor: &Actor,
        name: &str,
        base: Option<u32>,
        definition: PlanDefinition,
    ) -> Result<Plan, ServiceError> {
        let role = Self::role_of(actor, Action::EditPlan)?;
        check_name(name).map_err(|fault| faulty(&[fault]))?;
        definition.check().map_err(|faults| faulty(&faults))?;
        let mut tx = self.begin().await?;
        let former = tx.plan(name, None).await?;
        check_base("plan", name, base, former.as_ref().map(|it| (it.revision, &*it.saved_by)))?;
        policy::may_edit_plan(role, &demanding(&mut tx, name).await?)?;
        let definition = with_revisions(&mut tx, definition).await?;
        if former.is_some_and(|it| it.definition == definition) {
            return Err(nothing_new());
        }
        let plan = self.new_revision(&mut tx, actor, name, definition).await?;
        self.record(&mut tx, actor, Change::PlanSaved { plan: &plan }).await?;
        self.commit(tx, &format!("plan/{name}")).await?;
        Ok(plan)
    }

    async fn new_revision(
        &self,
        tx: &mut WriteTx,
        actor: &Actor,
        name: &str,
        definition: PlanDefinition,
    ) -> Result<Plan, ServiceError> {
        // Those of a plan that was removed count: what was run by it is not taken for ours.
        let newest = tx.plan_revisions(name).await?.first().map_or(0, |it| it.revision);
        let (now, saved_by) = (self.now(), actor.name().to_owned());
        let plan = Plan {
            name: name.to_owned(),
            revision: newest + 1,
            definition,
            saved_at: Some(now),
            saved_by,
        };
        tx.insert_plan(&plan, now).await?;
        Ok(plan)
    }

    /// Removes a plan; what was run by it stays.
    ///
    /// # Errors
    /// Where the actor may not, there is no such plan, it is built in, or an environment demands it.
    pub async fn remove_plan(&self, actor: &Actor, name: &str) -> Result<(), ServiceError> {
        Self::role_of(actor, Action::EditPlan)?;
        let mut tx = self.begin().await?;
        let plan = plan_called(&mut tx, name).await?.ok_or_else(|| no_plan(name))?;
        if plan.is_built_in() {
            return Err(ServiceError::Conflict(format!("plan {name} is built in and stays")));
        }
        if let Some(environment) = demanding(&mut tx, name).await?.first() {
            return Err(ServiceError::Conflict(format!(
                "environment {environment} demands plan {name}; take it out of its policy first"
            )));
        }
        tx.remove_plan(&plan, self.now()).await?;
        self.record(&mut tx, actor, Change::PlanRemoved { plan: &plan }).await?;
        self.commit(tx, &format!("plan/{name}")).await
    }

    /// All suites of people, by name.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn suites(&self, actor: &Actor) -> Result<Vec<Suite>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.suites().await?)
    }

    /// A suite; the revision that is asked for, or the newest.
    ///
    /// # Errors
    /// Where there is none, or the actor may not read.
    pub async fn suite(
        &self,
        actor: &Actor,
        name: &str,
        revision: Option<u32>,
    ) -> Result<Suite, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let found = self.read().await?.test_suite(name, revision).await?;
        found.ok_or_else(|| no_suite(name))
    }

    /// All revisions of a suite, newest first.
    ///
    /// # Errors
    /// Where there is no such suite, or the actor may not read.
    pub async fn suite_revisions(
        &self,
        actor: &Actor,
        name: &str,
    ) -> Result<Vec<Suite>, ServiceError> {
        self.suite(actor, name, None).await?;
        Ok(self.read().await?.suite_revisions(name).await?)
    }

    /// Adds a suite, or changes it on top of revision `base`; every plan that runs it gets a revision
    /// too. Nothing is fetched before it is run.
    ///
    /// # Errors
    /// Where the actor may not, the name breaks its rule or is taken, somebody changed it meanwhile,
    /// or the definition has faults.
    pub async fn save_suite(
        &self,
        actor: &Actor,
        name: &str,
        base: Option<u32>,
        definition: SuiteDefinition,
    ) -> Result<Suite, ServiceError> {
        let role = Self::role_of(actor, Action::EditPlan)?;
        check_name(name).map_err(|fault| faulty(&[fault]))?;
        definition.check().map_err(|faults| faulty(&faults))?;
        let mut tx = self.begin().await?;
        let former = tx.test_suite(name, None).await?;
        check_base("suite", name, base, former.as_ref().map(|it| (it.revision, &*it.saved_by)))?;
        if former.is_some_and(|it| it.definition == definition) {
            return Err(nothing_new());
        }
        let plans = plans_with(&mut tx, name).await?;
        for plan in &plans {
            policy::may_edit_plan(role, &demanding(&mut tx, &plan.name).await?)?;
        }
        if let Some(file) = definition.source.upload() {
            self.name_one_upload(&mut tx, file).await?;
        }
        let newest = tx.suite_revisions(name).await?.first().map_or(0, |it| it.revision);
        let suite = Suite {
            name: name.to_owned(),
            revision: newest + 1,
            definition,
            saved_at: self.now(),
            saved_by: actor.name().to_owned(),
        };
        tx.insert_suite(&suite).await?;
        self.record(&mut tx, actor, Change::SuiteSaved { suite: &suite }).await?;
        for plan in plans {
            let definition = with_revisions(&mut tx, plan.definition).await?;
            let plan = self.new_revision(&mut tx, actor, &plan.name, definition).await?;
            self.record(&mut tx, actor, Change::PlanSaved { plan: &plan }).await?;
        }
        self.commit(tx, &format!("suite/{name}")).await?;
        // What only the former revision named goes after its week.
        self.count_room_anew();
        Ok(suite)
    }

    /// Removes a suite; what was run of it stays.
    ///
    /// # Errors
    /// Where the actor may not, there is no such suite, or a plan runs it.
    pub async fn remove_suite(&self, actor: &Actor, name: &str) -> Result<(), ServiceError> {
        Self::role_of(actor, Action::EditPlan)?;
        let mut tx = self.begin().await?;
        let suite = tx.test_suite(name, None).await?.ok_or_else(|| no_suite(name))?;
        if let Some(plan) = plans_with(&mut tx, name).await?.first() {
            return Err(ServiceError::Conflict(format!(
                "plan {} runs suite {name}; take it out there first",
                plan.name
            )));
        }
        tx.remove_suite(&suite, self.now()).await?;
        self.record(&mut tx, actor, Change::SuiteRemoved { suite: &suite }).await?;
        self.commit(tx, &format!("suite/{name}")).await?;
        self.count_room_anew();
        Ok(())
    }
}

/// The definition with what its suites are now.
async fn with_revisions(
    rows: &mut Rows,
    mut definition: PlanDefinition,
) -> Result<PlanDefinition, ServiceError> {
    for planned in &mut definition.suites {
        if planned.suite == SMOKE.name {
            (planned.revision, planned.each_entry) = (SMOKE.revision, true);
            continue;
        }
        let suite = rows.test_suite(&planned.suite, None).await?.ok_or_else(|| {
            let message = format!("there is no suite called \"{}\"", planned.suite);
            ServiceError::invalid("suites", message)
        })?;
        (planned.revision, planned.each_entry) = (suite.revision, suite.definition.each_entry);
    }
    Ok(definition)
}

/// The plans of people that run a suite.
async fn plans_with(rows: &mut Rows, suite: &str) -> Result<Vec<Plan>, ServiceError> {
    let runs = |plan: &Plan| plan.definition.suites.iter().any(|it| it.suite == suite);
    Ok(rows.plans().await?.into_iter().filter(runs).collect())
}

/// The names of the environments that demand a plan.
async fn demanding(rows: &mut Rows, plan: &str) -> Result<Vec<String>, ServiceError> {
    let environments = rows.environments().await?.into_iter();
    let demand = environments.filter(|it| it.policy.plans.iter().any(|name| name == plan));
    Ok(demand.map(|it| it.name).collect())
}

/// Whether a change was made from what stands: nothing, or a revision with whoever saved it.
fn check_base(
    what: &str,
    name: &str,
    base: Option<u32>,
    former: Option<(u32, &str)>,
) -> Result<(), ServiceError> {
    match (base, former) {
        (None, None) => Ok(()),
        (None, Some(_)) => {
            let message = format!("there is a {what} called {name} already");
            Err(ServiceError::invalid("name", message))
        }
        (Some(_), None) => Err(ServiceError::NotFound(format!("{what} called {name}"))),
        (Some(base), Some((revision, _))) if base == revision => Ok(()),
        (Some(base), Some((revision, by))) => Err(ServiceError::Conflict(format!(
            "{by} saved revision {revision} of {what} {name} while you were editing revision {base}; \
             look at that one and make your change again"
        ))),
    }
}

fn nothing_new() -> ServiceError {
    ServiceError::invalid("definition", "it is the very same already; there is nothing to save")
}

/// There is no such plan.
pub(crate) fn no_plan(name: &str) -> ServiceError {
    ServiceError::NotFound(format!("plan called {name}"))
}

/// There is no such suite.
pub(crate) fn no_suite(name: &str) -> ServiceError {
    ServiceError::NotFound(format!("suite called {name}"))
}
