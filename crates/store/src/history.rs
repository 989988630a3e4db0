//! The history of results: which cases stood how in which releases and runs.
//!
//! A column of releases reads `case_standing`, which counts all machines; where machine or kernel are
//! asked for it reads `latest_result`. A column of runs reads the runs' own results. What may be absent
//! from a question is an empty text, so each statement stands here in full.
//!
//! A `+` before a column keeps SQLite from looking a condition up in an index that would read most of a
//! table: the cases of the page come first, whatever it has counted of its tables.

use std::collections::HashMap;

use domain::{
    history::{Column, History, HistoryQuery, HistoryRow, PastResult, Stood},
    ids::RunId,
    run::{Outcome, reported::Totals},
    subject::Subject,
    time::Timestamp,
};
use sqlx::{Any, any::AnyRow, query::Query};

use crate::{
    Rows, StoreError,
    columns::{containing, foreign, number, optional_number, text, time},
    results::totals,
    subjects::{SubjectNumber, judged, optional_subject},
};

/// A query for the cases of a page with their cells, of rows that each are a cell: what comes first names
/// the page, the other the cells. A case is one row of the answer, and its cells are one text, since 50 columns
/// of 500 cases would be 25,000 rows otherwise, and to hand these over takes longer than to find them.
macro_rules! cells_of {
    ($page:literal, $cells:literal) => {
        concat!(
            $page,
            " select b.case_id, b.title,
                     string_agg(b.place || ' ' || b.passed || ' ' || b.failed || ' ' || b.errored
                                || ' ' || b.skipped || ' ' || b.not_run, ',') as cells
              from (",
            $cells,
            ") b group by b.case_id, b.title order by b.case_id"
        )
    };
}

/// A query for results of cases, each with what names its run: of a run's many columns no more than that.
macro_rules! past_results {
    ($which:literal) => {
        concat!(
            "select u.id, u.subject_kind, u.release_id, u.variant_id, u.subject_name, u.subject_digest,
                    u.target, u.candidate, u.released_name, u.variant_name, u.machine, u.entry,
                    r.position, r.at, r.outcome as result_outcome, r.duration_us,
                    r.message as result_message, r.retries, r.failed_retries
             from test_case t
             join result r on r.test_case = t.number
             join run_with_names u on u.number = r.run ",
            $which
        )
    };
}

/// A statement under way.
type Statement<'a> = Query<'a, Any, <Any as sqlx::Database>::Arguments>;

/// What names the columns of a history: what each has for a number, newest first.
struct Numbered {
    columns: Vec<Column>,
    numbers: Vec<i64>,
}

impl Rows {
    /// A part of the history.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn history(&mut self, query: &HistoryQuery) -> Result<History, StoreError> {
        let (columns, read) = match query.by {
            domain::history::Columns::Releases => {
                let columns = self.release_columns(query).await?;
                let by_lane = query.machine.is_some() || query.kernel.is_some();
                let read = match by_lane {
                    false => self.standing_of_releases(query).await?,
                    true => self.standing_on_lanes(query).await?,
                };
                (columns, read)
            }
            domain::history::Columns::Runs => {
                let columns = self.run_columns(query).await?;
                (columns, self.results_of_runs(query).await?)
            }
        };
        laid_out(columns, &read, query.rows)
    }

    async fn release_columns(&mut self, query: &HistoryQuery) -> Result<Numbered, StoreError> {
        let rows = bind_period(
            sqlx::query(
                "select * from subject_with_names
                 where subject_kind <> 'variant' and revision > 0
                   and created_at between $1 and $2
                 order by created_at desc, number desc limit $3",
            ),
            query,
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing the columns of a history"))?;
        let mut numbered = Numbered { columns: Vec::new(), numbers: Vec::new() };
        for row in &rows {
            let (number, judged) = judged(row)?;
            numbered.columns.push(Column::Release(judged));
            numbered.numbers.push(number.0);
        }
        Ok(numbered)
    }

    async fn run_columns(&mut self, query: &HistoryQuery) -> Result<Numbered, StoreError> {
        let rows = bind_period(
            sqlx::query(
                "select * from run_with_names
                 where ended_at is not null and started_at between $1 and $2
                   and ($4 = '' or suite = $4) and ($5 = '' or machine = $5)
                   and ($6 = '' or kernel = $6)
                 order by started_at desc, number desc limit $3",
            ),
            query,
        )
        .bind(text_of(&query.suite))
        .bind(text_of(&query.machine))
        .bind(text_of(&query.kernel))
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing the columns of a history"))?;
        let mut numbered = Numbered { columns: Vec::new(), numbers: Vec::new() };
        for row in &rows {
            let about = optional_subject(row)?;
            numbered.numbers.push(number(row, "number")?);
            numbered.columns.push(Column::Run {
                id: RunId(text(row, "id")?),
                about: about.as_ref().map_or("", Subject::name).to_owned(),
                suite: text(row, "suite")?,
                machine: text(row, "machine")?,
                entry: text(row, "entry")?,
                started_at: time(row, "started_at")?,
            });
        }
        Ok(numbered)
    }

    async fn standing_of_releases(
        &mut self,
        query: &HistoryQuery,
    ) -> Result<Vec<AnyRow>, StoreError> {
        let statement = sqlx::query(cells_of!(
            "with shown as (
                 select number from subject
                 where kind <> 'variant' and revision > 0 and created_at between $1 and $2
                 order by created_at desc, number desc limit $3
             ),
             page as (
                 select t.number, t.case_id, t.title from test_case t
                 where t.case_id > $4
                   and (lower(t.case_id) like $5 escape '!' or lower(t.title) like $5 escape '!')
                   and ($6 = '' or t.number in
                        (select c.test_case from case_suite c join suite u on u.number = c.suite
                         where u.name = $6))
                   and ($7 = '' or t.number in (select test_case from case_tag where tag = $7))
                   and ($8 = '' or t.number in
                        (select l.test_case from latest_result l
                         where l.outcome = $8 and l.subject in (select number from shown)))
                   and ($9 = 0 or t.number in
                        (select s.test_case from case_standing s
                         where s.test_case in
                               (select f.test_case from latest_result f
                                where f.outcome in ('failed', 'errored')
                                  and f.subject in (select number from shown))
                           and +s.subject in (select number from shown)
                         group by s.test_case
                         having min(case when s.failed + s.errored > 0 then 1
                                         when s.passed > 0 then 0 else null end)
                             <> max(case when s.failed + s.errored > 0 then 1
                                         when s.passed > 0 then 0 else null end)))
                   and exists (select 1 from case_standing s
                               where s.test_case = t.number
                                 and +s.subject in (select number from shown))
                 order by t.case_id limit $10
             )",
            "select p.case_id, p.title, s.subject as place, s.passed, s.failed, s.errored, s.skipped,
                    s.not_run
             from page p
             join case_standing s on s.test_case = p.number
              and +s.subject in (select number from shown)"
        ));
        bind_cases(bind_period(statement, query), query)
            .fetch_all(self.connection())
            .await
            .map_err(StoreError::database("reading a history of releases"))
    }

    async fn standing_on_lanes(&mut self, query: &HistoryQuery) -> Result<Vec<AnyRow>, StoreError> {
        let statement = sqlx::query(cells_of!(
            "with shown as (
                 select number from subject
                 where kind <> 'variant' and revision > 0 and created_at between $1 and $2
                 order by created_at desc, number desc limit $3
             ),
             lanes as (select number from lane where $11 = '' or machine = $11),
             runs as (select number from run
                      where kernel = $12 and subject in (select number from shown)
                        and lane in (select number from lanes)),
             page as (
                 select t.number, t.case_id, t.title from test_case t
                 where t.case_id > $4
                   and (lower(t.case_id) like $5 escape '!' or lower(t.title) like $5 escape '!')
                   and ($6 = '' or t.number in
                        (select c.test_case from case_suite c join suite u on u.number = c.suite
                         where u.name = $6))
                   and ($7 = '' or t.number in (select test_case from case_tag where tag = $7))
                   and ($8 = '' or t.number in
                        (select l.test_case from latest_result l
                         where l.outcome = $8 and l.subject in (select number from shown)
                           and +l.lane in (select number from lanes)
                           and ($12 = '' or +l.run in (select number from runs))))
                   and ($9 = 0 or t.number in
                        (select l.test_case from latest_result l
                         where l.test_case in
                               (select f.test_case from latest_result f
                                where f.outcome in ('failed', 'errored')
                                  and f.subject in (select number from shown)
                                  and +f.lane in (select number from lanes))
                           and +l.subject in (select number from shown)
                           and +l.lane in (select number from lanes)
                           and ($12 = '' or +l.run in (select number from runs))
                         group by l.test_case
                         having min(case when l.outcome in ('failed', 'errored') then 1
                                         when l.outcome = 'passed' then 0 else null end)
                             <> max(case when l.outcome in ('failed', 'errored') then 1
                                         when l.outcome = 'passed' then 0 else null end)))
                   and ($12 = '' or (select count(*) from runs) > 0)
                   and exists (select 1 from latest_result l
                               where l.test_case = t.number
                                 and +l.subject in (select number from shown)
                                 and +l.lane in (select number from lanes)
                                 and ($12 = '' or +l.run in (select number from runs)))
                 order by t.case_id limit $10
             )",
            "select p.case_id, p.title, l.subject as place,
                    cast(sum(case l.outcome when 'passed' then 1 else 0 end) as bigint) as passed,
                    cast(sum(case l.outcome when 'failed' then 1 else 0 end) as bigint) as failed,
                    cast(sum(case l.outcome when 'errored' then 1 else 0 end) as bigint) as errored,
                    cast(sum(case l.outcome when 'skipped' then 1 else 0 end) as bigint) as skipped,
                    cast(sum(case l.outcome when 'not-run' then 1 else 0 end) as bigint) as not_run
             from page p
             join latest_result l on l.test_case = p.number
              and +l.subject in (select number from shown)
              and +l.lane in (select number from lanes)
              and ($12 = '' or +l.run in (select number from runs))
             group by p.case_id, p.title, l.subject"
        ));
        bind_cases(bind_period(statement, query), query)
            .bind(text_of(&query.machine))
            .bind(text_of(&query.kernel))
            .fetch_all(self.connection())
            .await
            .map_err(StoreError::database("reading a history of releases on machines"))
    }

    async fn results_of_runs(&mut self, query: &HistoryQuery) -> Result<Vec<AnyRow>, StoreError> {
        let statement = sqlx::query(cells_of!(
            "with shown as (
                 select r.number from run r
                 join lane l on l.number = r.lane
                 join suite u on u.number = r.suite
                 where r.ended_at is not null and r.started_at between $1 and $2
                   and ($6 = '' or u.name = $6) and ($11 = '' or l.machine = $11)
                   and ($12 = '' or r.kernel = $12)
                 order by r.started_at desc, r.number desc limit $3
             ),
             page as (
                 select t.number, t.case_id, t.title from test_case t
                 where t.case_id > $4
                   and (lower(t.case_id) like $5 escape '!' or lower(t.title) like $5 escape '!')
                   and ($7 = '' or t.number in (select test_case from case_tag where tag = $7))
                   and t.number in
                       (select r.test_case from result r where r.run in (select number from shown)
                          and ($8 = '' or r.outcome = $8))
                   and ($9 = 0 or t.number in
                        (select r.test_case from result r where r.run in (select number from shown)
                         group by r.test_case
                         having min(case when r.outcome in ('failed', 'errored') then 1
                                         when r.outcome = 'passed' then 0 else null end)
                             <> max(case when r.outcome in ('failed', 'errored') then 1
                                         when r.outcome = 'passed' then 0 else null end)))
                 order by t.case_id limit $10
             )",
            "select p.case_id, p.title, r.run as place,
                    case r.outcome when 'passed' then 1 else 0 end as passed,
                    case r.outcome when 'failed' then 1 else 0 end as failed,
                    case r.outcome when 'errored' then 1 else 0 end as errored,
                    case r.outcome when 'skipped' then 1 else 0 end as skipped,
                    case r.outcome when 'not-run' then 1 else 0 end as not_run
             from page p
             join result r on r.test_case = p.number and r.run in (select number from shown)"
        ));
        bind_cases(bind_period(statement, query), query)
            .bind(text_of(&query.machine))
            .bind(text_of(&query.kernel))
            .fetch_all(self.connection())
            .await
            .map_err(StoreError::database("reading a history of runs"))
    }
}

fn text_of(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or_default()
}

/// Binds `$1` to `$3`: which columns.
fn bind_period<'a>(statement: Statement<'a>, query: &HistoryQuery) -> Statement<'a> {
    statement
        .bind(query.from.map_or(i64::MIN, |day| day.begins().0))
        .bind(query.to.map_or(i64::MAX, |day| day.ends().0))
        .bind(i64::from(query.columns))
}

/// Binds `$4` to `$10`: which cases. One more than wanted tells that there are more.
fn bind_cases<'a>(statement: Statement<'a>, query: &'a HistoryQuery) -> Statement<'a> {
    statement
        .bind(text_of(&query.after))
        .bind(containing(query.search.as_deref()).to_ascii_lowercase())
        .bind(text_of(&query.suite))
        .bind(text_of(&query.tag))
        .bind(query.outcome.map_or("", Outcome::word))
        .bind(i64::from(query.only_changes))
        .bind(i64::from(query.rows) + 1)
}

/// Puts each cell into its row and column.
fn laid_out(columns: Numbered, read: &[AnyRow], limit: u32) -> Result<History, StoreError> {
    let places: HashMap<i64, usize> =
        columns.numbers.iter().enumerate().map(|(at, number)| (*number, at)).collect();
    let mut rows = Vec::with_capacity(read.len());
    for row in read {
        let told = text(row, "cells")?;
        let mut cells = vec![None; columns.numbers.len()];
        for cell in told.split(',') {
            let (place, totals) = self::cell(cell).ok_or_else(|| foreign("cells", cell))?;
            if let Some(at) = places.get(&place) {
                cells[*at] = Some(totals);
            }
        }
        rows.push(HistoryRow { case: text(row, "case_id")?, title: text(row, "title")?, cells });
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = more.then(|| rows.last().map(|last| last.case.clone())).flatten();
    Ok(History { columns: columns.columns, rows, next })
}

/// A cell in the form of `cells_of`: the number of its column, then what counts there.
fn cell(told: &str) -> Option<(i64, Totals)> {
    let (place, counted) = told.split_once(' ')?;
    let mut counted = counted.split(' ').map(|it| it.parse().ok());
    let mut next = || counted.next().flatten();
    let totals = Totals {
        passed: next()?,
        failed: next()?,
        errored: next()?,
        skipped: next()?,
        not_run: next()?,
    };
    Some((place.parse().ok()?, totals))
}

fn past(row: &AnyRow) -> Result<PastResult, StoreError> {
    let counted = |column| number(row, column).map(|it| u64::try_from(it).unwrap_or(0));
    Ok(PastResult {
        run: RunId(text(row, "id")?),
        position: counted("position")?,
        subject: optional_subject(row)?,
        machine: text(row, "machine")?,
        entry: text(row, "entry")?,
        at: time(row, "at")?,
        outcome: crate::columns::parsed(row, "result_outcome")?,
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
        sqlx::query(past_results!(
            "where t.case_id = $1 and r.at < $2 and u.ended_at is not null
               and ($3 = '' or u.machine = $3) and ($4 = '' or u.entry = $4)
               and ($6 = 0 or u.subject = $6)
             order by r.at desc, r.number desc limit $5"
        ))
        .bind(case)
        .bind(filter.before.map_or(i64::MAX, |at| at.0))
        .bind(text_of(&filter.machine))
        .bind(text_of(&filter.entry))
        .bind(i64::from(filter.limit))
        .bind(filter.subject.map_or(0, |it| it.0))
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing the results of a case"))?
        .iter()
        .map(past)
        .collect()
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
        sqlx::query(
            "select n.subject_kind, n.release_id, n.variant_id, n.subject_name, n.subject_digest,
                    n.target, n.candidate, n.released_name, n.variant_name, n.created_at,
                    s.passed, s.failed, s.errored, s.skipped, s.not_run
             from test_case t
             join case_standing s on s.test_case = t.number
             join subject_with_names n on n.number = s.subject
             where t.case_id = $1 and n.subject_kind <> 'variant'
             order by n.created_at desc, n.number desc limit $2",
        )
        .bind(case)
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("asking how a case stood"))?
        .iter()
        .map(|row| {
            let subject = optional_subject(row)?
                .ok_or_else(|| crate::columns::foreign("subject_kind", ""))?;
            Ok(Stood { subject, at: time(row, "created_at")?, totals: totals(row)? })
        })
        .collect()
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
