//! The past of a case: its results in all runs, how it stood in releases, and what comes next. The grid of
//! many cases is in [`grid`].

mod grid;

use domain::{
    history::{PastResult, Stood},
    ids::RunId,
    time::Timestamp,
};

use crate::{
    Rows, StoreError,
    columns::{Columns, foreign, number, optional_number, parsed, text, time},
    packed::{Packing, packed},
    results::totals,
    subjects::{SubjectNumber, optional_subject},
};

/// A query for results of cases, each with what names its run: of a run's many columns no more than that.
macro_rules! past_results {
    ($which:literal) => {
        concat!(
            "select u.id, u.subject_kind, u.release_id, u.variant_id, u.subject_name, u.subject_digest,
                    u.target, u.candidate, u.released_name, u.variant_name, u.machine, u.entry,
                    r.number as result_number, r.position, r.at, r.outcome as result_outcome, r.duration_us,
                    r.message as result_message, r.retries, r.failed_retries
             from test_case t
             join result r on r.test_case = t.number
             join run_with_names u on u.number = r.run ",
            $which
        )
    };
}

const RESULTS_OF_CASE: Packing = packed!(
    [
        "id",
        "subject_kind",
        "release_id",
        "variant_id",
        "subject_name",
        "subject_digest",
        "target",
        "candidate",
        "released_name",
        "variant_name",
        "machine",
        "entry",
        "position",
        "at",
        "result_outcome",
        "duration_us",
        "result_message",
        "retries",
        "failed_retries",
    ],
    past_results!(
        "where t.case_id = $1 and r.at < $2 and u.ended_at is not null
           and ($3 = '' or u.machine = $3) and ($4 = '' or u.entry = $4)
           and ($6 = 0 or u.subject = $6)
         order by r.at desc, r.number desc limit $5"
    ),
    "q.at desc, q.result_number desc"
);

const STANDING_OF_CASE: Packing = packed!(
    [
        "subject_kind",
        "release_id",
        "variant_id",
        "subject_name",
        "subject_digest",
        "target",
        "candidate",
        "released_name",
        "variant_name",
        "created_at",
        "passed",
        "failed",
        "errored",
        "skipped",
        "not_run",
    ],
    "select n.number, n.subject_kind, n.release_id, n.variant_id, n.subject_name, n.subject_digest,
            n.target, n.candidate, n.released_name, n.variant_name, n.created_at,
            s.passed, s.failed, s.errored, s.skipped, s.not_run
     from test_case t
     join case_standing s on s.test_case = t.number
     join subject_with_names n on n.number = s.subject
     where t.case_id = $1 and n.subject_kind <> 'variant'
     order by n.created_at desc, n.number desc limit $2",
    "q.created_at desc, q.number desc"
);

fn text_of(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or_default()
}

fn past(row: &impl Columns) -> Result<PastResult, StoreError> {
    let counted = |column| number(row, column).map(|it| u64::try_from(it).unwrap_or(0));
    Ok(PastResult {
        run: RunId(text(row, "id")?),
        position: counted("position")?,
        subject: optional_subject(row)?,
        machine: text(row, "machine")?,
        entry: text(row, "entry")?,
        at: time(row, "at")?,
        outcome: parsed(row, "result_outcome")?,
        duration_us: optional_number(row, "duration_us")?,
        message: text(row, "result_message")?,
        retries: (counted("retries")?, counted("failed_retries")?),
    })
}

/// Which results of a case are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PastFilter {
    /// Only those on this machine.
    pub machine: Option<String>,
    /// Only those of the boot entry of this label.
    pub entry: Option<String>,
    /// Only those about this subject.
    pub subject: Option<SubjectNumber>,
    /// Only those of runs that began before this; the newest where absent.
    pub before: Option<Timestamp>,
    /// How many at the most.
    pub limit: u32,
}

impl Rows {
    /// What the newest run calls a case; `None` where no run has ever had it.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn case_title(&mut self, case: &str) -> Result<Option<String>, StoreError> {
        sqlx::query("select title from test_case where case_id = $1")
            .bind(case)
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking a case up"))?
            .map(|row| text(&row, "title"))
            .transpose()
    }

    /// The results of a case, newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn results_of_case(
        &mut self,
        case: &str,
        filter: &PastFilter,
    ) -> Result<Vec<PastResult>, StoreError> {
        let answer = sqlx::query(RESULTS_OF_CASE.sql)
            .bind(case)
            .bind(filter.before.map_or(i64::MAX, |at| at.0))
            .bind(text_of(&filter.machine))
            .bind(text_of(&filter.entry))
            .bind(i64::from(filter.limit))
            .bind(filter.subject.map_or(0, |it| it.0))
            .fetch_one(self.connection())
            .await
            .map_err(StoreError::database("listing the results of a case"))?;
        RESULTS_OF_CASE.read(&answer, past)
    }

    /// The result of a case, machine and boot entry that came next after runs that began at `after`.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn next_result_of_case(
        &mut self,
        case: &str,
        (machine, entry): (&str, &str),
        after: Timestamp,
    ) -> Result<Option<PastResult>, StoreError> {
        sqlx::query(past_results!(
            "where t.case_id = $1 and r.at > $2 and u.ended_at is not null
               and u.machine = $3 and u.entry = $4
             order by r.at, r.number limit 1"
        ))
        .bind(case)
        .bind(after.0)
        .bind(machine)
        .bind(entry)
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking for the next result of a case"))?
        .as_ref()
        .map(past)
        .transpose()
    }

    /// How a case stood in the newest releases, newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn standing_of_case(
        &mut self,
        case: &str,
        limit: u32,
    ) -> Result<Vec<Stood>, StoreError> {
        let answer = sqlx::query(STANDING_OF_CASE.sql)
            .bind(case)
            .bind(i64::from(limit))
            .fetch_one(self.connection())
            .await
            .map_err(StoreError::database("asking how a case stood"))?;
        STANDING_OF_CASE.read(&answer, |row| {
            let subject = optional_subject(row)?.ok_or_else(|| foreign("subject_kind", ""))?;
            Ok(Stood { subject, at: time(row, "created_at")?, totals: totals(row)? })
        })
    }

    /// The words that filters of a history offer: suites, machines, kernels and tags, each in order.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn history_words(&mut self) -> Result<[Vec<String>; 4], StoreError> {
        let rows = sqlx::query(
            "select 0 as kind, name as word from suite
             union select 1, machine from lane
             union select 2, kernel from (select distinct kernel from run where kernel <> '') k
             union select 3, tag from (select distinct tag from case_tag limit 500) t
             order by 1, 2",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing the words of filters"))?;
        let mut words: [Vec<String>; 4] = Default::default();
        for row in &rows {
            let kind = usize::try_from(number(row, "kind")?).unwrap_or(0);
            if let Some(words) = words.get_mut(kind) {
                words.push(text(row, "word")?);
            }
        }
        Ok(words)
    }
}
