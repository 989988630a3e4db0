//! Why a step that runs tools for long failed, in one sentence, read from what they wrote.
//!
//! A parallel build goes on for a while after the error that ends it, and ends in a row of lines that
//! say "Error 2": the line that matters stands far above the last ones.

use crate::steps::play::Play;

/// Reads along while a step runs.
#[derive(Debug, Default)]
pub(crate) struct Cause {
    /// What one of our own scripts refused.
    refused: Option<String>,
    /// The first line that says that a file system is full.
    full: Option<String>,
    /// The first error of a compiler, an assembler or a linker.
    error: Option<String>,
    /// The first target that make gave up.
    target: Option<String>,
    /// How large `/build` may grow, in bytes.
    build_size: u64,
    /// What Ansible says, where the step plays a playbook.
    play: Option<Play>,
}

impl Cause {
    pub(crate) fn new(build_size: u64) -> Self {
        Self { build_size, ..Self::default() }
    }

    /// Of a step that plays a playbook.
    pub(crate) fn of_playbook(build_size: u64) -> Self {
        Self { play: Some(Play::default()), ..Self::new(build_size) }
    }

    /// Takes note of a line.
    pub(crate) fn read(&mut self, line: &str) {
        if let Some(play) = &mut self.play {
            play.read(line);
        }
        let keep = |place: &mut Option<String>, text: &str| {
            place.get_or_insert_with(|| text.trim().chars().take(400).collect());
        };
        if let Some(sentence) = line.strip_prefix("refused: ") {
            keep(&mut self.refused, sentence);
        } else if line.contains("No space left on device") {
            keep(&mut self.full, line);
        } else if is_error(line) {
            keep(&mut self.error, line);
        } else if let Some((_, target)) = line.split_once("*** [") {
            keep(&mut self.target, target.split(']').next().unwrap_or(target));
        } else if line.starts_with("make") && line.contains("*** ") {
            keep(&mut self.error, line);
        }
    }

    /// The sentence, where a line gave one.
    pub(crate) fn sentence(&self) -> Option<String> {
        if let Some(why) = self.play.as_ref().and_then(Play::why) {
            return Some(why.to_owned());
        }
        if let Some(sentence) = &self.refused {
            return Some(sentence.clone());
        }
        if let Some(line) = &self.full {
            return Some(if line.contains("/out/") {
                full_disk(line)
            } else {
                format!(
                    "it needs more than the {} MiB that its files may take in memory here ({line}): leave out drivers or debug information, or give the machine more memory",
                    self.build_size >> 20
                )
            });
        }
        let at =
            self.target.as_ref().map_or_else(String::new, |it| format!(" (make gave up {it})"));
        match (&self.error, &self.target) {
            (Some(error), _) => Some(format!("{error}{at}")),
            (None, Some(target)) => {
                Some(format!("make gave up {target}; why stands in the log above that"))
            }
            (None, None) => None,
        }
    }
}

/// What a line says that found no room for what a step leaves, as a sentence with the remedy.
pub(crate) fn full_disk(line: &str) -> String {
    format!("the disk of the work folder is full ({line}): make room and try again")
}

/// `drivers/net/a.c:7:2: error: …`, `a.c:7: fatal error: …`, `ld: b.o: undefined reference to …`,
/// `ERROR: modpost: …`, `cc1: error: …`.
fn is_error(line: &str) -> bool {
    [
        ": error: ",
        ": fatal error: ",
        ": Error: ",
        "undefined reference to ",
        "internal compiler error",
    ]
    .iter()
    .any(|mark| line.contains(mark))
        || ["ERROR: ", "error: ", "FAILED: "].iter().any(|mark| line.starts_with(mark))
        || (line.starts_with("ld: ") || line.contains("/ld: ")) && !line.contains("warning: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<String> {
        let mut cause = Cause::new(1 << 30);
        text.lines().for_each(|line| cause.read(line));
        cause.sentence()
    }

    #[test]
    fn the_first_error_of_a_compiler_is_the_cause() {
        let text = "  CC      init/main.o
init/main.c: In function 'start_kernel':
init/main.c:941:9: error: implicit declaration of function 'brok' [-Werror]
  CC      init/version.o
make[4]: *** [scripts/Makefile.build:250: init/main.o] Error 1
make[3]: *** [scripts/Makefile.build:500: init] Error 2
make: *** [Makefile:1660: bindeb-pkg] Error 2";
        let why = of(text).unwrap();
        assert!(why.starts_with("init/main.c:941:9: error: implicit declaration"), "{why}");
        assert!(why.ends_with("(make gave up scripts/Makefile.build:250: init/main.o)"), "{why}");
    }

    #[test]
    fn what_a_script_refused_goes_before_all_else() {
        assert_eq!(of("x.c:1:1: error: x\nrefused: the tree is none").unwrap(), "the tree is none");
    }

    #[test]
    fn a_full_file_system_is_named() {
        let inside =
            of("fs/a.c:1: fatal error: error writing to /tmp/x.s: No space left on device");
        assert!(inside.unwrap().contains("1024 MiB"));
        let outside = of("cp: error writing '/out/tree.tar.zst': No space left on device").unwrap();
        assert!(outside.contains("disk of the work folder"), "{outside}");
    }

    #[test]
    fn without_a_known_line_nothing_is_made_up() {
        assert_eq!(of("all is well\nwarning: x"), None);
        let why = of("make[1]: *** [Makefile:7: all] Error 1").unwrap();
        assert!(why.contains("Makefile:7: all"), "{why}");
    }
}
