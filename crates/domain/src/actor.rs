//! Who asks for something: every use case takes an [`Actor`].

use std::net::IpAddr;

use crate::{
    ids::{PersonId, TokenId},
    person::Role,
};

/// Who asks, from where, in which request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The person or the part of the program.
    pub who: Who,
    /// Where the request came from; `None` for the program itself and its command line.
    pub address: Option<IpAddr>,
    /// Ties log lines, error pages and audit rows of one request together.
    pub request: String,
    /// The bearer token by which the request came in.
    pub token: Option<TokenId>,
}

/// A person or a part of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Nobody has signed in.
    Anonymous,
    /// A person, with the role read from the store for this very request.
    Person {
        /// Whose account.
        id: PersonId,
        /// The sign-in name.
        name: String,
        /// The present role.
        role: Role,
    },
    /// A person's token that records results of one plan on one machine, and does nothing else.
    Reporter {
        /// For whom it acts.
        id: PersonId,
        /// That person's sign-in name.
        name: String,
        /// Name of the plan.
        plan: String,
        /// Name of the machine.
        machine: String,
    },
    /// The runner that builds and validates.
    Runner,
    /// Whoever may start commands on the server's own machine.
    CommandLine,
}

impl Actor {
    /// Nobody, from nowhere.
    #[must_use]
    pub const fn anonymous() -> Self {
        Self { who: Who::Anonymous, address: None, request: String::new(), token: None }
    }

    /// The runner, working on a job.
    #[must_use]
    pub fn runner(job: &str) -> Self {
        Self { who: Who::Runner, request: format!("job {job}"), ..Self::anonymous() }
    }

    /// The command line on the server's own machine.
    #[must_use]
    pub fn command_line() -> Self {
        Self { who: Who::CommandLine, request: "command line".to_owned(), ..Self::anonymous() }
    }

    /// The name that audit rows and pages show.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.who {
            Who::Anonymous => "anonymous",
            Who::Person { name, .. } | Who::Reporter { name, .. } => name,
            Who::Runner => "runner",
            Who::CommandLine => "command line",
        }
    }

    /// The person's id, where a person asks.
    #[must_use]
    pub const fn person(&self) -> Option<&PersonId> {
        match &self.who {
            Who::Person { id, .. } | Who::Reporter { id, .. } => Some(id),
            Who::Anonymous | Who::Runner | Who::CommandLine => None,
        }
    }
}
