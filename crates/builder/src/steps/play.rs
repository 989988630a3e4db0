//! Which task of a playbook failed, and why, read from what Ansible writes of a play.
//!
//! A failure alone says little: the play may ignore it, a `rescue` may mend it, and what stands in an
//! `always` goes on after it. What counts stands at the end, in the recap; of the failures before it,
//! the last that was not ignored is the one.

use serde_json::Value;

/// Reads along while Ansible plays; nothing of it is believed before the play's recap.
#[derive(Debug, Default)]
pub(crate) struct Play {
    /// The task that is at work.
    task: String,
    /// Whether that said already why it failed: a loop says so of each item.
    has_said: bool,
    /// The failure that counts so far, and the one that does where this one is ignored.
    failure: Option<String>,
    before: Option<String>,
    /// Whether the recap was reached, and whether it has failures.
    has_recap: bool,
    has_failed: bool,
}

impl Play {
    /// Takes note of a line.
    pub(crate) fn read(&mut self, line: &str) {
        if line.starts_with("PLAY RECAP ") {
            self.has_recap = true;
            return;
        }
        let headings = ["TASK [", "RUNNING HANDLER [", "PLAY ["];
        let named = headings.into_iter().find_map(|it| line.strip_prefix(it)?.rsplit_once(']'));
        if let Some((name, _)) = named {
            if self.has_recap {
                // Check mode goes before the play itself.
                *self = Self::default();
            }
            (self.task, self.has_said) = (name.to_owned(), false);
        } else if self.has_recap {
            self.has_failed |= counts_failures(line);
        } else if line.starts_with("fatal: [") || line.starts_with("failed: [") {
            if !self.has_said {
                self.has_said = true;
                let why = format!("the task \"{}\" failed: {}", self.task, message(line));
                self.before = self.failure.replace(why);
            }
        } else if line.starts_with("...ignoring") {
            self.failure = self.before.take();
        }
    }

    /// The sentence, where the play ended with a failure.
    pub(crate) fn why(&self) -> Option<&str> {
        self.failure.as_deref().filter(|_| self.has_failed)
    }
}

/// Whether the recap's line about a host, such as `rootfs : ok=2 unreachable=0 failed=1`, has failures.
fn counts_failures(line: &str) -> bool {
    let counts = line.split_whitespace().filter_map(|it| it.split_once('='));
    counts.into_iter().any(|(what, count)| matches!(what, "failed" | "unreachable") && count != "0")
}

fn message(line: &str) -> String {
    let said = line.split_once("=> ").map_or(line, |(_, said)| said);
    let read = serde_json::from_str::<Value>(said).ok();
    let message = read.as_ref().and_then(|it| it.get("msg")?.as_str());
    message.unwrap_or(said).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAILED: &str = "PLAY RECAP ***\nrootfs : ok=2 changed=0 unreachable=0 failed=1 skipped=0 rescued=0 ignored=0";
    const WELL: &str = "PLAY RECAP ***\nrootfs : ok=2 changed=0 unreachable=0 failed=0 skipped=0 rescued=1 ignored=1";

    fn why(parts: &[&str]) -> Option<String> {
        let mut play = Play::default();
        parts.iter().flat_map(|it| it.lines()).for_each(|line| play.read(line));
        play.why().map(ToOwned::to_owned)
    }

    fn task(name: &str) -> String {
        format!("TASK [{name}] ******")
    }

    fn fails(name: &str) -> String {
        format!(
            "{}\nfatal: [rootfs]: FAILED! => {{\"changed\": false, \"msg\": \"no {name}\"}}",
            task(name)
        )
    }

    #[test]
    fn the_task_that_ends_a_play_is_named() {
        let said = why(&["PLAY [all] ***", &task("fine"), "ok: [rootfs]", &fails("a [b]"), FAILED]);
        assert_eq!(said.unwrap(), "the task \"a [b]\" failed: no a [b]");
        let item = "failed: [rootfs] (item=1) => {\"msg\": \"first\"}\nfailed: [rootfs] (item=2) => {\"msg\": \"second\"}";
        let said = why(&[&task("loop"), item, FAILED]).unwrap();
        assert_eq!(said, "the task \"loop\" failed: first");
        let lost = "fatal: [rootfs]: UNREACHABLE! => gone";
        let recap = "PLAY RECAP ***\nrootfs : ok=0 unreachable=1 failed=0";
        assert_eq!(why(&[&task("far"), lost, recap]).unwrap(), "the task \"far\" failed: gone");
    }

    #[test]
    fn a_rescued_or_ignored_failure_is_not_to_blame() {
        let (rescued, real) = (fails("rescued"), fails("real"));
        assert_eq!(why(&[&rescued, &task("rescue"), "ok: [rootfs]", WELL]), None);
        assert_eq!(
            why(&[&rescued, &task("rescue"), &real, FAILED]).unwrap(),
            "the task \"real\" failed: no real"
        );
        // What always runs goes on behind a failure, and may fail without that it counts.
        let ignored = format!("{}\n...ignoring", fails("ignored"));
        let always =
            [real.as_str(), &task("always"), "ok: [rootfs]", &ignored, FAILED].map(str::to_owned);
        let always: Vec<&str> = always.iter().map(String::as_str).collect();
        assert_eq!(why(&always).unwrap(), "the task \"real\" failed: no real");
        assert_eq!(why(&[&ignored, WELL]), None);
    }

    #[test]
    fn only_a_play_that_came_to_its_end_says_why() {
        // It was ended while it did something else.
        assert_eq!(why(&[&fails("rescued"), &task("rescue")]), None);
        // Check mode failed, the play itself did not.
        assert_eq!(why(&[&fails("checked"), FAILED, "PLAY [all] ***", &task("fine"), WELL]), None);
        assert_eq!(why(&[&fails("checked"), FAILED, "PLAY [all] ***", &task("slow")]), None);
    }
}
