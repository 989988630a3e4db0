//! What machines of certain labels boot, and what those get that nobody has accepted.
//!
//! Rules are a text, `rack=3 role=build => variant probe` a line. Its first line says which revision it was made
//! from, so that what `rules show` wrote is what `rules set` takes, and nobody's change is undone unseen.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use domain::machine::{Answer, Rule, parse_rules, write_rules};

use crate::{
    api::machines::rules::{MachineRule, MachineRules, NewMachineRules, UnregisteredMachines},
    cli::{
        Cli,
        client::Versioned,
        error::CliError,
        output::{one_line, or_dash},
        recipe::read,
    },
};

const RULES: &str = "/machines/rules";
const UNREGISTERED: &str = "/machines/unregistered";
/// What the first line of a text of rules begins with, before the number of its revision.
const REVISION: &str = "# r";

/// What can be done with the rules.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RulesCommand {
    /// Show the rules, in the order in which they are asked: the first that fits decides.
    Show,
    /// Say all rules anew.
    Set {
        /// The rules, as `show` writes them; `-` for standard input.
        file: PathBuf,
        /// The revision that was looked at; the one of the first line of the file unless said otherwise.
        #[arg(long, value_name = "NUMBER")]
        revision: Option<u32>,
    },
}

/// What can be done about machines that nobody has accepted.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum UnregisteredCommand {
    /// Show what they get.
    Show,
    /// Say what they get; what is not named stays.
    Set {
        /// A machine that nobody has heard of: menu, exit or refuse.
        #[arg(long, value_name = "ANSWER", required_unless_present = "pending")]
        unknown: Option<Answer>,
        /// A machine that waits to be accepted: menu, exit or refuse.
        #[arg(long, value_name = "ANSWER")]
        pending: Option<Answer>,
    },
}

pub(super) fn run(cli: &Cli, command: &RulesCommand) -> Result<(), CliError> {
    match command {
        RulesCommand::Show => {
            let rules: MachineRules = cli.client.get(RULES)?;
            if cli.output.is_json() {
                return cli.output.json(&rules);
            }
            cli.output.lines(&written(rules)?)
        }
        RulesCommand::Set { file, revision } => {
            let text = read(file)?;
            let looked_at = revision.or_else(|| revision_of(&text)).ok_or_else(|| {
                CliError::Usage("say by --revision from which one these rules were made".to_owned())
            })?;
            let new = NewMachineRules { rules: parsed(file, &text)? };
            let it: MachineRules = cli.client.put(RULES, &format!("\"{looked_at}\""), &new)?;
            let count = it.rules.len();
            cli.output.said(&it, &format!("rules r{} are saved: {count}", it.revision))
        }
    }
}

fn revision_of(text: &str) -> Option<u32> {
    text.lines().next()?.strip_prefix(REVISION)?.split_whitespace().next()?.parse().ok()
}

/// Every fault stands on a line of its own, before the error.
fn parsed(file: &Path, text: &str) -> Result<Vec<MachineRule>, CliError> {
    let rules = parse_rules(text).map_err(|faults| {
        for fault in &faults {
            eprintln!("{}", one_line(&fault.to_string()));
        }
        CliError::Usage(format!("{} has faults", file.display()))
    })?;
    let rule = |it: Rule| MachineRule { labels: it.labels.into(), target: it.target };
    Ok(rules.into_iter().map(rule).collect())
}

fn written(rules: MachineRules) -> Result<Vec<String>, CliError> {
    let saved = match (rules.saved_at, rules.saved_by) {
        (Some(at), by) => format!(" of {at} by {}", or_dash(by.as_deref())),
        (None, _) => String::new(),
    };
    let head = format!("{REVISION}{}{saved}", rules.revision);
    let read = |it: MachineRule| {
        let labels = it.labels.try_into();
        labels.map(|labels| Rule { labels, target: it.target })
    };
    let rules = rules.rules.into_iter().map(read).collect::<Result<Vec<_>, _>>();
    let rules = rules.map_err(|error| CliError::Usage(error.to_string()))?;
    Ok([head].into_iter().chain(write_rules(&rules).lines().map(ToOwned::to_owned)).collect())
}

pub(super) fn unregistered(cli: &Cli, command: &UnregisteredCommand) -> Result<(), CliError> {
    let Versioned { value, etag } = cli.client.versioned::<UnregisteredMachines>(UNREGISTERED)?;
    let it = match command {
        UnregisteredCommand::Show => value,
        UnregisteredCommand::Set { unknown, pending } => {
            let new = UnregisteredMachines {
                unknown: unknown.unwrap_or(value.unknown),
                pending: pending.unwrap_or(value.pending),
            };
            cli.client.put(UNREGISTERED, &etag, &new)?
        }
    };
    cli.output
        .thing(&it, &[("Unknown", it.unknown.to_string()), ("Pending", it.pending.to_string())])
}
