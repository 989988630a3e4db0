//! `bootwright environment …`

use clap::{Args, Subcommand};
use domain::{environment::Policy, slot::Slot};

use super::{Cli, Connection, client::encode, error::CliError, output::or_dash};
use crate::api::{
    deployments::Deployment,
    environments::{Environment, NewRollback, SlotFilling},
};

/// Options of `bootwright environment`.
#[derive(Debug, Args)]
pub struct EnvironmentArgs {
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(subcommand)]
    pub(super) command: EnvironmentCommand,
}

/// What can be done with environments.
#[derive(Debug, Subcommand)]
pub(super) enum EnvironmentCommand {
    /// List environments by name.
    List,
    /// Show an environment and what it demands.
    Show {
        /// Name of the environment.
        name: String,
    },
    /// Put an environment back on a release that it has served before, at once.
    Rollback {
        /// Name of the environment.
        name: String,
        /// Name of the release.
        release: String,
        /// Why; it stands in the audit log.
        #[arg(long)]
        reason: String,
    },
    /// Let a variant fill a slot of an environment, whatever filled it before.
    FillSlot {
        /// Name of the environment: only development has slots.
        name: String,
        /// The alias that the slot stands for: vmlinuz-dev or xen-dev.
        slot: Slot,
        /// Name of a variant that can be booted.
        variant: String,
    },
    /// Empty a slot of an environment: its menu is what its release says.
    EmptySlot {
        /// Name of the environment.
        name: String,
        /// The alias that the slot stands for.
        slot: Slot,
    },
    /// Change what an environment demands; what is not named stays.
    Policy {
        /// Name of the environment.
        name: String,
        /// How many distinct people must approve.
        #[arg(long, value_name = "NUMBER")]
        approvals: Option<u32>,
        /// Plans that must have passed; an empty one for none.
        #[arg(long, value_name = "NAME", value_delimiter = ',')]
        plans: Option<Vec<String>>,
        /// Whether people may approve what they asked for themselves.
        #[arg(long, value_name = "BOOL")]
        self_approval: Option<bool>,
    },
}

pub(super) fn run(cli: &Cli, command: &EnvironmentCommand) -> Result<(), CliError> {
    match command {
        EnvironmentCommand::List => {
            let all: Vec<Environment> = cli.client.all("/environments")?;
            cli.output.list(&all, &["name", "release", "since", "demands"], |it| {
                vec![
                    it.name.clone(),
                    or_dash(it.release.as_deref()),
                    or_dash(it.since.as_deref()),
                    demands(&it.policy),
                ]
            })
        }
        EnvironmentCommand::Show { name } => {
            let it: Environment = cli.client.get(&format!("/environments/{}", encode(name)))?;
            shown(cli, &it)
        }
        EnvironmentCommand::Rollback { name, release, reason } => {
            let new = NewRollback { release: release.clone(), reason: reason.clone() };
            let path = format!("/environments/{}/rollback", encode(name));
            let done: Deployment = cli.client.post(&path, &new)?;
            cli.output.said(&done, &format!("{} serves {}", done.environment, done.release))
        }
        EnvironmentCommand::FillSlot { name, slot, variant } => {
            let filling = SlotFilling { variant: variant.clone() };
            let done: Environment = cli.client.set(&slot_path(name, *slot), &filling)?;
            cli.output.said(&done, &format!("{variant} fills {slot} of {name}"))
        }
        EnvironmentCommand::EmptySlot { name, slot } => {
            let done: Environment = cli.client.take_off(&slot_path(name, *slot))?;
            cli.output.said(&done, &format!("{slot} of {name} is empty"))
        }
        EnvironmentCommand::Policy { name, approvals, plans, self_approval } => {
            let path = format!("/environments/{}", encode(name));
            let seen = cli.client.versioned::<Environment>(&path)?;
            let Policy { plans: old, approvals: former, self_approval: own } = seen.value.policy;
            let named =
                |plans: &Vec<String>| plans.iter().filter(|it| !it.is_empty()).cloned().collect();
            let policy = Policy {
                plans: plans.as_ref().map_or(old, named),
                approvals: approvals.unwrap_or(former),
                self_approval: self_approval.unwrap_or(own),
            };
            let done: Environment =
                cli.client.put(&format!("{path}/policy"), &seen.etag, &policy)?;
            shown(cli, &done)
        }
    }
}

fn slot_path(environment: &str, slot: Slot) -> String {
    format!("/environments/{}/slots/{slot}", encode(environment))
}

fn demands(policy: &Policy) -> String {
    let plans = if policy.plans.is_empty() { "no plan".to_owned() } else { policy.plans.join(",") };
    let own = if policy.self_approval { ", own requests too" } else { "" };
    format!("{plans}, {} approval(s){own}", policy.approvals)
}

fn shown(cli: &Cli, it: &Environment) -> Result<(), CliError> {
    let slots: Vec<_> = it.slots.iter().map(|it| format!("{}: {}", it.slot, it.variant)).collect();
    cli.output.thing(
        it,
        &[
            ("Environment", it.name.clone()),
            ("Serves", or_dash(it.release.as_deref())),
            ("Since", it.since.clone().unwrap_or_default()),
            ("Demands", demands(&it.policy)),
            ("Slots", slots.join(", ")),
        ],
    )
}
