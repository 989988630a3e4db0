//! An iPXE script as lines, commands and variables, and what following a label comes to.
//!
//! The grammar is that of iPXE's `exec.c` and `parseopt.c`: words between white space, `#` begins a
//! comment, `&&`, `||` and `;` end a command, a backslash at its end joins a line with the next, and
//! `${…}` stands for a setting.

use std::collections::BTreeMap;

use super::{LONGEST_MENU, Unreadable};

/// How long a value may grow: variables that hold each other would double it with every line.
const LONGEST_VALUE: usize = 4096;
/// How many commands an entry may have: a `goto` can lead back.
const MOST_COMMANDS: usize = 500;

/// One command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    /// Its line, from 1.
    pub(super) number: u32,
    text: String,
    /// Stands behind `||`: runs where the one before fails.
    otherwise: bool,
}

impl Command {
    /// The first word.
    pub(super) fn name(&self) -> &str {
        self.text.split_whitespace().next().unwrap_or_default()
    }

    /// Everything behind the first word.
    pub(super) fn after_name(&self) -> &str {
        self.text.split_once(char::is_whitespace).map_or("", |(_, rest)| rest).trim_start()
    }

    /// The value of an option: `--timeout 3000` or `--timeout=3000`.
    pub(super) fn option(&self, names: [&str; 2]) -> Option<String> {
        let mut words = self.text.split_whitespace();
        while let Some(word) = words.next() {
            let (name, value) = word.split_once('=').map_or((word, None), |(a, b)| (a, Some(b)));
            if names.contains(&name) {
                return value.or_else(|| words.next()).map(ToOwned::to_owned);
            }
        }
        None
    }
}

/// A whole script.
#[derive(Debug, Default)]
pub(super) struct Script {
    commands: Vec<Command>,
    /// At which command each label stands.
    labels: BTreeMap<String, usize>,
}

impl Script {
    /// Reads a script; what is longer than a menu may be is cut off.
    pub(super) fn read(text: &str) -> Self {
        let mut script = Self::default();
        let mut end = text.len().min(LONGEST_MENU);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let mut joined = String::new();
        let mut began = None;
        for (number, line) in (1_u32..).zip(text[..end].lines()) {
            let first = *began.get_or_insert(number);
            if let Some(before) = line.trim_end().strip_suffix('\\') {
                joined.push_str(before);
                joined.push(' ');
                continue;
            }
            joined.push_str(line);
            script.line(first, joined.trim());
            joined.clear();
            began = None;
        }
        script.line(began.unwrap_or(1), joined.trim());
        script
    }

    fn line(&mut self, number: u32, line: &str) {
        if let Some(label) = line.strip_prefix(':') {
            let label = label.split_whitespace().next().unwrap_or_default();
            self.labels.entry(label.to_owned()).or_insert(self.commands.len());
            return;
        }
        let mut otherwise = false;
        let mut from = 0;
        for (at, word) in words(line) {
            let comment = word.starts_with('#');
            if !comment && !matches!(word, "&&" | "||" | ";") {
                continue;
            }
            self.command(number, &line[from..at], otherwise);
            if comment {
                return;
            }
            otherwise = word == "||";
            from = at + word.len();
        }
        self.command(number, &line[from..], otherwise);
    }

    fn command(&mut self, number: u32, text: &str, otherwise: bool) {
        let text = text.trim();
        if !text.is_empty() {
            self.commands.push(Command { number, text: text.to_owned(), otherwise });
        }
    }

    /// Every command, in the order of lines, but those that run where another fails.
    pub(super) fn commands(&self) -> impl Iterator<Item = &Command> {
        self.commands.iter().filter(|command| !command.otherwise)
    }

    /// Follows a label to what it boots. `line` is that of the item, for errors.
    pub(super) fn run(
        &self,
        label: &str,
        line: u32,
        mut variables: Variables,
    ) -> Result<Ending, Unreadable> {
        let unreadable = |line, reason: String| Err(Unreadable { line, reason });
        let Some(mut at) = self.labels.get(label).copied() else {
            return unreadable(line, format!("no line \":{label}\" says what it boots"));
        };
        let mut loaded = Loaded { kernel: None, others: Vec::new(), line };
        for _ in 0..MOST_COMMANDS {
            let Some(command) = self.commands.get(at) else {
                return unreadable(line, "the script ends before it boots anything".to_owned());
            };
            let number = command.number;
            at += 1;
            if command.otherwise {
                continue;
            }
            let rest = variables.expand(command.after_name());
            match command.name() {
                "set" => variables.set(command),
                "clear" => variables.clear(&rest),
                "echo" | "imgfree" | "sleep" | "prompt" | "dhcp" | "ifopen" | "ifconf" => {}
                "kernel" | "imgselect" => loaded.kernel = Some(image(&rest)),
                "module" | "initrd" | "imgfetch" => loaded.others.push(image(&rest)),
                "goto" => match self.labels.get(rest.trim()) {
                    // Back at the menu: whatever it loaded was not booted.
                    Some(to) if self.shows_menu(*to) => break,
                    Some(to) => at = *to,
                    None => {
                        return unreadable(
                            number,
                            format!("it goes on at {rest}, and no line \":{rest}\" is there"),
                        );
                    }
                },
                "boot" if rest.is_empty() && loaded.kernel.is_some() => {
                    return Ok(Ending::Boots(Loaded { line: number, ..loaded }));
                }
                "chain" => return Ok(Ending::Chains { url: image(&rest).url, line: number }),
                "shell" => return Ok(Ending::Shell { line: number }),
                other => {
                    let shown: String = other.chars().take(40).collect();
                    let reason =
                        format!("the command \"{shown}\" leads to no boot that a release knows");
                    return unreadable(number, reason);
                }
            }
        }
        unreadable(line, "it goes back to the menu without booting anything".to_owned())
    }

    fn shows_menu(&self, at: usize) -> bool {
        self.commands.get(at).is_some_and(|command| command.name() == "menu")
    }
}

/// The words of a line and where they begin.
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    line.split_whitespace().map(|word| (word.as_ptr().addr() - line.as_ptr().addr(), word))
}

/// What following a label comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// It starts what was loaded.
    Boots(Loaded),
    /// It runs another script.
    Chains { url: String, line: u32 },
    /// It opens iPXE's own shell.
    Shell { line: u32 },
}

impl Ending {
    pub(super) const fn line(&self) -> u32 {
        match self {
            Self::Boots(loaded) => loaded.line,
            Self::Chains { line, .. } | Self::Shell { line } => *line,
        }
    }
}

/// What an entry loads before it boots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loaded {
    /// What is started.
    pub(super) kernel: Option<Image>,
    /// What is loaded with it: modules of multiboot, initrds.
    pub(super) others: Vec<Image>,
    /// The line of `boot`.
    pub(super) line: u32,
}

/// Something that is loaded, with what it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) url: String,
    pub(super) arguments: Vec<String>,
}

/// `[options] <url> [arguments]`.
fn image(rest: &str) -> Image {
    let mut words = rest.split_whitespace();
    let url = loop {
        match words.next() {
            Some("--name" | "-n" | "--timeout" | "-t") => {
                words.next();
            }
            Some(option) if option.starts_with('-') => {}
            other => break other.unwrap_or_default(),
        }
    };
    Image { url: url.to_owned(), arguments: words.map(ToOwned::to_owned).collect() }
}

/// Settings of a script: what `${…}` stands for.
#[derive(Debug, Clone, Default)]
pub(super) struct Variables(BTreeMap<String, String>);

impl Variables {
    /// `set <name>[:<type>] [<value>]`.
    pub(super) fn set(&mut self, command: &Command) {
        let rest = command.after_name();
        let (name, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let name = name.split(':').next().unwrap_or_default().to_owned();
        let value = self.expand(value.trim());
        self.0.insert(name, value);
    }

    fn clear(&mut self, name: &str) {
        self.0.remove(name.trim());
    }

    /// Puts in values. What no line of the script says stays as it is: only a machine knows it.
    pub(super) fn expand(&self, text: &str) -> String {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, behind)) = after.split_once('}') else { break };
            expanded.push_str(before);
            match self.0.get(name) {
                Some(value) => expanded.push_str(value),
                None => expanded.push_str(&format!("${{{name}}}")),
            }
            if expanded.len() > LONGEST_VALUE {
                return text.chars().take(LONGEST_VALUE).collect();
            }
            rest = behind;
        }
        expanded.push_str(rest);
        expanded
    }
}
