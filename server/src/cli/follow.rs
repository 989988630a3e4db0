//! Waiting for a job: its log line by line, with a bar on a terminal, until it has ended.

use std::{
    io::{BufRead as _, BufReader},
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use domain::job::JobState;
use indicatif::{ProgressBar, ProgressStyle};

use super::{Cli, client::encode, error::CliError, output::one_line};
use crate::api::jobs::{JobDetails, LogLine};

/// How long a server may be away (it is being restarted) while somebody waits for a job.
const AWAY: Duration = Duration::from_secs(120);
/// How long to wait before the server is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// What is shown while a job goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    /// Its log.
    Log,
    /// How far it is, on a terminal.
    Progress,
}

/// Whether a command stays until its job has ended.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Waiting {
    /// Stay and print the log until the job has ended; fail where it fails.
    #[arg(long)]
    follow: bool,
    /// Stay until the job has ended; fail where it fails.
    #[arg(long, conflicts_with = "follow")]
    wait: bool,
}

impl Waiting {
    /// What is shown meanwhile; nothing where the command does not stay.
    pub(super) fn show(self) -> Option<Show> {
        match (self.follow, self.wait) {
            (true, _) => Some(Show::Log),
            (false, true) => Some(Show::Progress),
            (false, false) => None,
        }
    }
}

/// Waits until a job has ended; gives it as it ended. A server that goes away for a while is waited
/// for: the job goes on when it is back, and so does this.
pub(super) fn until_end(cli: &Cli, id: &str, show: Show) -> Result<JobDetails, CliError> {
    let path = format!("/jobs/{}", encode(id));
    let job: JobDetails = cli.client.get(&path)?;
    let bar = bar(cli, &job);
    if let Some(why) = &job.waits_for {
        eprintln!("bootwright: {}", one_line(why));
    }
    let mut position = 0;
    let mut heard = Instant::now();
    let ended = loop {
        match lines(cli, &path, &mut position, show, &bar, &job) {
            Ok(()) => heard = Instant::now(),
            Err(error) if away(&error) && heard.elapsed() < AWAY => thread::sleep(AGAIN),
            Err(error) => break Err(error),
        }
        match cli.client.get::<JobDetails>(&path) {
            Ok(job) if job.job.state.ended() => break Ok(job),
            // The stream ended before the job did: the server stops, or something between cuts it.
            Ok(_) => thread::sleep(AGAIN),
            Err(error) if away(&error) && heard.elapsed() < AWAY => thread::sleep(AGAIN),
            Err(error) => break Err(error),
        }
    };
    bar.finish_and_clear();
    ended
}

/// The same, and an error where the job did not end well.
pub(super) fn until_success(cli: &Cli, id: &str, show: Show) -> Result<JobDetails, CliError> {
    let job = until_end(cli, id, show)?;
    if job.job.state == JobState::Succeeded {
        return Ok(job);
    }
    let why = job.job.outcome.as_deref().unwrap_or("nobody knows why");
    Err(CliError::JobFailed(format!("job {id} {}: {why}", job.job.state)))
}

/// Prints the log of a job as far as it is written.
pub(super) fn log(cli: &Cli, id: &str) -> Result<(), CliError> {
    let path = format!("/jobs/{}/log", encode(id));
    for line in BufReader::new(cli.client.open(&path)?).lines() {
        print(cli, &parsed(&line.map_err(CliError::Output)?)?, &ProgressBar::hidden())?;
    }
    Ok(())
}

fn lines(
    cli: &Cli,
    path: &str,
    position: &mut u64,
    show: Show,
    bar: &ProgressBar,
    job: &JobDetails,
) -> Result<(), CliError> {
    let stream = cli.client.open(&format!("{path}/log?follow=true&after={position}"))?;
    for line in BufReader::new(stream).lines() {
        // A connection that was cut is made anew from the last whole line.
        let Ok(line) = line else { return Ok(()) };
        let Ok(line) = parsed(&line) else { return Ok(()) };
        *position = line.number;
        if let Some(step) = job.steps.iter().find(|step| step.name == line.step) {
            bar.set_position(u64::from(step.position));
            bar.set_message(one_line(&line.step));
        }
        if show == Show::Log {
            print(cli, &line, bar)?;
        }
    }
    Ok(())
}

fn parsed(line: &str) -> Result<LogLine, CliError> {
    serde_json::from_str(line).map_err(|error| CliError::Output(error.into()))
}

fn print(cli: &Cli, line: &LogLine, bar: &ProgressBar) -> Result<(), CliError> {
    if cli.output.is_json() {
        let text = serde_json::to_string(line).map_err(|error| CliError::Output(error.into()))?;
        return cli.output.lines(&[text]);
    }
    // Nothing that a build wrote may steer the terminal.
    let text: String = domain::ansi::plain(&line.text);
    let clock = line.at.get(11..19).unwrap_or_default();
    let text = format!("{clock} {:<10} {}", one_line(&line.step), one_line(&text));
    bar.suspend(|| cli.output.lines(&[text]))
}

fn bar(cli: &Cli, job: &JobDetails) -> ProgressBar {
    if !cli.output.is_terminal() || job.steps.is_empty() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(job.steps.len() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

fn away(error: &CliError) -> bool {
    matches!(error, CliError::Unreachable { .. })
}
