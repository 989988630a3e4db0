//! What differs between the results of two subjects.

use domain::{
    ids::RunId,
    run::{
        Outcome,
        comparison::{CaseChange, ComparedCase, SeenCase},
    },
};

use crate::{
    Rows, StoreError,
    columns::{Columns, number, optional_number, optional_parsed, optional_text, text},
    packed::{Packing, packed},
    subjects::SubjectNumber,
};

/// What differs between two subjects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// Every case that is not the same passing or silent one on both sides; by case, machine and entry.
    pub cases: Vec<ComparedCase>,
    /// How many are the same on both sides and do not fail.
    pub same: u64,
}

/// The results that differ. Most cases are the same everywhere, and one text says so.
const DIFFERS: Packing = packed!(
    [
        "case_id",
        "title",
        "machine",
        "entry",
        "here_run",
        "here_outcome",
        "here_duration",
        "here_message",
        "base_run",
        "base_outcome",
        "base_duration",
        "base_message",
    ],
    "with other as materialized (
         select h.test_case
         from case_standing h
         left join case_standing b on b.test_case = h.test_case and b.subject = $2
         where h.subject = $1
           and (b.places is null or b.places <> h.places or h.failed + h.errored > 0)
         union all
         select b.test_case
         from case_standing b
         left join case_standing h on h.test_case = b.test_case and h.subject = $1
         where b.subject = $2 and h.places is null
     ),
     differs as (
         select h.test_case, h.lane, h.result as here, b.result as base
         from latest_result h
         left join latest_result b
           on b.test_case = h.test_case and b.subject = $2 and b.lane = h.lane
         where h.test_case in (select test_case from other) and h.subject = $1
           and (b.outcome is null or b.outcome <> h.outcome
                or h.outcome in ('failed', 'errored'))
         union all
         select b.test_case, b.lane, null, b.result
         from latest_result b
         where b.test_case in (select test_case from other) and b.subject = $2
           and not exists (select 1 from latest_result h
                           where h.test_case = b.test_case and h.subject = $1
                             and h.lane = b.lane)
     )
     select t.case_id, t.title, l.machine, l.entry,
            hu.id as here_run, hr.outcome as here_outcome, hr.duration_us as here_duration,
            hr.message as here_message,
            bu.id as base_run, br.outcome as base_outcome, br.duration_us as base_duration,
            br.message as base_message
     from differs d
     join test_case t on t.number = d.test_case
     join lane l on l.number = d.lane
     left join result hr on hr.number = d.here
     left join run hu on hu.number = hr.run
     left join result br on br.number = d.base
     left join run bu on bu.number = br.run",
    "q.case_id, q.machine, q.entry"
);

fn side(
    row: &impl Columns,
    [run, outcome, duration, message]: [&'static str; 4],
) -> Result<Option<SeenCase>, StoreError> {
    let Some(outcome): Option<Outcome> = optional_parsed(row, outcome)? else { return Ok(None) };
    Ok(Some(SeenCase {
        run: RunId(text(row, run)?),
        outcome,
        duration_us: optional_number(row, duration)?,
        message: optional_text(row, message)?.unwrap_or_default(),
    }))
}

impl Rows {
    /// What differs between `here` and `base`, on each machine and boot entry.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn compare_subjects(
        &mut self,
        here: SubjectNumber,
        base: SubjectNumber,
    ) -> Result<Compared, StoreError> {
        let answer = sqlx::query(DIFFERS.sql)
            .bind(here.0)
            .bind(base.0)
            .fetch_one(self.connection())
            .await
            .map_err(StoreError::database("comparing what counts of two releases"))?;
        let cases = DIFFERS.read(&answer, |row| {
            let here = side(row, ["here_run", "here_outcome", "here_duration", "here_message"])?;
            let base = side(row, ["base_run", "base_outcome", "base_duration", "base_message"])?;
            let outcome = |side: &Option<SeenCase>| side.as_ref().map(|it| it.outcome);
            let change = CaseChange::of(outcome(&here), outcome(&base));
            Ok(ComparedCase {
                entry: text(row, "entry")?,
                machine: text(row, "machine")?,
                case: text(row, "case_id")?,
                title: text(row, "title")?,
                change,
                here,
                base,
            })
        })?;
        let of_here = cases.iter().filter(|it| it.here.is_some()).count() as u64;
        let same = self.results_that_count(here).await?.saturating_sub(of_here);
        Ok(Compared { cases, same })
    }

    /// How many results count of a subject.
    async fn results_that_count(&mut self, subject: SubjectNumber) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "select passed + failed + errored + skipped + not_run as counted from subject
             where number = $1",
        )
        .bind(subject.0)
        .fetch_one(self.connection())
        .await
        .map_err(StoreError::database("counting what counts of a subject"))?;
        Ok(u64::try_from(number(&row, "counted")?).unwrap_or(0))
    }
}
