//! `bootwright machine …`
//!
//! [`booting`] says what one boots and who has it, [`rules`] what those of a label boot and what strangers get,
//! [`table`] takes and gives all of them at once, and [`shown`] is how one looks.

mod booting;
mod rules;
mod shown;
mod table;

use clap::{Args, Subcommand};
use domain::machine::{Architecture, BootTarget, Labels, Mac, MachineState};

use self::{
    booting::{AssignArgs, LockArgs, OnceArgs},
    rules::{RulesCommand, UnregisteredCommand},
    table::{ExportArgs, ImportArgs},
};
use super::{
    Cli, Connection,
    client::{Versioned, encode, query},
    error::CliError,
};
use crate::api::machines::{ChangedMachine, MachineMerge, NewMachine, shown::Machine};

/// Options of `bootwright machine`.
#[derive(Debug, Args)]
pub struct MachineArgs {
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(subcommand)]
    pub(super) command: MachineCommand,
}

/// Which machine.
#[derive(Debug, Args)]
pub(super) struct Named {
    /// Name of the machine.
    name: String,
    #[command(flatten)]
    passing: PassingArgs,
}

/// Why another person's lock is passed.
#[derive(Debug, Args)]
pub(super) struct PassingArgs {
    /// Why the lock of another person does not hold: administrators alone may say so; it stands in the
    /// audit log.
    #[arg(long)]
    reason: Option<String>,
}

impl Named {
    /// The address of something of it, or of itself.
    fn address(&self, what: &str) -> String {
        self.passing.address(&self.name, what)
    }
}

impl PassingArgs {
    fn address(&self, name: &str, what: &str) -> String {
        format!("{}{what}{}", address(name), query(&[("reason", self.reason.as_deref())]))
    }
}

/// What is said of a machine.
#[derive(Debug, Args)]
pub(super) struct ProfileArgs {
    /// Its UUID; an empty one where it has none of its own.
    #[arg(long)]
    uuid: Option<String>,
    /// Its serial number; an empty one where it has none of its own.
    #[arg(long, value_name = "NUMBER")]
    serial: Option<String>,
    /// What its processor runs: amd64 or arm64.
    #[arg(long)]
    architecture: Option<Architecture>,
    /// By which rules find it, all of them, such as `rack=3 role=build`; empty for none.
    #[arg(long)]
    labels: Option<Labels>,
    /// Where it stands.
    #[arg(long)]
    location: Option<String>,
    /// Whatever else people should know.
    #[arg(long)]
    note: Option<String>,
}

/// What is said of a machine that is known; what is not named stays.
#[derive(Debug, Args)]
pub(super) struct ChangeArgs {
    /// What to call it from now on.
    #[arg(long = "name", value_name = "NAME")]
    new_name: Option<String>,
    /// The address of a network card, of all that it has; say it for each.
    #[arg(long = "mac", value_name = "MAC")]
    macs: Option<Vec<Mac>>,
    #[command(flatten)]
    profile: ProfileArgs,
}

/// What can be done with machines.
#[derive(Debug, Subcommand)]
pub(super) enum MachineCommand {
    /// List machines by name.
    List {
        /// Only those that have this in their name, MAC addresses, UUID, serial number or location.
        #[arg(long)]
        words: Option<String>,
        /// Only those with this label, such as rack=3.
        #[arg(long, value_name = "KEY=VALUE")]
        label: Option<String>,
        /// Only those that came to be known so: pending, accepted.
        #[arg(long)]
        state: Option<MachineState>,
        /// Only those with this as a target of their own, such as `release v1.2.0`.
        #[arg(long)]
        target: Option<BootTarget>,
    },
    /// List accepted machines that run something else than they should.
    Drift,
    /// Show a machine, what it boots and why, who has it, and what it runs.
    Show {
        /// Name of the machine.
        name: String,
    },
    /// Register a machine.
    Add {
        /// What to call it.
        name: String,
        /// The address of a network card; say it for each.
        #[arg(long = "mac", value_name = "MAC", required = true)]
        macs: Vec<Mac>,
        #[command(flatten)]
        profile: Box<ProfileArgs>,
    },
    /// Change what is said of a machine; what is not named stays.
    Change {
        #[command(flatten)]
        which: Named,
        #[command(flatten)]
        change: Box<ChangeArgs>,
    },
    /// Accept a machine that was discovered, with what is said of it.
    Accept {
        /// The name by which it was discovered.
        name: String,
        #[command(flatten)]
        change: Box<ChangeArgs>,
    },
    /// Say that a machine that was discovered is a registered one, which gets its network cards.
    Merge {
        #[command(flatten)]
        which: Named,
        /// Name of the registered machine.
        into: String,
    },
    /// Remove a machine, or discard one that was discovered.
    #[command(alias = "delete")]
    Remove {
        #[command(flatten)]
        which: Named,
    },
    /// Give a machine something of its own to boot from now on, or take that away.
    Assign(AssignArgs),
    /// Let a machine boot something once, or take that back.
    Once(OnceArgs),
    /// Lock a machine for yourself, or give your lock another purpose and end.
    Lock(LockArgs),
    /// Release the lock of a machine.
    Unlock {
        #[command(flatten)]
        which: Named,
    },
    /// Take machines from a table: all of its lines or none.
    Import(ImportArgs),
    /// Give all machines as a table that can be taken again.
    Export(ExportArgs),
    /// What machines of certain labels boot.
    #[command(subcommand)]
    Rules(RulesCommand),
    /// What machines get that nobody has accepted.
    #[command(subcommand)]
    Unregistered(UnregisteredCommand),
}

impl ProfileArgs {
    fn over(&self, name: Option<&str>, macs: Option<&[Mac]>) -> ChangedMachine {
        ChangedMachine {
            name: name.map(ToOwned::to_owned),
            macs: macs.map(<[Mac]>::to_vec),
            uuid: self.uuid.clone(),
            serial: self.serial.clone(),
            architecture: self.architecture,
            labels: self.labels.clone().map(Into::into),
            location: self.location.clone(),
            note: self.note.clone(),
        }
    }
}

impl ChangeArgs {
    fn asked(&self) -> ChangedMachine {
        self.profile.over(self.new_name.as_deref(), self.macs.as_deref())
    }
}

pub(super) fn run(cli: &Cli, command: &MachineCommand) -> Result<(), CliError> {
    match command {
        MachineCommand::List { words, label, state, target } => {
            let target = target.as_ref().map(ToString::to_string);
            let filters = query(&[
                ("words", words.as_deref()),
                ("label", label.as_deref()),
                ("state", state.map(MachineState::word)),
                ("target", target.as_deref()),
            ]);
            shown::list(cli, &cli.client.all(&format!("/machines{filters}"))?)
        }
        MachineCommand::Drift => shown::list(cli, &cli.client.all("/machines/drift")?),
        MachineCommand::Show { name } => shown::one(cli, &cli.client.get(&address(name))?),
        MachineCommand::Add { name, macs, profile } => {
            let it: Machine = cli.client.post("/machines", &new(name, macs, profile))?;
            said(cli, &it, "is registered")
        }
        MachineCommand::Change { which, change } => {
            let Versioned { etag, .. } = cli.client.versioned::<Machine>(&address(&which.name))?;
            let it: Machine = cli.client.put(&which.address(""), &etag, &change.asked())?;
            said(cli, &it, &format!("r{} is saved", it.revision))
        }
        MachineCommand::Accept { name, change } => {
            let Versioned { etag, .. } = cli.client.versioned::<Machine>(&address(name))?;
            let path = format!("{}/accept", address(name));
            let it: Machine = cli.client.post_to(&path, &etag, &change.asked())?;
            said(cli, &it, &format!("is accepted: it boots {}", it.boots.target))
        }
        MachineCommand::Merge { which, into } => {
            let merge = MachineMerge { into: into.clone() };
            let it: Machine = cli.client.post(&which.address("/merge"), &merge)?;
            said(cli, &it, &format!("is what was discovered as {}", which.name))
        }
        MachineCommand::Remove { which } => {
            cli.client.delete(&which.address(""))?;
            let removed = serde_json::json!({ "removed": which.name });
            cli.output.said(&removed, &format!("{} is removed", which.name))
        }
        MachineCommand::Assign(args) => booting::assign(cli, args),
        MachineCommand::Once(args) => booting::once(cli, args),
        MachineCommand::Lock(args) => booting::lock(cli, args),
        MachineCommand::Unlock { which } => {
            let it: Machine = cli.client.take_off(&which.address("/lock"))?;
            said(cli, &it, "is locked by nobody")
        }
        MachineCommand::Import(args) => table::import(cli, args),
        MachineCommand::Export(args) => table::export(cli, args),
        MachineCommand::Rules(command) => rules::run(cli, command),
        MachineCommand::Unregistered(command) => rules::unregistered(cli, command),
    }
}

fn new(name: &str, macs: &[Mac], profile: &ProfileArgs) -> NewMachine {
    let ChangedMachine { uuid, serial, architecture, labels, location, note, .. } =
        profile.over(None, None);
    let (name, macs) = (name.to_owned(), macs.to_vec());
    NewMachine { name, macs, uuid, serial, architecture, labels, location, note }
}

fn address(name: &str) -> String {
    format!("/machines/{}", encode(name))
}

fn said(cli: &Cli, it: &Machine, what: &str) -> Result<(), CliError> {
    cli.output.said(it, &format!("{} {what}", it.name))
}
