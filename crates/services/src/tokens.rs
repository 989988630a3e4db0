//! Bearer tokens: making, presenting and revoking them.

use domain::{
    actor::{Actor, Who},
    digest::Digest,
    ids::TokenId,
    person::{Person, Role},
    policy::Action,
    token::{self, DeadToken, PREFIX, Scope, Token},
};

use crate::{
    Services, audit::Change, error::ServiceError, evidence::plan_called, identity::random_token,
};

/// A token is noted as used at the most this often: a minute in microseconds.
const USE_NOTED_EVERY: i64 = 60 * 1_000_000;

/// What somebody wants a token to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What to call it.
    pub name: String,
    /// The most that it may do; the person's own role where absent.
    pub role: Option<Role>,
    /// What it is good for.
    pub scope: Scope,
    /// How many days it lives.
    pub days: u32,
}

/// A token that was just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeToken {
    /// The token.
    pub token: Token,
    /// What its holder sends; shown once and kept nowhere.
    pub secret: String,
}

impl Services {
    /// Makes a token that acts for whoever asks. One that was asked for by a token ends with that
    /// one at the latest.
    ///
    /// # Errors
    /// Where the actor is no person, or the token breaks a rule.
    pub async fn create_token(
        &self,
        actor: &Actor,
        new: NewToken,
    ) -> Result<MadeToken, ServiceError> {
        Action::ManageOwnTokens.allowed_to(&actor.who)?;
        let (own, _) = Self::person_of(actor)?;
        let person = self.read().await?.credentials_by_id(&own).await?.map(|known| known.person);
        let person = person.ok_or(ServiceError::Unauthenticated)?;
        self.make_token(actor, &person, new).await
    }

    /// Makes a token that acts for the person of that name: the way of the command line on the
    /// server's own machine.
    ///
    /// # Errors
    /// Where the actor is another, there is no such person, or the token breaks a rule.
    pub async fn create_token_for(
        &self,
        actor: &Actor,
        person: &str,
        new: NewToken,
    ) -> Result<MadeToken, ServiceError> {
        if actor.who != Who::CommandLine {
            return Err(ServiceError::Unauthenticated);
        }
        let known = self.read().await?.credentials_of(person).await?;
        let person = known
            .map(|known| known.person)
            .ok_or_else(|| ServiceError::NotFound(format!("person called {person}")))?;
        if person.disabled_at.is_some() {
            return Err(DeadToken::Disabled.into());
        }
        self.make_token(actor, &person, new).await
    }

    async fn make_token(
        &self,
        actor: &Actor,
        person: &Person,
        new: NewToken,
    ) -> Result<MadeToken, ServiceError> {
        // A token never makes a greater one than itself.
        let own = match &actor.who {
            Who::Person { role, .. } => person.role.min(*role),
            Who::Anonymous | Who::Reporter { .. } | Who::Runner | Who::CommandLine => person.role,
        };
        let role = new.role.unwrap_or(own);
        let name = token::check(&new.name, new.days, role, own).map_err(|error| {
            let field = match error {
                token::InvalidToken::Name => "name",
                token::InvalidToken::Days => "days",
                token::InvalidToken::Role { .. } => "role",
            };
            ServiceError::invalid(field, error.to_string())
        })?;
        self.check_scope(&new.scope).await?;
        let secret = format!("{PREFIX}{}", random_token()?);
        let wanted = self.now().plus(token::days(new.days));
        // Nor one that outlives it: a token that leaks for a day must not become one for a year.
        let expires_at = match &actor.token {
            Some(own) => {
                let own = self.read().await?.token(own).await?;
                own.map_or(wanted, |own| wanted.min(own.expires_at))
            }
            None => wanted,
        };
        let token = Token {
            id: TokenId::generate(self.ids()),
            person: person.id.clone(),
            person_name: person.name.clone(),
            name,
            role,
            scope: new.scope,
            created_at: self.now(),
            expires_at,
            last_used_at: None,
            revoked_at: None,
        };
        let mut tx = self.begin().await?;
        tx.insert_token(&token, &Digest::of(&secret)).await.map_err(|error| {
            if error.is_conflict() {
                let message = format!(
                    "{} has a token called \"{}\" already: revoke that one, or choose another name",
                    token.person_name, token.name
                );
                ServiceError::invalid("name", message)
            } else {
                error.into()
            }
        })?;
        self.record(&mut tx, actor, Change::TokenMade { token: &token }).await?;
        self.commit(tx, &format!("token/{}", token.id)).await?;
        Ok(MadeToken { token, secret })
    }

    /// Who asks with that secret: its person with the lesser of the two roles, or a reporter.
    ///
    /// # Errors
    /// [`ServiceError::Token`] where it is good for nothing.
    pub async fn present_token(&self, secret: &str) -> Result<(Who, TokenId), ServiceError> {
        let presented = self.read().await?.token_by_secret(&Digest::of(secret)).await?;
        let presented = presented.ok_or(DeadToken::Unknown)?;
        let token = presented.token;
        token.alive(self.now(), presented.person_disabled_at.is_some())?;
        if token.last_used_at.is_none_or(|last| self.now().0 - last.0 >= USE_NOTED_EVERY) {
            // Reading must go on where nothing can be written.
            if let Err(error) = self.note_use(&token.id).await {
                tracing::warn!(token = %token.id, %error, "the use of a token was not noted");
            }
        }
        let (id, name) = (token.person, token.person_name);
        let who = match token.scope {
            Scope::All => Who::Person { id, name, role: token.role.min(presented.person_role) },
            Scope::Results { plan, machine } => Who::Reporter { id, name, plan, machine },
        };
        Ok((who, token.id))
    }

    async fn note_use(&self, id: &TokenId) -> Result<(), ServiceError> {
        let mut tx = self.begin().await?;
        tx.set_token_used(id, self.now()).await?;
        Ok(tx.commit().await?)
    }

    /// Whether a token is still good for something: for what outlives the request that it came in.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn token_is_alive(&self, id: &TokenId) -> Result<bool, ServiceError> {
        let mut rows = self.read().await?;
        let Some(token) = rows.token(id).await? else { return Ok(false) };
        let known = rows.credentials_by_id(&token.person).await?;
        let disabled = known.is_none_or(|known| known.person.disabled_at.is_some());
        Ok(token.alive(self.now(), disabled).is_ok())
    }

    /// The tokens of whoever asks, newest first; of everybody where `all` and the actor manages
    /// people.
    ///
    /// # Errors
    /// Where the actor may not.
    pub async fn tokens(&self, actor: &Actor, all: bool) -> Result<Vec<Token>, ServiceError> {
        Action::ManageOwnTokens.allowed_to(&actor.who)?;
        if all {
            Action::ManagePeople.allowed_to(&actor.who)?;
            return Ok(self.read().await?.tokens(None).await?);
        }
        let (own, _) = Self::person_of(actor)?;
        Ok(self.read().await?.tokens(Some(&own)).await?)
    }

    /// One token: one's own, or anybody's for whoever manages people.
    ///
    /// # Errors
    /// Where there is none that the actor may see.
    pub async fn token(&self, actor: &Actor, id: &TokenId) -> Result<Token, ServiceError> {
        Action::ManageOwnTokens.allowed_to(&actor.who)?;
        let token = self.read().await?.token(id).await?;
        token.filter(|token| may_see(actor, token)).ok_or_else(|| no_token(id))
    }

    /// Takes a token back, from now on and for good.
    ///
    /// # Errors
    /// Where there is none that the actor may see, or it was revoked already.
    pub async fn revoke_token(&self, actor: &Actor, id: &TokenId) -> Result<(), ServiceError> {
        Action::ManageOwnTokens.allowed_to(&actor.who)?;
        let mut tx = self.begin().await?;
        let token = tx.token(id).await?.filter(|token| may_see(actor, token));
        let token = token.ok_or_else(|| no_token(id))?;
        if token.revoked_at.is_some() {
            return Err(ServiceError::Conflict("the token was revoked already".to_owned()));
        }
        tx.revoke_token(id, self.now()).await?;
        self.record(&mut tx, actor, Change::TokenRevoked { token: &token }).await?;
        self.commit(tx, &format!("token/{id}")).await
    }

    async fn check_scope(&self, scope: &Scope) -> Result<(), ServiceError> {
        let Scope::Results { plan, machine } = scope else { return Ok(()) };
        if plan_called(&mut self.read().await?, plan).await?.is_none() {
            let message = format!("there is no plan called \"{plan}\"");
            return Err(ServiceError::invalid("plan", message));
        }
        // Machines are known by the names under which their results come.
        domain::person::check_name(machine)
            .map_err(|_| ServiceError::invalid("machine", "name the machine, such as \"qemu\""))
    }
}

/// Tokens of others are for whoever manages people.
fn may_see(actor: &Actor, token: &Token) -> bool {
    actor.person() == Some(&token.person) || Action::ManagePeople.allowed_to(&actor.who).is_ok()
}

fn no_token(id: &TokenId) -> ServiceError {
    ServiceError::NotFound(format!("token {id} of yours"))
}
