//! One line of TAP or KTAP.

use domain::run::Outcome;

use crate::results::numbers::{microseconds, quantity};

/// How deep a line stands: the kernel's selftests put `# ` in front, others spaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Depth {
    pub(super) hashes: usize,
    pub(super) indent: usize,
}

/// A line and its depth.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text<'a> {
    pub(super) depth: Depth,
    pub(super) line: Line<'a>,
}

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// `TAP version 13`, `KTAP version 1`.
    Version {
        /// Whether it is the kernel's.
        kernel: bool,
    },
    /// `1..8`: so many points.
    Plan(u64),
    Point(Point),
    BailOut(String),
    /// `# Subtest: name`.
    Subtest(&'a str),
    /// `---`, which begins a block of YAML.
    BlockBegins,
    /// Behind `#`.
    Comment(&'a str),
    Other,
}

/// `not ok 3 - description # SKIP reason`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) passed: bool,
    pub(super) number: Option<u64>,
    pub(super) description: String,
    pub(super) directive: Option<(Directive, String)>,
}

/// What stands behind a description's `#`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Directive {
    Skip,
    /// Known to fail.
    Todo,
    /// The kernel's runner ran out of patience.
    Timeout,
    /// The kernel's runner says by which status a program ended.
    Exit,
    /// How long it took, as runners in JavaScript say: `# time=12.3ms`.
    Time,
}

const DIRECTIVES: [(&str, Directive); 7] = [
    ("skip", Directive::Skip),
    ("todo", Directive::Todo),
    ("xfail", Directive::Todo),
    ("timeout", Directive::Timeout),
    ("error", Directive::Exit),
    ("exit=", Directive::Exit),
    ("time=", Directive::Time),
];

impl Point {
    /// How long it took, in microseconds.
    pub(super) fn duration_us(&self) -> Option<i64> {
        let (Directive::Time, text) = self.directive.as_ref()? else { return None };
        let (value, unit) = quantity(text)?;
        match unit {
            "s" => microseconds(value),
            "ms" => microseconds(value / 1000.0),
            _ => None,
        }
    }

    /// How it ended, and what it says of that.
    pub(super) fn outcome(self) -> (Outcome, String) {
        let plain = if self.passed { Outcome::Passed } else { Outcome::Failed };
        match self.directive {
            None | Some((Directive::Time, _)) => (plain, String::new()),
            Some((Directive::Skip, why)) => (Outcome::Skipped, why),
            Some((Directive::Todo, why)) if self.passed => {
                (Outcome::Passed, format!("expected to fail: {why}"))
            }
            Some((Directive::Todo, why)) => (Outcome::Skipped, format!("expected to fail: {why}")),
            Some((Directive::Timeout | Directive::Exit, why)) => (plain, why),
        }
    }
}

/// Whether a line shows that a file is TAP.
pub(in crate::results) fn is_tap(line: &str) -> bool {
    matches!(parse(line, 0).line, Line::Version { .. } | Line::Plan(_) | Line::Point(_))
}

/// Takes a line apart. Points behind `# ` count up to the depth that a version or a plan has opened:
/// elsewhere such a line is a comment that looks like one.
pub(super) fn parse(raw: &str, open_hashes: usize) -> Text<'_> {
    let plain = without_kernel_time(raw);
    let body = plain.trim_start();
    let indent = plain.len() - body.len();
    if !body.starts_with('#') {
        return Text { depth: Depth { hashes: 0, indent }, line: protocol(body) };
    }
    let (mut hashes, mut inner) = (0, body);
    while let Some(rest) = inner.strip_prefix("# ") {
        (hashes, inner) = (hashes + 1, rest);
        let text = inner.trim_start();
        let line = protocol(text);
        let counts = match &line {
            Line::Version { .. } | Line::Plan(_) => true,
            Line::Point(point) => hashes <= open_hashes && point.number.is_some(),
            _ => false,
        };
        if counts {
            return Text { depth: Depth { hashes, indent: inner.len() - text.len() }, line };
        }
    }
    let text = body[1..].trim();
    let line = match text.strip_prefix("Subtest:") {
        Some(name) => Line::Subtest(name.trim()),
        None => Line::Comment(text.trim_start_matches("# ")),
    };
    Text { depth: Depth { hashes: 0, indent }, line }
}

/// Without the `[   12.345678] ` of a kernel's log, and the `<6>` in front of that.
fn without_kernel_time(raw: &str) -> &str {
    let line = raw.trim_end();
    let level = line.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    let line = match level {
        Some((digits, rest))
            if !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit()) =>
        {
            rest
        }
        _ => line,
    };
    let stamp = line.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    match stamp {
        Some((time, rest))
            if time.contains('.')
                && time.trim().bytes().all(|it| it.is_ascii_digit() || it == b'.') =>
        {
            rest.strip_prefix(' ').unwrap_or(rest)
        }
        _ => line,
    }
}

/// What a line says that stands behind no `#`.
fn protocol(body: &str) -> Line<'_> {
    let version = |prefix: &str| {
        body.strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with(|it: char| it.is_ascii_digit()))
    };
    if version("TAP version ") {
        return Line::Version { kernel: false };
    }
    if version("KTAP version ") {
        return Line::Version { kernel: true };
    }
    if let Some(why) = body.strip_prefix("Bail out!") {
        return Line::BailOut(why.trim().to_owned());
    }
    if body == "---" {
        return Line::BlockBegins;
    }
    if let Some(plan) = plan(body) {
        return Line::Plan(plan);
    }
    point(body).map_or(Line::Other, Line::Point)
}

/// `1..8`, maybe with a reason to skip all behind it.
fn plan(body: &str) -> Option<u64> {
    let rest = body.strip_prefix("1..")?;
    let digits = rest.split(|it: char| !it.is_ascii_digit()).next()?;
    let behind = rest[digits.len()..].trim_start();
    (behind.is_empty() || behind.starts_with('#')).then(|| digits.parse().ok())?
}

fn point(body: &str) -> Option<Point> {
    let (passed, rest) = match body.strip_prefix("not ") {
        Some(rest) => (false, rest.trim_start().strip_prefix("ok")?),
        None => (true, body.strip_prefix("ok")?),
    };
    if !(rest.is_empty() || rest.starts_with(char::is_whitespace)) {
        return None;
    }
    let rest = rest.trim();
    let digits = rest.split(|it: char| !it.is_ascii_digit()).next().unwrap_or_default();
    let behind = &rest[digits.len()..];
    // `ok 2nd try` has no number.
    let numbered = behind.is_empty() || behind.starts_with([' ', '\t', '-', '#']);
    let (number, rest) = match digits.parse() {
        Ok(number) if numbered => (Some(number), behind.trim_start()),
        _ => (None, rest),
    };
    let rest = rest.strip_prefix("- ").or_else(|| (rest == "-").then_some("")).unwrap_or(rest);
    let (description, directive) = split_directive(rest);
    Some(Point { passed, number, description: unescape(description.trim()), directive })
}

/// A description, and the directive behind the last `#` that begins one.
fn split_directive(text: &str) -> (&str, Option<(Directive, String)>) {
    for (at, _) in text.match_indices('#') {
        let escapes = text[..at].bytes().rev().take_while(|it| *it == b'\\').count();
        let words = text[at + 1..].trim_start();
        let found = DIRECTIVES.iter().find(|(word, _)| {
            words.get(..word.len()).is_some_and(|front| front.eq_ignore_ascii_case(word))
        });
        if let Some((word, directive)) = found.filter(|_| escapes % 2 == 0) {
            let behind = &words[word.len()..];
            // `# SKIPPED: why` and `# todo: why` are written as well; an exit is told as it stands.
            let why = match directive {
                Directive::Exit | Directive::Timeout => words,
                Directive::Time => behind,
                Directive::Skip | Directive::Todo => {
                    behind.trim_start_matches(|it: char| it.is_alphabetic()).trim_start_matches(':')
                }
            };
            return (&text[..at], Some((*directive, unescape(why.trim()))));
        }
    }
    (text, None)
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let escaped = characters.next_if(|next| character == '\\' && matches!(next, '#' | '\\'));
        plain.push(escaped.unwrap_or(character));
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point_of(line: &str) -> Point {
        match parse(line, 0).line {
            Line::Point(point) => point,
            other => panic!("{line:?} is {other:?}"),
        }
    }

    #[test]
    fn points_have_numbers_descriptions_and_directives() {
        let point =
            point_of("not ok 3 - kernel \\# of \\\\ the release # TODO coreboot #12 is open");
        assert_eq!((point.passed, point.number), (false, Some(3)));
        assert_eq!(point.description, "kernel # of \\ the release");
        assert_eq!(point.directive, Some((Directive::Todo, "coreboot #12 is open".to_owned())));
        let point = point_of("ok 5 # skip the board has no TPM");
        assert_eq!(point.outcome(), (Outcome::Skipped, "the board has no TPM".to_owned()));
        assert_eq!(point_of("ok").description, "");
        assert_eq!(point_of("ok 2nd try").description, "2nd try");
        assert_eq!(point_of("ok 7 issue #12 is open").description, "issue #12 is open");
        assert_eq!(
            point_of("not ok 1 a # exit=1").outcome(),
            (Outcome::Failed, "exit=1".to_owned())
        );
        let timed = point_of("ok 2 - boots # time=12.5ms");
        assert_eq!((&*timed.description, timed.duration_us()), ("boots", Some(12_500)));
        assert_eq!(point_of("[   12.345678] ok 1 - x").description, "x");
        assert_eq!(point_of("<6>[12.3] not ok 2 x").number, Some(2));
    }

    #[test]
    fn lines_that_only_look_like_points_are_none() {
        for line in
            ["okay", "not okay", "not ok, said the machine", "nothing", "1..", "1..x", "okX 1"]
        {
            assert_eq!(parse(line, 0).line, Line::Other, "{line}");
        }
        assert_eq!(parse("# ok 1 a", 0).line, Line::Comment("ok 1 a"));
        assert!(matches!(parse("# ok 1 a", 1).line, Line::Point(_)));
        assert_eq!(
            parse("# not ok, said the machine", 1).line,
            Line::Comment("not ok, said the machine")
        );
    }

    #[test]
    fn depth_is_of_hashes_and_of_spaces() {
        assert_eq!(parse("[ 1.5]     ok 1", 0).depth, Depth { hashes: 0, indent: 4 });
        assert_eq!(parse("# # 1..3", 0).depth, Depth { hashes: 2, indent: 0 });
        assert_eq!(parse("1..0 # SKIP no board", 0).line, Line::Plan(0));
    }
}
