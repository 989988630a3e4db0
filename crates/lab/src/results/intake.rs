//! What every importer hands its cases to: texts are bounded, ids made unique, cases counted.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    ops::ControlFlow,
};

use domain::run::{
    Outcome,
    reported::{EarlierAttempt, Measurement, ReportedCase, ReportedRun, ResultFormat, Totals},
};

use super::{
    ResultFileError,
    text::{ID, TITLE, block, one_line},
};

/// The most sentences of a kind that are kept.
pub(super) const SENTENCES: usize = 20;
/// The most suites, tags, measurements and attempts of a case.
pub(super) const PARTS: usize = 100;
/// The most suites within each other: a case carries the names of all.
pub(super) const SUITES_DEEP: usize = 24;

/// Takes the cases of one file.
pub(super) struct Intake<'a> {
    sink: &'a mut dyn FnMut(ReportedCase) -> ControlFlow<()>,
    /// How often each id came, by its hash: ids themselves would be as large as the file.
    seen: HashMap<u64, u32>,
    run: ReportedRun,
    remarks_left_out: usize,
    contradictions_left_out: usize,
}

impl<'a> Intake<'a> {
    /// For a file of this format.
    pub(super) fn new(
        format: ResultFormat,
        sink: &'a mut dyn FnMut(ReportedCase) -> ControlFlow<()>,
    ) -> Self {
        let run = ReportedRun {
            format,
            generator: String::new(),
            suite: String::new(),
            started_at: None,
            ended_at: None,
            totals: Totals::default(),
            contradictions: Vec::new(),
            incomplete: None,
            remarks: Vec::new(),
        };
        Self { sink, seen: HashMap::new(), run, remarks_left_out: 0, contradictions_left_out: 0 }
    }

    /// What is said of the file as a whole, to be filled in.
    pub(super) const fn run(&mut self) -> &mut ReportedRun {
        &mut self.run
    }

    /// Hands one case over.
    pub(super) fn case(&mut self, mut case: ReportedCase) -> Result<(), ResultFileError> {
        tidy(&mut case);
        self.make_unique(&mut case.id);
        self.run.totals.count(case.outcome);
        match (self.sink)(case) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(ResultFileError::Stopped),
        }
    }

    fn make_unique(&mut self, id: &mut String) {
        let first = hash(id);
        let mut number = self.seen.get(&first).copied().unwrap_or(0) + 1;
        if number > 1 {
            let unique = loop {
                let suffix = format!(" ({number})");
                let candidate = format!("{}{suffix}", one_line(id, ID - suffix.len()));
                if let Entry::Vacant(free) = self.seen.entry(hash(&candidate)) {
                    free.insert(1);
                    break candidate;
                }
                number = number.saturating_add(1);
            };
            self.remark(format!("The id {id:?} came again: this one is called {unique:?}."));
            *id = unique;
        }
        self.seen.insert(first, number);
    }

    /// Something that should be known.
    pub(super) fn remark(&mut self, sentence: String) {
        keep(&mut self.run.remarks, &mut self.remarks_left_out, sentence);
    }

    /// A total of the file that its cases do not bear out.
    pub(super) fn contradiction(&mut self, sentence: String) {
        keep(&mut self.run.contradictions, &mut self.contradictions_left_out, sentence);
    }

    /// Compares what the file says of itself with what was found.
    pub(super) fn compare(&mut self, of: &str, what: &str, stated: Option<u64>, found: u64) {
        if let Some(stated) = stated.filter(|stated| *stated != found) {
            self.contradiction(format!("{of} counts {stated} {what}, and {found} are there."));
        }
    }

    /// The cases so far, counted.
    pub(super) const fn totals(&self) -> Totals {
        self.run.totals
    }

    /// The end of the file.
    pub(super) fn finish(mut self) -> ReportedRun {
        let more = [
            (&mut self.run.remarks, self.remarks_left_out),
            (&mut self.run.contradictions, self.contradictions_left_out),
        ];
        for (sentences, left_out) in more {
            if left_out > 0 {
                sentences.push(format!("{left_out} more of this kind are left out."));
            }
        }
        let sentences = self.run.remarks.iter_mut().chain(&mut self.run.contradictions);
        for sentence in sentences.chain(&mut self.run.incomplete) {
            *sentence = one_line(sentence, TITLE);
        }
        self.run.generator = one_line(&self.run.generator, TITLE);
        self.run.suite = one_line(&self.run.suite, TITLE);
        self.run
    }
}

fn keep(sentences: &mut Vec<String>, left_out: &mut usize, sentence: String) {
    if sentences.len() < SENTENCES {
        sentences.push(sentence);
    } else {
        *left_out += 1;
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Bounds every text of a case; what was bounded already stays as it is.
fn tidy(case: &mut ReportedCase) {
    case.id = one_line(&case.id, ID);
    if case.id.is_empty() {
        "unnamed".clone_into(&mut case.id);
    }
    case.title = one_line(&case.title, TITLE);
    if case.title.is_empty() {
        case.title.clone_from(&case.id);
    }
    for names in [&mut case.suites, &mut case.tags] {
        names.truncate(PARTS);
        for name in names {
            *name = one_line(name, TITLE);
        }
    }
    case.message = block(&case.message);
    case.excerpt = block(&case.excerpt);
    case.duration_us = case.duration_us.filter(|duration| *duration >= 0);
    case.measurements.retain(|Measurement { value, .. }| value.is_finite());
    case.measurements.truncate(PARTS);
    for measurement in &mut case.measurements {
        measurement.name = one_line(&measurement.name, ID);
        measurement.unit = one_line(&measurement.unit, ID);
    }
    case.earlier.truncate(PARTS);
    for EarlierAttempt { duration_us, message, .. } in &mut case.earlier {
        *duration_us = duration_us.filter(|duration| *duration >= 0);
        *message = block(message);
    }
}

/// A case of which only this is known; the rest is empty.
pub(super) fn case(id: String, title: String, outcome: Outcome) -> ReportedCase {
    ReportedCase {
        id,
        title,
        suites: Vec::new(),
        tags: Vec::new(),
        outcome,
        started_at: None,
        duration_us: None,
        message: String::new(),
        excerpt: String::new(),
        measurements: Vec::new(),
        earlier: Vec::new(),
    }
}
