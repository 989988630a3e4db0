//! People: the first administrator, signing in, and who manages accounts.

use std::time::Duration;

use domain::{
    actor::{Actor, Who},
    digest::Digest,
    ids::PersonId,
    person::{Person, Role, check_name, check_password},
    policy::{self, Action},
    time::Timestamp,
};
use store::{WriteTx, links::LinkPurpose};

use crate::{Services, audit::Change, error::ServiceError, identity::random_token, password};

/// How long a one-time link is good for.
const LINK_LIFE: Duration = Duration::from_secs(30 * 60);
/// How many failed sign-ins of one name, or from one address, are let through in the window.
const FAILURES_ALLOWED: i64 = 10;
/// The window in which failed sign-ins count.
const FAILURE_WINDOW: Duration = Duration::from_secs(15 * 60);

/// Somebody who just proved who they are.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The person.
    pub person: Person,
    /// Changes with every change of role, password or standing; a session keeps the version of its
    /// sign-in and ends when they differ.
    pub credentials_version: i64,
}

/// A person's name and the token of the link with which that person sets a password.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PasswordLink {
    /// Whose password.
    pub name: String,
    /// What stands behind `/password/` in the link; shown once.
    pub token: String,
}

impl Services {
    /// The token of a link with which the first administrator sets name and password; `None` once
    /// a person exists.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn first_administrator_link(&self) -> Result<Option<String>, ServiceError> {
        let token = random_token()?;
        let mut tx = self.begin().await?;
        if tx.count_people().await? > 0 {
            return Ok(None);
        }
        let expires_at = self.now().plus(LINK_LIFE);
        tx.insert_link(
            &Digest::of(&token),
            LinkPurpose::FirstAdministrator,
            None,
            self.now(),
            expires_at,
        )
        .await?;
        tx.commit().await?;
        Ok(Some(token))
    }

    /// Makes the first administrator by the link that the terminal printed.
    ///
    /// # Errors
    /// Where the link is spent, expired or unknown, a person exists, or name or password break
    /// their rules.
    pub async fn create_first_administrator(
        &self,
        actor: &Actor,
        token: &str,
        name: &str,
        password: String,
    ) -> Result<SignedIn, ServiceError> {
        let hash = checked_hash(Some(name), password).await?;
        let mut tx = self.begin().await?;
        if tx.count_people().await? > 0 {
            return Err(dead_link());
        }
        self.spend(&mut tx, token, LinkPurpose::FirstAdministrator).await?;
        let person = self.insert_person(&mut tx, name, Role::Administrator, Some(&hash)).await?;
        self.record(&mut tx, &itself(actor, &person), Change::PersonAdded { person: &person })
            .await?;
        tx.commit().await?;
        Ok(SignedIn { person, credentials_version: 1 })
    }

    /// Signs a person in by name and password.
    ///
    /// # Errors
    /// Where name and password do not belong together, the person is disabled, or too many
    /// attempts failed.
    pub async fn sign_in(
        &self,
        actor: &Actor,
        name: &str,
        password: String,
    ) -> Result<SignedIn, ServiceError> {
        let address = actor.address.map(|address| address.to_string()).unwrap_or_default();
        let window =
            Timestamp(self.now().0 - i64::try_from(FAILURE_WINDOW.as_micros()).unwrap_or(0));
        let mut tx = self.begin().await?;
        if tx.count_failed_sign_ins(name, &address, window).await? >= FAILURES_ALLOWED {
            return Err(ServiceError::Throttled(
                "too many attempts failed; wait 15 minutes and try again".to_owned(),
            ));
        }
        // Counts as failed until it has succeeded: attempts side by side must not all be let through.
        let id = self.ids().next_id();
        tx.insert_failed_sign_in(&id, name, &address, self.now()).await?;
        let known = tx.credentials_of(name).await?;
        tx.commit().await?;
        let stored = known.as_ref().and_then(|known| known.password_hash.clone());
        let matches =
            tokio::task::spawn_blocking(move || password::matches(&password, stored.as_deref()))
                .await
                .map_err(ServiceError::internal)?;
        let mut tx = self.begin().await?;
        let Some(known) = known.filter(|known| matches && known.person.disabled_at.is_none())
        else {
            self.record(&mut tx, actor, Change::SignInFailed { name }).await?;
            tx.commit().await?;
            return Err(ServiceError::invalid(
                "credentials",
                "name and password do not belong together",
            ));
        };
        tx.delete_failed_sign_ins(name).await?;
        self.record(
            &mut tx,
            &itself(actor, &known.person),
            Change::SignedIn { person: &known.person },
        )
        .await?;
        tx.commit().await?;
        Ok(SignedIn { person: known.person, credentials_version: known.credentials_version })
    }

    /// The person of a session, unless the person was disabled or role or password were changed
    /// since it began.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn person_of_session(
        &self,
        id: &PersonId,
        credentials_version: i64,
    ) -> Result<Option<Person>, ServiceError> {
        let known = self.read().await?.credentials_by_id(id).await?;
        Ok(known
            .filter(|known| known.credentials_version == credentials_version)
            .map(|known| known.person)
            .filter(|person| person.disabled_at.is_none()))
    }

    /// Everybody, by name.
    ///
    /// # Errors
    /// Where the actor may not manage people.
    pub async fn list_people(&self, actor: &Actor) -> Result<Vec<Person>, ServiceError> {
        Action::ManagePeople.allowed_to(&actor.who)?;
        Ok(self.read().await?.people().await?)
    }

    /// Adds a person who sets a password by the link that this gives.
    ///
    /// # Errors
    /// Where the actor may not manage people, or the name breaks its rule or is taken.
    pub async fn add_person(
        &self,
        actor: &Actor,
        name: &str,
        role: Role,
    ) -> Result<PasswordLink, ServiceError> {
        Action::ManagePeople.allowed_to(&actor.who)?;
        check_name(name).map_err(|error| ServiceError::invalid("name", error.to_string()))?;
        let mut tx = self.begin().await?;
        let person = self.insert_person(&mut tx, name, role, None).await?;
        let link = self.insert_password_link(&mut tx, &person).await?;
        self.record(&mut tx, actor, Change::PersonAdded { person: &person }).await?;
        tx.commit().await?;
        Ok(link)
    }

    /// Adds a person with a password: the command line's way.
    ///
    /// # Errors
    /// As [`Services::add_person`], and where the password breaks its rule.
    pub async fn add_person_with_password(
        &self,
        actor: &Actor,
        name: &str,
        role: Role,
        password: String,
    ) -> Result<Person, ServiceError> {
        Action::ManagePeople.allowed_to(&actor.who)?;
        let hash = checked_hash(Some(name), password).await?;
        let mut tx = self.begin().await?;
        let person = self.insert_person(&mut tx, name, role, Some(&hash)).await?;
        self.record(&mut tx, actor, Change::PersonAdded { person: &person }).await?;
        tx.commit().await?;
        Ok(person)
    }

    /// Gives a person another role; the person's sessions end.
    ///
    /// # Errors
    /// Where the actor may not, or nobody would be left to manage people.
    pub async fn change_role(
        &self,
        actor: &Actor,
        name: &str,
        role: Role,
    ) -> Result<(), ServiceError> {
        let own = Self::role_of(actor, Action::ManagePeople)?;
        let mut tx = self.begin().await?;
        let (person, everybody) = person_and_everybody(&mut tx, name).await?;
        policy::may_change_role(own, &person, role, &everybody)?;
        tx.set_role(&person.id, role).await?;
        tx.delete_sessions_of(&person.id).await?;
        self.record(&mut tx, actor, Change::RoleChanged { person: &person, role }).await?;
        self.commit(tx, &format!("person/{}", person.id)).await?;
        Ok(())
    }

    /// Lets a person sign in no more, or again; the person's sessions end.
    ///
    /// # Errors
    /// Where the actor may not, or nobody would be left to manage people.
    pub async fn set_disabled(
        &self,
        actor: &Actor,
        name: &str,
        disabled: bool,
    ) -> Result<(), ServiceError> {
        let own = Self::role_of(actor, Action::ManagePeople)?;
        let mut tx = self.begin().await?;
        let (person, everybody) = person_and_everybody(&mut tx, name).await?;
        if disabled {
            policy::may_disable(own, &person, &everybody)?;
        }
        tx.set_disabled(&person.id, disabled.then(|| self.now())).await?;
        tx.delete_sessions_of(&person.id).await?;
        self.record(&mut tx, actor, Change::Disabled { person: &person, disabled }).await?;
        self.commit(tx, &format!("person/{}", person.id)).await?;
        Ok(())
    }

    /// A one-time link with which a person sets a new password.
    ///
    /// # Errors
    /// Where the actor may not manage people, or there is no such person.
    pub async fn password_link(
        &self,
        actor: &Actor,
        name: &str,
    ) -> Result<PasswordLink, ServiceError> {
        Action::ManagePeople.allowed_to(&actor.who)?;
        let mut tx = self.begin().await?;
        let (person, _) = person_and_everybody(&mut tx, name).await?;
        let link = self.insert_password_link(&mut tx, &person).await?;
        self.record(&mut tx, actor, Change::PasswordLinkGiven { person: &person }).await?;
        tx.commit().await?;
        Ok(link)
    }

    /// Sets a new password by a one-time link; sessions that were open end.
    ///
    /// # Errors
    /// Where the link is spent, expired or unknown, or the password breaks its rule.
    pub async fn set_password_by_link(
        &self,
        actor: &Actor,
        token: &str,
        password: String,
    ) -> Result<SignedIn, ServiceError> {
        let hash = checked_hash(None, password).await?;
        let mut tx = self.begin().await?;
        let id =
            self.spend(&mut tx, token, LinkPurpose::SetPassword).await?.ok_or_else(dead_link)?;
        tx.set_password(&id, &hash).await?;
        tx.delete_sessions_of(&id).await?;
        let known = tx.credentials_by_id(&id).await?.ok_or_else(dead_link)?;
        if known.person.disabled_at.is_some() {
            return Err(dead_link());
        }
        self.record(
            &mut tx,
            &itself(actor, &known.person),
            Change::PasswordSet { person: &known.person },
        )
        .await?;
        self.commit(tx, &format!("person/{id}")).await?;
        Ok(SignedIn { person: known.person, credentials_version: known.credentials_version })
    }

    async fn insert_person(
        &self,
        tx: &mut WriteTx,
        name: &str,
        role: Role,
        password_hash: Option<&str>,
    ) -> Result<Person, ServiceError> {
        let person = Person {
            id: PersonId::generate(self.ids()),
            name: name.to_owned(),
            role,
            created_at: self.now(),
            disabled_at: None,
        };
        tx.insert_person(&person, password_hash).await.map_err(|error| {
            if error.is_conflict() {
                ServiceError::invalid("name", format!("there is a person called {name} already"))
            } else {
                error.into()
            }
        })?;
        Ok(person)
    }

    async fn insert_password_link(
        &self,
        tx: &mut WriteTx,
        person: &Person,
    ) -> Result<PasswordLink, ServiceError> {
        let token = random_token()?;
        let expires_at = self.now().plus(LINK_LIFE);
        tx.insert_link(
            &Digest::of(&token),
            LinkPurpose::SetPassword,
            Some(&person.id),
            self.now(),
            expires_at,
        )
        .await?;
        Ok(PasswordLink { name: person.name.clone(), token })
    }

    async fn spend(
        &self,
        tx: &mut WriteTx,
        token: &str,
        purpose: LinkPurpose,
    ) -> Result<Option<PersonId>, ServiceError> {
        tx.spend_link(&Digest::of(token), purpose, self.now()).await?.ok_or_else(dead_link)
    }
}

async fn person_and_everybody(
    tx: &mut WriteTx,
    name: &str,
) -> Result<(Person, Vec<Person>), ServiceError> {
    let everybody = tx.people().await?;
    let person = everybody
        .iter()
        .find(|person| person.name == name)
        .cloned()
        .ok_or_else(|| ServiceError::NotFound(format!("person called {name}")))?;
    Ok((person, everybody))
}

/// A link of ours leads here no more.
fn dead_link() -> ServiceError {
    ServiceError::invalid(
        "token",
        "this link was used already, is older than 30 minutes, or never was one of ours; ask an \
         administrator for a new one, or start the server anew for a first sign-in",
    )
}

/// The actor of a request in which a person has just proved who they are.
fn itself(actor: &Actor, person: &Person) -> Actor {
    let who = Who::Person { id: person.id.clone(), name: person.name.clone(), role: person.role };
    Actor { who, ..actor.clone() }
}

async fn checked_hash(name: Option<&str>, password: String) -> Result<String, ServiceError> {
    if let Some(name) = name {
        check_name(name).map_err(|error| ServiceError::invalid("name", error.to_string()))?;
    }
    check_password(&password)
        .map_err(|error| ServiceError::invalid("password", error.to_string()))?;
    // Hashing takes tens of milliseconds of a whole core.
    tokio::task::spawn_blocking(move || password::hash(&password))
        .await
        .map_err(ServiceError::internal)?
}
