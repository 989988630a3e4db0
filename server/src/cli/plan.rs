//! `bootwright plan …`

use clap::{Args, Subcommand};
use domain::plan::{PlanDefinition, PlannedSuite, SMOKE};

use super::{
    Cli, Connection,
    client::{Versioned, encode},
    error::CliError,
    output::or_dash,
};
use crate::api::plans::{NewPlan, NewPlanDefinition, Plan, PlanDetails};

/// Options of `bootwright plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(subcommand)]
    pub(super) command: PlanCommand,
}

/// What a plan asks for.
#[derive(Debug, Args)]
pub(super) struct PlanOptions {
    /// What it is for, in a sentence.
    #[arg(long, default_value = "")]
    description: String,
    /// A machine; say it for each. The runner has "qemu".
    #[arg(long, value_name = "NAME", default_values_t = [SMOKE.machine.to_owned()])]
    machine: Vec<String>,
    /// A suite; say it for each. "smoke" is built in.
    #[arg(long, value_name = "NAME", required = true)]
    suite: Vec<String>,
    /// The approved set of a suite: ids of cases that must have passed. Say it for each suite that
    /// has one.
    #[arg(long, value_name = "SUITE=CASE,CASE")]
    approved: Vec<String>,
    /// A boot entry by its label; every entry where none is named.
    #[arg(long, value_name = "LABEL")]
    entry: Vec<String>,
    /// How often a run that did not pass is tried again.
    #[arg(long, default_value_t = 0, value_name = "TIMES")]
    retries: u32,
}

/// What can be done with plans.
#[derive(Debug, Subcommand)]
pub(super) enum PlanCommand {
    /// List plans by name; the built-in one first.
    List,
    /// Show a plan.
    Show {
        /// Name of the plan.
        name: String,
    },
    /// Add a plan.
    Add {
        /// What to call it.
        name: String,
        #[command(flatten)]
        options: PlanOptions,
    },
    /// Say anew what a plan asks for; what is not named is not kept.
    Change {
        /// Name of the plan.
        name: String,
        #[command(flatten)]
        options: PlanOptions,
    },
    /// List the revisions of a plan, newest first.
    Revisions {
        /// Name of the plan.
        name: String,
    },
    /// Remove a plan that no environment demands.
    Delete {
        /// Name of the plan.
        name: String,
    },
}

impl PlanOptions {
    fn definition(&self) -> Result<PlanDefinition, CliError> {
        let mut suites: Vec<PlannedSuite> = self
            .suite
            .iter()
            .map(|name| PlannedSuite {
                suite: name.clone(),
                revision: 0,
                each_entry: false,
                approved: Vec::new(),
            })
            .collect();
        for set in &self.approved {
            let (name, cases) = set.split_once('=').ok_or_else(|| {
                CliError::Usage(format!("--approved {set}: write SUITE=CASE,CASE"))
            })?;
            let suite = suites.iter_mut().find(|it| it.suite == name).ok_or_else(|| {
                CliError::Usage(format!("--approved {set}: say --suite {name} as well"))
            })?;
            let cases = cases.split(',').map(str::trim).filter(|it| !it.is_empty());
            suite.approved.extend(cases.map(str::to_owned));
        }
        Ok(PlanDefinition {
            description: self.description.clone(),
            entries: self.entry.clone(),
            machines: self.machine.clone(),
            suites,
            retries: self.retries,
        })
    }
}

pub(super) fn run(cli: &Cli, command: &PlanCommand) -> Result<(), CliError> {
    match command {
        PlanCommand::List => list(cli, &cli.client.all("/plans")?),
        PlanCommand::Revisions { name } => {
            list(cli, &cli.client.all(&format!("{}/revisions", address(name)))?)
        }
        PlanCommand::Show { name } => show(cli, &cli.client.get(&address(name))?),
        PlanCommand::Add { name, options } => {
            let new = NewPlan { name: name.clone(), definition: options.definition()? };
            said(cli, &cli.client.post("/plans", &new)?, "is added")
        }
        PlanCommand::Change { name, options } => {
            let Versioned { etag, .. } = cli.client.versioned::<PlanDetails>(&address(name))?;
            let new = NewPlanDefinition { definition: options.definition()? };
            said(cli, &cli.client.put(&address(name), &etag, &new)?, "is saved")
        }
        PlanCommand::Delete { name } => {
            cli.client.delete(&address(name))?;
            cli.output.said(&serde_json::json!({ "removed": name }), &format!("{name} is removed"))
        }
    }
}

fn address(name: &str) -> String {
    format!("/plans/{}", encode(name))
}

fn list(cli: &Cli, plans: &[Plan]) -> Result<(), CliError> {
    let headings = ["name", "revision", "machines", "suites", "entries", "retries", "saved by"];
    cli.output.list(plans, &headings, |it| {
        let PlanDefinition { entries, machines, suites, retries, .. } = &it.definition;
        vec![
            it.name.clone(),
            it.revision.to_string(),
            machines.join(","),
            suites.iter().map(|it| it.suite.as_str()).collect::<Vec<_>>().join(","),
            if entries.is_empty() { "all".to_owned() } else { entries.join(",") },
            retries.to_string(),
            or_dash(Some(it.saved_by.as_str()).filter(|it| !it.is_empty())),
        ]
    })
}

fn show(cli: &Cli, it: &PlanDetails) -> Result<(), CliError> {
    let PlanDefinition { description, entries, machines, suites, retries } = &it.plan.definition;
    let suite = |it: &PlannedSuite| {
        let approved = if it.approved.is_empty() {
            String::new()
        } else {
            format!(" ({})", it.approved.join(", "))
        };
        format!("{} r{}{approved}", it.suite, it.revision)
    };
    let entries = if entries.is_empty() { "all".to_owned() } else { entries.join(", ") };
    cli.output.thing(
        it,
        &[
            ("Plan", format!("{} r{}", it.plan.name, it.plan.revision)),
            ("For", description.clone()),
            ("Machines", machines.join(", ")),
            ("Entries", entries),
            ("Suites", suites.iter().map(suite).collect::<Vec<_>>().join(", ")),
            ("Retries", retries.to_string()),
            ("Demanded by", it.demanded_by.join(", ")),
        ],
    )
}

fn said(cli: &Cli, it: &PlanDetails, what: &str) -> Result<(), CliError> {
    cli.output.said(it, &format!("plan {} r{} {what}", it.plan.name, it.plan.revision))
}
