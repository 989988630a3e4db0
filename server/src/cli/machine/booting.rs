//! What a machine boots, always or once, and who has it.

use clap::Args;
use domain::machine::BootTarget;

use super::{Named, PassingArgs, said};
use crate::{
    api::machines::{
        booting::{NewBootOnce, NewMachineLock},
        shown::Machine,
    },
    cli::{Cli, error::CliError},
};

/// Something that a machine can boot.
#[derive(Debug, Args)]
struct TargetArgs {
    /// Of what kind it is.
    #[arg(value_parser = ["environment", "release", "variant"], requires = "target")]
    kind: Option<String>,
    /// Its name.
    target: Option<String>,
}

/// What a machine boots from now on.
#[derive(Debug, Args)]
pub(in crate::cli) struct AssignArgs {
    #[command(flatten)]
    which: Named,
    #[command(flatten)]
    target: TargetArgs,
    /// Nothing of its own: what the rules say.
    #[arg(long, required_unless_present = "kind", conflicts_with = "kind")]
    rules: bool,
}

/// What a machine boots once.
#[derive(Debug, Args)]
pub(in crate::cli) struct OnceArgs {
    #[command(flatten)]
    which: Named,
    #[command(flatten)]
    target: TargetArgs,
    /// Label of the boot entry; the menu's own default unless said otherwise.
    #[arg(long, value_name = "LABEL", requires = "kind")]
    entry: Option<String>,
    /// Nothing: take the order back.
    #[arg(long, required_unless_present = "kind", conflicts_with = "kind")]
    take_back: bool,
}

/// A hold on a machine.
#[derive(Debug, Args)]
pub(in crate::cli) struct LockArgs {
    /// Name of the machine.
    name: String,
    /// What for, on one line.
    #[arg(long)]
    purpose: String,
    /// How many hours it holds from now.
    #[arg(long, default_value_t = 8)]
    hours: u32,
    #[command(flatten)]
    passing: PassingArgs,
}

impl TargetArgs {
    fn named(&self) -> Result<Option<BootTarget>, CliError> {
        let Some((kind, name)) = self.kind.as_ref().zip(self.target.as_ref()) else {
            return Ok(None);
        };
        let target = BootTarget::new(kind, name);
        target.map(Some).map_err(|error| CliError::Usage(error.to_string()))
    }
}

pub(super) fn assign(cli: &Cli, args: &AssignArgs) -> Result<(), CliError> {
    let path = args.which.address("/target");
    let it: Machine = match args.target.named()? {
        Some(target) => cli.client.set(&path, &target)?,
        None => cli.client.take_off(&path)?,
    };
    said(cli, &it, &format!("boots {}", it.boots.target))
}

pub(super) fn once(cli: &Cli, args: &OnceArgs) -> Result<(), CliError> {
    let path = args.which.address("/once");
    match args.target.named()? {
        Some(target) => {
            let words = format!("boots {target} next");
            let new = NewBootOnce { target, entry: args.entry.clone() };
            said(cli, &cli.client.set(&path, &new)?, &words)
        }
        None => {
            let it: Machine = cli.client.take_off(&path)?;
            said(cli, &it, &format!("boots {}", it.boots.target))
        }
    }
}

pub(super) fn lock(cli: &Cli, args: &LockArgs) -> Result<(), CliError> {
    let new = NewMachineLock { purpose: args.purpose.clone(), hours: args.hours };
    let it: Machine = cli.client.set(&args.passing.address(&args.name, "/lock"), &new)?;
    let until = it.lock.as_ref().map_or("", |lock| lock.until.as_str());
    said(cli, &it, &format!("is yours until {until}"))
}
