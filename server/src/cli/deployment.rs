//! `bootwright deployment …`

use clap::{Args, Subcommand};
use domain::deployment::{DeploymentState, Verdict};

use super::{
    Cli, Connection,
    client::{encode, query},
    error::CliError,
    output::or_dash,
};
use crate::api::{
    approvals::NewApproval,
    deployments::{Deployment, DeploymentDetails, NewDeployment},
};

/// Options of `bootwright deployment`.
#[derive(Debug, Args)]
pub struct DeploymentArgs {
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(subcommand)]
    pub(super) command: DeploymentCommand,
}

/// What can be done with deployments.
#[derive(Debug, Subcommand)]
pub(super) enum DeploymentCommand {
    /// List deployments, the newest request first.
    List {
        /// Only those that stand so: requested, approved, deployed, refused, withdrawn, lapsed,
        /// failed.
        #[arg(long)]
        state: Option<DeploymentState>,
        /// Only those of this environment.
        #[arg(long, value_name = "NAME")]
        environment: Option<String>,
        /// Only those of this release.
        #[arg(long, value_name = "NAME")]
        release: Option<String>,
    },
    /// Show a deployment with what decides about it, and what you may do with it.
    Show {
        /// Id of the deployment.
        id: String,
    },
    /// Ask that an environment serve a release; prints the id of the request.
    Request {
        /// Name of the environment.
        environment: String,
        /// Name of the release.
        release: String,
        /// Why; it stands in the audit log.
        #[arg(long)]
        reason: String,
    },
    /// Approve a request, on the evidence as it is now.
    Approve {
        /// Id of the deployment.
        id: String,
        /// What you have to say.
        #[arg(long, default_value = "")]
        comment: String,
    },
    /// Refuse a request.
    Refuse {
        /// Id of the deployment.
        id: String,
        /// Why; it stands in the audit log.
        #[arg(long)]
        reason: String,
    },
    /// Take a request back.
    Withdraw {
        /// Id of the deployment.
        id: String,
    },
    /// Execute a request that has its approvals: machines boot the release from then on.
    Deploy {
        /// Id of the deployment.
        id: String,
    },
}

pub(super) fn run(cli: &Cli, command: &DeploymentCommand) -> Result<(), CliError> {
    match command {
        DeploymentCommand::List { state, environment, release } => {
            let filters = [
                ("state", state.map(DeploymentState::word)),
                ("environment", environment.as_deref()),
                ("release", release.as_deref()),
            ];
            let all: Vec<Deployment> =
                cli.client.all(&format!("/deployments{}", query(&filters)))?;
            let headings = ["id", "environment", "release", "from", "state", "requested", "by"];
            cli.output.list(&all, &headings, |it| {
                vec![
                    it.id.clone(),
                    it.environment.clone(),
                    it.release.clone(),
                    or_dash(it.from.as_deref()),
                    it.state.to_string(),
                    it.requested_at.clone(),
                    it.requester.clone(),
                ]
            })
        }
        DeploymentCommand::Show { id } => shown(cli, &details(cli, id)?),
        DeploymentCommand::Request { environment, release, reason } => {
            let new = NewDeployment {
                environment: environment.clone(),
                release: release.clone(),
                reason: reason.clone(),
            };
            let asked: Deployment = cli.client.post("/deployments", &new)?;
            cli.output.said(&asked, &asked.id)
        }
        DeploymentCommand::Approve { id, comment } => judge(cli, id, Verdict::Approved, comment),
        DeploymentCommand::Refuse { id, reason } => judge(cli, id, Verdict::Refused, reason),
        DeploymentCommand::Withdraw { id } => {
            let done: Deployment =
                cli.client.act(&format!("/deployments/{}/withdraw", encode(id)))?;
            cli.output.said(&done, &format!("request {id} is {}", done.state))
        }
        DeploymentCommand::Deploy { id } => {
            let done: Deployment =
                cli.client.act(&format!("/deployments/{}/deploy", encode(id)))?;
            cli.output.said(&done, &format!("{} serves {}", done.environment, done.release))
        }
    }
}

fn details(cli: &Cli, id: &str) -> Result<DeploymentDetails, CliError> {
    cli.client.get(&format!("/deployments/{}", encode(id)))
}

/// A verdict names the evidence that there was when the command began, so that newer evidence is
/// never approved unseen.
fn judge(cli: &Cli, id: &str, verdict: Verdict, comment: &str) -> Result<(), CliError> {
    let seen = details(cli, id)?;
    let new = NewApproval {
        deployment: id.into(),
        verdict,
        evidence: Some(seen.evidence_now),
        comment: comment.to_owned(),
    };
    let judged: Deployment = cli.client.post("/approvals", &new)?;
    let said = format!(
        "you have {} {} for {}; the request is {}",
        verdict.word(),
        judged.release,
        judged.environment,
        judged.state
    );
    cli.output.said(&judged, &said)
}

fn shown(cli: &Cli, it: &DeploymentDetails) -> Result<(), CliError> {
    let deployment = &it.deployment;
    let approvals: Vec<String> = deployment
        .approvals
        .iter()
        .map(|said| format!("{} by {} {}", said.verdict.word(), said.approver, said.comment))
        .collect();
    let choices = &it.choices;
    let may: Vec<&str> = [
        ("approve", &choices.approve),
        ("refuse", &choices.refuse),
        ("withdraw", &choices.withdraw),
        ("deploy", &choices.deploy),
    ]
    .into_iter()
    .filter(|(_, choice)| choice.allowed)
    .map(|(name, _)| name)
    .collect();
    cli.output.thing(
        it,
        &[
            ("Deployment", deployment.id.clone()),
            ("Environment", deployment.environment.clone()),
            ("Release", deployment.release.clone()),
            ("From", deployment.from.clone().unwrap_or_default()),
            ("State", deployment.state.to_string()),
            ("Reason", deployment.reason.clone()),
            ("Requested", format!("{} by {}", deployment.requested_at, deployment.requester)),
            ("Approvals", format!("{} of {}", it.counted, it.demanded)),
            ("Said", approvals.join("; ")),
            ("Ended", deployment.ended_at.clone().unwrap_or_default()),
            ("Outcome", deployment.outcome.clone().unwrap_or_default()),
            ("You may", may.join(", ")),
        ],
    )
}
