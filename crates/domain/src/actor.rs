//! Who asks for something: every use case takes an [`Actor`].

use std::net::IpAddr;

use crate::{ids::PersonId, person::Role};

/// Who asks, from where, in which request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The person or the part of the program.
    pub who: Who,
    /// Where the request came from; `None` for the program itself and its command line.
    pub address: Option<IpAddr>,
    /// Ties log lines, error pages and audit rows of one request together.
    pub request: String,
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
    /// The runner that builds and validates.
    Runner,
    /// Whoever may start commands on the server's own machine.
    CommandLine,
}

impl Actor {
    /// Nobody, from nowhere.
    #[must_use]
    pub const fn anonymous() -> Self {
        Self { who: Who::Anonymous, address: None, request: String::new() }
    }

    /// The runner, working on a job.
    #[must_use]
    pub fn runner(job: &str) -> Self {
        Self { who: Who::Runner, address: None, request: format!("job {job}") }
    }

    /// The command line on the server's own machine.
    #[must_use]
    pub fn command_line() -> Self {
        Self { who: Who::CommandLine, address: None, request: "command line".to_owned() }
    }

    /// The name that audit rows and pages show.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.who {
            Who::Anonymous => "anonymous",
            Who::Person { name, .. } => name,
            Who::Runner => "runner",
            Who::CommandLine => "command line",
        }
    }

    /// The person's id, where a person asks.
    #[must_use]
    pub const fn person(&self) -> Option<&PersonId> {
        match &self.who {
            Who::Person { id, .. } => Some(id),
            Who::Anonymous | Who::Runner | Who::CommandLine => None,
        }
    }
}
