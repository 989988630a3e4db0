//! `bootwright token …`

use clap::{Args, Subcommand};
use domain::{person::Role, token::Scope};

use super::{Cli, Connection, client::encode, error::CliError, output::or_dash};
use crate::api::tokens::{Oneself, Token, TokenWithSecret, WantedToken};

/// Options of `bootwright token`.
#[derive(Debug, Args)]
pub struct TokenArgs {
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(subcommand)]
    pub(super) command: TokenCommand,
}

/// What bounds a token that is made.
#[derive(Debug, Clone, Args)]
pub struct TokenLimits {
    /// The most that it may do; the person's own role unless said otherwise.
    #[arg(long)]
    pub role: Option<Role>,
    /// Days until it expires, 1 to 366.
    #[arg(long, default_value_t = 90)]
    pub days: u32,
    /// Only results of this plan.
    #[arg(long, requires = "machine")]
    plan: Option<String>,
    /// Only results of this machine.
    #[arg(long, requires = "plan")]
    machine: Option<String>,
}

impl TokenLimits {
    /// What it is good for.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match (self.plan.clone(), self.machine.clone()) {
            (Some(plan), Some(machine)) => Scope::Results { plan, machine },
            (None, _) | (_, None) => Scope::All,
        }
    }
}

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// List your tokens, newest first.
    List {
        /// Everybody's; for whoever manages people.
        #[arg(long)]
        all: bool,
    },
    /// Say who you are, and what you may do now.
    Show,
    /// Make a token that acts for you; its secret is the last line, and shown once.
    Create {
        /// What to call it, such as "lab CI".
        name: String,
        #[command(flatten)]
        limits: TokenLimits,
    },
    /// Revoke a token: it is refused from now on.
    Revoke {
        /// Id of the token.
        id: String,
    },
}

pub(super) fn run(cli: &Cli, command: &TokenCommand) -> Result<(), CliError> {
    match command {
        TokenCommand::List { all } => {
            let tokens: Vec<Token> =
                cli.client.all(if *all { "/tokens?all=true" } else { "/tokens" })?;
            let headings = ["id", "person", "name", "may", "expires", "last used", "revoked"];
            cli.output.list(&tokens, &headings, |it| {
                vec![
                    it.id.clone(),
                    it.person.clone(),
                    it.name.clone(),
                    may(it),
                    it.expires_at.clone(),
                    or_dash(it.last_used_at.as_deref()),
                    or_dash(it.revoked_at.as_deref()),
                ]
            })
        }
        TokenCommand::Show => {
            let me: Oneself = cli.client.get("/tokens/current")?;
            let role = me.role.map(|role| role.to_string()).unwrap_or_default();
            let scope = me.scope.phrase();
            let properties = [
                ("Person", me.person.clone()),
                ("Role", role),
                ("Scope", scope),
                ("Token", me.token.clone()),
            ];
            cli.output.thing(&me, &properties)
        }
        TokenCommand::Create { name, limits } => {
            let (role, scope, days) = (limits.role, limits.scope(), limits.days);
            let new = WantedToken { name: name.clone(), role, scope, days };
            let made: TokenWithSecret = cli.client.post("/tokens", &new)?;
            cli.output.said(&made, made.secret.as_deref().unwrap_or_default())
        }
        TokenCommand::Revoke { id } => {
            cli.client.delete(&format!("/tokens/{}", encode(id)))?;
            cli.output
                .said(&serde_json::json!({ "revoked": id }), &format!("token {id} is revoked"))
        }
    }
}

fn may(token: &Token) -> String {
    match &token.scope {
        Scope::All => token.role.to_string(),
        scope @ Scope::Results { .. } => scope.phrase(),
    }
}
