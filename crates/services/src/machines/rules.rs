//! What machines of certain labels boot, and what those get that nobody has accepted.

use domain::{
    actor::Actor,
    digest::Digest,
    machine::{MOST_RULES, MachineRules, Rule, Unregistered},
    policy::Action,
};

use super::TOPIC;
use crate::{Services, audit::Change, error::ServiceError};

impl Services {
    /// The rules that hold now.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn machine_rules(&self, actor: &Actor) -> Result<MachineRules, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.machine_rules().await?)
    }

    /// Replaces the whole list of rules on top of revision `base`. The same list again changes nothing.
    ///
    /// # Errors
    /// Where the actor may not, somebody changed the list meanwhile, or a rule names what cannot be
    /// booted.
    pub async fn change_machine_rules(
        &self,
        actor: &Actor,
        base: u32,
        rules: &[Rule],
    ) -> Result<MachineRules, ServiceError> {
        Self::role_of(actor, Action::ChangeMachineRules)?;
        let invalid = |message| ServiceError::invalid("rules", message);
        if rules.len() > MOST_RULES {
            return Err(invalid(format!("there are {MOST_RULES} rules at the most")));
        }
        let mut tx = self.begin().await?;
        let former = tx.machine_rules().await?;
        if former.revision != base {
            return Err(ServiceError::Conflict(format!(
                "the rules of machines have revision {} by now, and you were editing revision \
                 {base}; look at that one and make your change again",
                former.revision
            )));
        }
        if former.rules == rules {
            return Ok(former);
        }
        for (number, rule) in (1..).zip(rules) {
            if rule.labels.is_empty() {
                return Err(invalid(format!("rule {number} names no label")));
            }
            let known = former.rules.iter().any(|it| it.target == rule.target);
            // What was there already may have ended since: that keeps nobody from changing the rest.
            if !known && let Err(error) = self.can_be_booted(&mut tx, &rule.target, None).await {
                return Err(invalid(format!("rule {number}: {error}")));
            }
        }
        let (revision, at) = (base.saturating_add(1), self.now());
        tx.insert_machine_rules(revision, rules, at, actor.name()).await?;
        let change = Change::MachineRulesChanged { revision, rules };
        self.record(&mut tx, actor, change).await?;
        self.commit(tx, TOPIC).await?;
        self.refresh_machines().await?;
        let (saved_at, saved_by) = (Some(at), Some(actor.name().to_owned()));
        Ok(MachineRules { revision, rules: rules.to_vec(), saved_at, saved_by })
    }

    /// What machines get that nobody has accepted.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn unregistered(&self, actor: &Actor) -> Result<Unregistered, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.unregistered().await?)
    }

    /// Says what machines get that nobody has accepted. `base` is the digest of the setting that the
    /// change was made from, where known.
    ///
    /// # Errors
    /// Where the actor may not, or somebody changed it meanwhile.
    pub async fn change_unregistered(
        &self,
        actor: &Actor,
        to: Unregistered,
        base: Option<&Digest>,
    ) -> Result<(), ServiceError> {
        Self::role_of(actor, Action::ChangeUnregistered)?;
        let mut tx = self.begin().await?;
        let from = tx.unregistered().await?;
        if let Some(base) = base
            && *base != from.version()?
        {
            return Err(ServiceError::Conflict(
                "somebody changed what unregistered machines get since you looked at it; look \
                 again, and change it then"
                    .to_owned(),
            ));
        }
        if from == to {
            return Ok(());
        }
        tx.set_unregistered(&to).await?;
        self.record(&mut tx, actor, Change::UnregisteredChanged { from, to }).await?;
        self.commit(tx, TOPIC).await?;
        self.refresh_machines().await
    }
}
