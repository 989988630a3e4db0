//! The phases of the step `layer`: one step of the cache, and several of the job.
//!
//! The script says which phase it is in, and why it failed, by lines that begin with a mark that only it
//! knows; everything else is what the programs in it wrote.

use std::cell::RefCell;

use domain::{digest::Digest, job::StepState, variant::Definition};
use sandbox::SandboxError;

use super::VariantBuilding;
use crate::{
    BuildError, StepEvent,
    cache::StepOutputs,
    kernels::full_disk,
    steps::{
        play::Play,
        run::{self, LONGEST_LOG},
    },
};

/// How many of the last lines an error shows.
const LAST_LINES: usize = 8;

/// The phases of the step, in order; the job shows them as its steps.
pub(super) fn phases(definition: &Definition) -> Vec<&'static str> {
    let of = |wanted: bool, name| wanted.then_some(name);
    [
        Some("base"),
        of(definition.asks_apt(), "packages"),
        of(changes_system(definition), "system"),
        of(definition.playbook.is_some(), "playbook"),
        of(definition.script.is_some(), "script"),
        Some("pack"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub(super) fn changes_system(definition: &Definition) -> bool {
    definition.hostname.is_some()
        || !definition.users.is_empty()
        || !definition.files.is_empty()
        || definition.services != domain::recipe::Services::default()
}

/// Follows the script through its phases.
pub(super) struct Phases<'a> {
    build: &'a VariantBuilding<'a>,
    key: Digest,
    /// Stands before the lines that the script itself writes about how it stands.
    pub(super) mark: String,
    seen: RefCell<Seen>,
}

#[derive(Default)]
struct Seen {
    phase: &'static str,
    failed: Option<String>,
    stale: bool,
    written: usize,
    last: Vec<String>,
    /// The first line of our own packing that found no room on the disk.
    full: Option<String>,
    /// What Ansible says of the play that is under way.
    play: Play,
}

impl Seen {
    fn enter(&mut self, phase: &'static str) {
        self.phase = phase;
        self.last.clear();
        self.play = Play::default();
    }

    /// Takes note of a line that is not the script's own.
    fn read(&mut self, line: &str) {
        self.written = self.written.saturating_add(line.len() + 1);
        if self.last.len() == LAST_LINES {
            self.last.remove(0);
        }
        self.last.push(line.to_owned());
        match self.phase {
            "playbook" => self.play.read(line),
            "pack" if line.contains("No space left on device") => {
                self.full.get_or_insert_with(|| line.trim().to_owned());
            }
            _ => {}
        }
    }

    /// Why the script failed, in its own words where it has some.
    fn why(&mut self, status: &str) -> BuildError {
        let step = self.phase;
        let said = self.failed.take();
        let full = || self.full.as_deref().map(full_disk);
        match self.play.why().map(ToOwned::to_owned).or_else(full) {
            // What was written behind it says nothing of why.
            Some(why) => BuildError::Step { step, why, lines: Vec::new() },
            None => BuildError::Step {
                step,
                why: said.unwrap_or_else(|| format!("it ended with {status}")),
                lines: std::mem::take(&mut self.last),
            },
        }
    }
}

impl<'a> Phases<'a> {
    pub(super) fn begin(build: &'a VariantBuilding<'a>, key: Digest) -> Result<Self, BuildError> {
        let mark = mark()?;
        build.observer.step(StepEvent::Started { name: "base", key: Some(key) });
        let seen = Seen { phase: "base", ..Seen::default() };
        Ok(Self { build, key, mark, seen: RefCell::new(seen) })
    }

    pub(super) fn line(&self, line: &str) {
        let mut seen = self.seen.borrow_mut();
        let Some(told) = line.strip_prefix(&self.mark).and_then(|it| it.strip_prefix(' ')) else {
            seen.read(line);
            self.build.log(seen.phase, line);
            return;
        };
        if told == "stale" {
            seen.stale = true;
        } else if told.starts_with("task ") {
            seen.play = Play::default();
        } else if let Some(why) = told.strip_prefix("failed ") {
            seen.failed = Some(why.to_owned());
        } else if let Some(name) = told.strip_prefix("phase ") {
            let next = phases(&self.build.request.definition).into_iter().find(|it| *it == name);
            if let Some(next) = next {
                self.build.ended(seen.phase, StepState::Succeeded, None);
                seen.enter(next);
                self.build.observer.step(StepEvent::Started { name: next, key: Some(self.key) });
            }
        }
    }

    pub(super) fn too_long(&self) -> bool {
        self.seen.borrow().written > LONGEST_LOG
    }

    pub(super) fn is_stale(&self) -> bool {
        std::mem::take(&mut self.seen.borrow_mut().stale)
    }

    /// Why the script ended, in its own words where it has some.
    pub(super) fn error(&self, error: SandboxError) -> BuildError {
        let mut seen = self.seen.borrow_mut();
        let step = seen.phase;
        match error {
            SandboxError::Cancelled if seen.written > LONGEST_LOG => run::wrote_too_much(step),
            SandboxError::Failed { status, .. } => seen.why(&status),
            other => run::step_error(step, other),
        }
    }

    pub(super) fn end(
        &self,
        made: Result<StepOutputs, BuildError>,
    ) -> Result<StepOutputs, BuildError> {
        let phase = self.seen.borrow().phase;
        match made {
            Ok(outputs) => {
                self.build.ended(phase, StepState::Succeeded, None);
                Ok(outputs)
            }
            Err(error) => Err(self.build.failed(phase, error)),
        }
    }
}

/// What no program inside can guess.
fn mark() -> Result<String, BuildError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| BuildError::Unexpected {
        step: "layer",
        what: format!("no random numbers: {error}"),
    })?;
    Ok(format!("bootwright-{}", bytes.map(|byte| format!("{byte:02x}")).concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: &str = "TASK [Install] ***\nfatal: [rootfs]: FAILED! => {\"msg\": \"no room\"}";

    fn seen(phase: &'static str, text: &str) -> Seen {
        let mut seen = Seen::default();
        seen.enter(phase);
        text.lines().for_each(|line| seen.read(line));
        seen
    }

    #[test]
    fn a_rescued_task_is_not_blamed_for_what_fails_behind_it() {
        let rescued = format!("{FAILED}\nTASK [Mend] ***\nok: [rootfs]\n");
        let recap = "PLAY RECAP ***\nrootfs : ok=2 failed=0 rescued=1\n";
        let mut seen = seen("playbook", &format!("{rescued}{recap}"));
        seen.enter("script");
        seen.read("about to fail");
        seen.failed = Some("the script ended with exit code 1".to_owned());
        let error = seen.why("exit code 1").to_string();
        assert!(error.contains("the script ended") && error.contains("about to fail"), "{error}");
        assert!(!error.contains("Install"), "{error}");
    }

    #[test]
    fn the_task_that_ended_the_play_is_blamed() {
        let text = format!("{FAILED}\nPLAY RECAP ***\nrootfs : ok=1 failed=1\nTasks recap\n");
        let mut seen = seen("playbook", &text);
        seen.failed = Some("the playbook ended with exit code 2".to_owned());
        let error = seen.why("exit code 1").to_string();
        assert!(error.contains("the task \"Install\" failed: no room"), "{error}");
        assert!(!error.contains("recap"), "{error}");
        // Nothing of it is left in the phase behind.
        seen.enter("pack");
        assert!(!seen.why("exit code 1").to_string().contains("Install"));
    }
}
