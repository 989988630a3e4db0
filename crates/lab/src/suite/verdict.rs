//! What the end of a suite says by itself: whose problem it is, where it did not end well. What was
//! found stands in the file of results; this holds where there is none.

use domain::{run::FailureClass, time::human_duration};

use super::{SuiteCommand, SuiteEnd, within::FAILED};

/// What a command answers that a shell does not find or cannot run.
const NOT_RUN: std::ops::RangeInclusive<i32> = 126..=127;
/// The first code of a command that a signal ended.
const SIGNALS: std::ops::Range<i32> = 129..193;

/// The class and the sentence of an end. `results` tells whether Robot Framework left its results.
pub(super) fn judge(
    command: &SuiteCommand,
    end: &SuiteEnd,
    results: bool,
) -> (Option<FailureClass>, String) {
    match (end, command) {
        (SuiteEnd::Exited(code), _) if *code == i32::from(FAILED) => {
            (Some(FailureClass::Lab), "the way to the machine could not be opened".to_owned())
        }
        (SuiteEnd::Exited(code), SuiteCommand::Robot { .. }) => judge_robot(*code, results),
        (SuiteEnd::Exited(code), SuiteCommand::Program(_)) => judge_program(*code),
        (SuiteEnd::TimedOut(limit), _) => (
            Some(FailureClass::Test),
            format!("the suite did not end within {} and was ended", human_duration(*limit)),
        ),
        (SuiteEnd::Stopped, _) => (None, "stopped".to_owned()),
        (SuiteEnd::WroteTooMuch(what), _) => (
            Some(FailureClass::Test),
            format!("the suite wrote {what} to its output folder and was ended"),
        ),
        (SuiteEnd::NotRun(why), _) => {
            (Some(FailureClass::Lab), format!("the suite could not be run: {why}"))
        }
    }
}

/// By Robot Framework's own list of exit codes.
fn judge_robot(code: i32, results: bool) -> (Option<FailureClass>, String) {
    let some = |class, message: &str| (Some(class), message.to_owned());
    match code {
        0 if results => (None, "every test passed".to_owned()),
        1..=250 if results => {
            let many = if code == 250 { "250 or more".to_owned() } else { code.to_string() };
            let tests = if code == 1 { "test" } else { "tests" };
            (Some(FailureClass::Product), format!("{many} {tests} failed"))
        }
        251 | 252 => some(
            FailureClass::Configuration,
            "Robot Framework takes its command line or the suite's files not",
        ),
        253 => some(FailureClass::Test, "Robot Framework was told to stop from within the suite"),
        0..=250 => some(
            FailureClass::Configuration,
            "there are no results of Robot Framework: is it in the Python environment of suites?",
        ),
        _ => {
            some(FailureClass::Test, "Robot Framework ended by a fault of its own or of a library")
        }
    }
}

fn judge_program(code: i32) -> (Option<FailureClass>, String) {
    let class = match code {
        0 => return (None, "the command ended well".to_owned()),
        code if NOT_RUN.contains(&code) => {
            let message = "the command is not there or cannot be run".to_owned();
            return (Some(FailureClass::Configuration), message);
        }
        code if SIGNALS.contains(&code) => {
            let message = format!("signal {} ended the command", code - 128);
            return (Some(FailureClass::Test), message);
        }
        _ => FailureClass::Product,
    };
    (Some(class), format!("the command ended with exit code {code}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn robot() -> SuiteCommand {
        SuiteCommand::Robot { suites: Vec::new(), options: Vec::new() }
    }

    #[test]
    fn robots_codes_fall_into_their_classes() {
        let class = |code, results| judge(&robot(), &SuiteEnd::Exited(code), results).0;
        assert_eq!(class(0, true), None);
        assert_eq!(class(0, false), Some(FailureClass::Configuration), "nothing was run");
        for code in [1, 249, 250] {
            assert_eq!(class(code, true), Some(FailureClass::Product));
        }
        assert_eq!(class(1, false), Some(FailureClass::Configuration), "there is no such module");
        assert_eq!(class(252, false), Some(FailureClass::Configuration));
        assert_eq!(class(255, true), Some(FailureClass::Test));
        let (_, message) = judge(&robot(), &SuiteEnd::Exited(3), true);
        assert_eq!(message, "3 tests failed");
    }

    #[test]
    fn other_ends_say_whose_problem_they_are() {
        let program = SuiteCommand::Program(Vec::new());
        let class = |end: SuiteEnd| judge(&program, &end, false).0;
        assert_eq!(class(SuiteEnd::Exited(0)), None);
        assert_eq!(class(SuiteEnd::Exited(1)), Some(FailureClass::Product));
        assert_eq!(class(SuiteEnd::Exited(125)), Some(FailureClass::Lab));
        assert_eq!(class(SuiteEnd::Exited(127)), Some(FailureClass::Configuration));
        assert_eq!(class(SuiteEnd::Exited(137)), Some(FailureClass::Test));
        assert_eq!(class(SuiteEnd::TimedOut(Duration::from_secs(1))), Some(FailureClass::Test));
        assert_eq!(class(SuiteEnd::Stopped), None);
        assert_eq!(class(SuiteEnd::NotRun("no".to_owned())), Some(FailureClass::Lab));
    }
}
