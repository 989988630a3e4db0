//! `bootwright guest …`

use std::io::Write as _;

use clap::{Args, Subcommand};

use super::{
    Cli, Connection,
    client::encode,
    error::CliError,
    output::{or_dash, visible},
};
use crate::api::{
    exchange::Listed,
    guests::{ConsoleText, Guest, Input, NewGuest},
};

/// Options of `bootwright guest`.
#[derive(Debug, Args)]
pub struct GuestArgs {
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(subcommand)]
    pub(super) command: GuestCommand,
}

/// What can be done with guests.
#[derive(Debug, Subcommand)]
pub(super) enum GuestCommand {
    /// Boot a release or a variant in a guest; prints its id.
    Start {
        /// Name of the release.
        #[arg(required_unless_present = "variant")]
        release: Option<String>,
        /// Name of a variant, in the place of a release.
        #[arg(long, conflicts_with = "release")]
        variant: Option<String>,
        /// Label of the boot entry to pick; the menu is left to whoever types unless said otherwise.
        #[arg(long, value_name = "LABEL")]
        entry: Option<String>,
    },
    /// List guests, newest first.
    List,
    /// Show a guest.
    Show {
        /// Id of the guest.
        id: String,
    },
    /// Print what a guest wrote to its console.
    Console {
        /// Id of the guest.
        id: String,
        /// Stay and print what it writes until it has ended.
        #[arg(long, short)]
        follow: bool,
        /// Stay until it has written this; fail where it ends before.
        #[arg(long, value_name = "TEXT", conflicts_with = "follow")]
        until: Option<String>,
        /// With `--until`, only look at what is behind this offset; `send` prints it.
        #[arg(long, value_name = "OFFSET", default_value_t = 0)]
        from: u64,
    },
    /// Type a line to a guest; prints the offset of its console before.
    Send {
        /// Id of the guest.
        id: String,
        /// What to type.
        text: String,
        /// Do not press Enter behind it.
        #[arg(long)]
        no_enter: bool,
        /// Take the keyboard first, where nobody has it.
        #[arg(long)]
        take: bool,
    },
    /// Give a guest its whole time once more.
    Extend {
        /// Id of the guest.
        id: String,
    },
    /// End a guest at once.
    Stop {
        /// Id of the guest.
        id: String,
    },
}

pub(super) fn run(cli: &Cli, command: &GuestCommand) -> Result<(), CliError> {
    match command {
        GuestCommand::Start { release, variant, entry } => {
            let (release, variant, entry) = (release.clone(), variant.clone(), entry.clone());
            let new = NewGuest { release, variant, entry };
            let guest: Guest = cli.client.post("/guests", &new)?;
            cli.output.said(&guest, &guest.id)
        }
        GuestCommand::List => {
            let all = cli.client.get::<Listed<Guest>>("/guests")?.items;
            let headings = ["id", "boots", "entry", "state", "by", "types", "ends"];
            cli.output.list(&all, &headings, |it| {
                vec![
                    it.id.clone(),
                    it.boots.clone(),
                    or_dash(it.entry.as_deref()),
                    it.state.to_string(),
                    it.started_by.clone(),
                    or_dash(it.typist.as_deref()),
                    it.ends_at.clone(),
                ]
            })
        }
        GuestCommand::Show { id } => shown(cli, &cli.client.get(&path(id))?),
        GuestCommand::Console { id, follow, until, from } => {
            console(cli, id, *from, *follow, until.as_deref())
        }
        GuestCommand::Send { id, text, no_enter, take } => {
            if *take {
                let _: Guest = cli.client.take(&format!("{}/keyboard", path(id)))?;
            }
            let before: Guest = cli.client.get(&path(id))?;
            let enter = if *no_enter { "" } else { "\r" };
            let input = Input { text: format!("{text}{enter}") };
            let guest: Guest = cli.client.post(&format!("{}/input", path(id)), &input)?;
            cli.output.said(&guest, &before.console_end.to_string())
        }
        GuestCommand::Extend { id } => {
            let guest: Guest = cli.client.act(&format!("{}/extend", path(id)))?;
            cli.output.said(&guest, &format!("guest {id} ends at {}", guest.ends_at))
        }
        GuestCommand::Stop { id } => {
            let guest: Guest = cli.client.act(&format!("{}/stop", path(id)))?;
            cli.output.said(&guest, &format!("guest {id} has ended"))
        }
    }
}

fn path(id: &str) -> String {
    format!("/guests/{}", encode(id))
}

fn shown(cli: &Cli, it: &Guest) -> Result<(), CliError> {
    cli.output.thing(
        it,
        &[
            ("Guest", it.id.clone()),
            ("Boots", it.boots.clone()),
            ("Entry", it.entry.clone().unwrap_or_default()),
            ("State", it.state.to_string()),
            ("Started", format!("{} by {}", it.started_at, it.started_by)),
            ("Ends", it.ends_at.clone()),
            ("Ended", it.ended_at.clone().unwrap_or_default()),
            ("Outcome", it.outcome.clone().unwrap_or_default()),
            ("Types", it.typist.clone().unwrap_or_default()),
            ("Watch", it.watchers.to_string()),
        ],
    )
}

/// Prints a console as far as it is written, to its end, or until it holds a text.
fn console(
    cli: &Cli,
    id: &str,
    from: u64,
    follow: bool,
    until: Option<&str>,
) -> Result<(), CliError> {
    let (mut next, mut seen, mut printed) = (from, String::new(), 0);
    loop {
        // Asked before the console: what a guest wrote before its end is there once it has ended.
        let over = cli.client.get::<Guest>(&path(id))?.state.ended();
        let stays = (follow || until.is_some()) && !over;
        let address = format!("{}/console?from={next}&wait={stays}", path(id));
        let part: ConsoleText = cli.client.get(&address)?;
        next = part.next;
        seen.push_str(&part.text);
        if cli.output.is_json() {
            cli.output.json(&part)?;
        } else {
            let end = if stays { whole(&seen) } else { seen.len() };
            print(&seen[printed..end])?;
            printed = end;
            if until.is_none() {
                seen.drain(..std::mem::take(&mut printed));
            }
        }
        match until {
            Some(text) if visible(&seen).contains(text) => return Ok(()),
            Some(text) if over => {
                let words = format!("the guest ended and never wrote {text:?}");
                return Err(CliError::JobFailed(words));
            }
            None if !stays => return Ok(()),
            Some(_) | None => {}
        }
    }
}

/// Up to where a text holds no escape sequence (ECMA-48) that is not whole yet.
fn whole(text: &str) -> usize {
    let begun = text.rfind('\u{1b}').filter(|at| {
        let sequence = text[at + 1..].trim_start_matches('[');
        sequence.len() < 32 && !sequence.contains(|c| matches!(c, '@'..='~'))
    });
    begun.unwrap_or(text.len())
}

/// Nothing that a guest wrote may steer the terminal.
fn print(text: &str) -> Result<(), CliError> {
    let mut output = std::io::stdout().lock();
    let written = output.write_all(visible(text).as_bytes()).and_then(|()| output.flush());
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(CliError::Output),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_that_is_cut_waits_for_its_rest() {
        assert_eq!(whole("login: "), 7);
        for cut in ["ab\u{1b}", "ab\u{1b}[", "ab\u{1b}[1;3"] {
            assert_eq!(whole(cut), 2, "{cut:?}");
        }
        assert_eq!(whole("ab\u{1b}[1;31mred"), 12);
    }
}
