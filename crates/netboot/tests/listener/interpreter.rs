//! How iPXE reads a script: lines, words, command ends, comments and settings, as its `exec.c` and
//! `script.c` do. Written from the behaviour, so that a test can say which commands a script has.

/// A command: its words, as they stand.
pub(crate) type Command = Vec<String>;

/// Every command that a script could ever run, with the labels (`:MENU`) as commands of their own.
pub(crate) fn commands(script: &str) -> Vec<Command> {
    script.split('\n').flat_map(line).collect()
}

fn line(line: &str) -> Vec<Command> {
    let white = |c: char| c.is_ascii_whitespace() || c == '\u{b}';
    let words: Vec<&str> = line.split(white).filter(|word| !word.is_empty()).collect();
    let mut commands = vec![Vec::new()];
    for word in words {
        if word.starts_with('#') {
            break;
        }
        if matches!(word, "||" | "&&" | ";") {
            commands.push(Vec::new());
        } else if let Some(command) = commands.last_mut() {
            command.push(word.to_owned());
        }
    }
    commands.retain(|command| !command.is_empty());
    commands
}

/// Every setting that a script expands.
pub(crate) fn settings(script: &str) -> Vec<String> {
    script
        .match_indices("${")
        .map(|(at, _)| script[at..].split_inclusive('}').next().unwrap_or_default().to_owned())
        .collect()
}
