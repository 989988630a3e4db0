//! The script that a suite's sandbox runs: variables, and the command behind its ports.

use super::{SuiteCommand, SuiteRequest, within::OpenPort};
use crate::guest::LISTENER;

/// The folder of a suite, as it sees it itself.
pub(super) const SUITE: &str = "suite";
/// The Python environment.
pub(super) const PYTHON: &str = "python";
/// The program that opens the ports.
pub(super) const PROGRAM: &str = "bootwright";
/// The folder whose files are kept.
pub(super) const RESULTS: &str = "/results";

/// The command line that a command comes to.
fn command(command: &SuiteCommand) -> Vec<String> {
    match command {
        SuiteCommand::Robot { suites, options } => {
            // As a module: the scripts of an environment name the folder that it was made in.
            let robot =
                ["python3", "-m", "robot", "--outputdir", RESULTS, "--consolecolors", "off"];
            robot
                .map(str::to_owned)
                .into_iter()
                .chain(options.clone())
                .chain(suites.clone())
                .collect()
        }
        SuiteCommand::Program(words) => words.clone(),
    }
}

/// Nothing of it stands on a command line that others on the host could read.
pub(super) fn script(request: &SuiteRequest<'_>, ports: &[(&str, OpenPort)]) -> String {
    let it = &request.variables;
    let (label, text) = it.entry.unwrap_or_default();
    let menu = format!("http://{LISTENER}{}", request.menu_path);
    let variables = [
        ("MACHINE", it.machine),
        ("MENU_URL", &menu),
        ("RELEASE", it.release),
        ("MANIFEST", it.manifest),
        ("ENTRY", label),
        ("ENTRY_TEXT", text),
        ("CONSOLE_USER", it.user),
        ("CONSOLE_PASSWORD", it.password),
        ("RESULTS", RESULTS),
    ];
    let mut script = String::new();
    for (name, value) in variables {
        script += &format!("export BOOTWRIGHT_{name}={}\n", quoted(value));
    }
    for (name, port) in ports {
        script += &format!("export BOOTWRIGHT_{name}={}\n", port.port);
    }
    script += &format!("export PATH=\"/in/{PYTHON}/bin:$PATH\" PYTHONDONTWRITEBYTECODE=1\n");
    script += &format!("umask 022\ncd /in/{SUITE} && exec /in/{PROGRAM} within");
    for (_, port) in ports {
        script += &format!(" --port {port}");
    }
    script += " --";
    for word in command(&request.command) {
        script += &format!(" {}", quoted(&word));
    }
    script + "\n"
}

/// A word that `sh` takes as it is.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_through_a_shell_as_they_are() {
        let words = ["", "a b", "it's", "$HOME `id` \\ \"x\"", "--", "*\n;"];
        let line: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        let script = format!("printf '%s|' {}", line.join(" "));
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            words.map(|it| format!("{it}|")).concat()
        );
    }
}
