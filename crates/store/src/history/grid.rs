//! The grid of cases and of releases or runs.
//!
//! A column of releases reads `case_standing`, which counts all machines; where machine or kernel are
//! asked for it reads `latest_result`. A column of runs reads the runs' own results. What may be absent
//! from a question is an empty text, so that a statement stands in full.
//!
//! SQLite looks things up in the order in which `cross join` names them, and not in an index whose column has
//! a `+` before it: the cases of the page come first, then of each case only its cells, whatever
//! SQLite has counted of its tables.

use std::collections::HashMap;

use domain::{
    history::{Column, Columns, History, HistoryQuery, HistoryRow},
    ids::RunId,
    run::{Outcome, reported::Totals},
    subject::Subject,
};
use sqlx::{Any, query::Query};

use super::text_of;
use crate::{
    Rows, StoreError,
    columns::{self, containing, foreign, number, text, time},
    packed::{Packing, packed},
    subjects::{judged, optional_subject},
};

/// A query for the cases of a page with their cells. What comes first names the tables `shown`, `page` and
/// what else it needs; then where cells are, what is the column of one, and what it counts: passed, failed,
/// errored, skipped and not run.
///
/// A case is one row of the answer, and its cells are one text, since 50 columns of 500 cases would be
/// 25,000 rows otherwise, and to hand these over takes longer than to find them.
macro_rules! cells_of {
    ($tables:expr, $column:literal, $counted:expr, $from:literal) => {
        packed!(
            ["case_id", "title", "cells"],
            concat!(
                "with ",
                $tables,
                " select p.case_id, p.title,
                     (select string_agg(",
                $column,
                " || ",
                $counted,
                ", ',') from ",
                $from,
                ") as cells
              from page p"
            ),
            "q.case_id"
        )
    };
}

/// What a cell of a single result counts.
macro_rules! one_outcome {
    () => {
        "case l.outcome when 'passed' then ' 1 0 0 0 0' when 'failed' then ' 0 1 0 0 0'
              when 'errored' then ' 0 0 1 0 0' when 'skipped' then ' 0 0 0 1 0'
              else ' 0 0 0 0 1' end"
    };
}

/// Of results `l` of a case: whether they say that it works, and that it does not.
macro_rules! says_both {
    () => {
        "min(case when l.outcome in ('failed', 'errored') then 1
                  when l.outcome = 'passed' then 0 else null end)
      <> max(case when l.outcome in ('failed', 'errored') then 1
                  when l.outcome = 'passed' then 0 else null end)"
    };
}

/// The releases that are columns.
macro_rules! shown_releases {
    () => {
        "shown as materialized (
             select number from subject
             where kind <> 'variant' and revision > 0 and created_at between $1 and $2
             order by created_at desc, number desc limit $3
         ),"
    };
}

/// The beginning of `page`: cases `t` by what is known of them apart from their results.
macro_rules! cases {
    () => {
        "page as (
             select t.number, t.case_id, t.title from test_case t
             where t.case_id > $5
               and (lower(t.case_id) like $6 escape '!' or lower(t.title) like $6 escape '!')
               and ($7 = '' or t.number in (select test_case from case_tag where tag = $7))"
    };
}

/// More of `page`: cases that have ever been run in the suite.
macro_rules! of_suite {
    () => {
        "and ($4 = '' or t.number in
              (select c.test_case from case_suite c join suite u on u.number = c.suite
               where u.name = $4))"
    };
}

/// The runs that are columns, where all are looked at from the newest on.
macro_rules! newest_runs {
    ($machine:literal, $kernel:literal) => {
        concat!(
            "select r.number from run r
         join lane l on l.number = r.lane
         join suite u on u.number = r.suite
         where r.ended_at is not null and r.started_at between $1 and $2
           and ($4 = '' or u.name = $4) and (",
            $machine,
            " = '' or l.machine = ",
            $machine,
            ")
           and (",
            $kernel,
            " = '' or r.kernel = ",
            $kernel,
            ")
         order by r.started_at desc, r.number desc limit $3"
        )
    };
}

/// The same where a suite or a machine is asked for, of which few runs are: those of these.
macro_rules! runs_of_few {
    ($machine:literal, $kernel:literal) => {
        concat!(
            "select r.number from run r
         where r.suite in (select number from suite where $4 = '' or name = $4)
           and r.lane in (select number from lane where ",
            $machine,
            " = '' or machine = ",
            $machine,
            ")
           and r.ended_at is not null and +r.started_at between $1 and $2
           and (",
            $kernel,
            " = '' or r.kernel = ",
            $kernel,
            ")
         order by +r.started_at desc, r.number desc limit $3"
        )
    };
}

/// What names the runs that are columns.
macro_rules! named_runs {
    ($runs:expr) => {
        concat!(
            "with shown as materialized (",
            $runs,
            ") select n.* from shown s join run_with_names n on n.number = s.number
               order by n.started_at desc, n.number desc"
        )
    };
}

/// Their results.
macro_rules! results_of {
    ($runs:expr) => {
        cells_of!(
            concat!(
                "shown as materialized (",
                $runs,
                "),",
                cases!(),
                "  and t.number in
                       (select l.test_case from result l where l.run in (select number from shown)
                          and ($8 = '' or l.outcome = $8))
                   and ($9 = 0 or t.number in
                        (select l.test_case from result l where l.run in (select number from shown)
                         group by l.test_case having ",
                says_both!(),
                "))
                 order by t.case_id limit $10
                 )"
            ),
            "l.run",
            one_outcome!(),
            "shown s cross join result l where l.run = s.number and l.test_case = p.number"
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
        let columns = match query.by {
            Columns::Releases => self.release_columns(query).await?,
            Columns::Runs => self.run_columns(query).await?,
        };
        let (packing, parts) = match query.by {
            Columns::Releases if query.kernel.is_some() => (standing_on_kernel(), Parts::Kernel),
            Columns::Releases if query.machine.is_some() => (standing_on_machine(), Parts::Machine),
            Columns::Releases => (standing_of_releases(), Parts::Cases),
            Columns::Runs if of_few(query) => {
                (results_of!(runs_of_few!("$11", "$12")), Parts::Kernel)
            }
            Columns::Runs => (results_of!(newest_runs!("$11", "$12")), Parts::Kernel),
        };
        let mut statement = bind_cases(bind_columns(sqlx::query(packing.sql), query), query);
        if parts != Parts::Cases {
            statement = statement.bind(text_of(&query.machine));
        }
        if parts == Parts::Kernel {
            statement = statement.bind(text_of(&query.kernel));
        }
        let answer = statement
            .fetch_one(self.connection())
            .await
            .map_err(StoreError::database("reading a history"))?;
        let places: HashMap<i64, usize> =
            columns.numbers.iter().enumerate().map(|(at, number)| (*number, at)).collect();
        let mut rows = packing.read(&answer, |row| laid_out(row, &places))?;
        let limit = usize::try_from(query.rows).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = more.then(|| rows.last().map(|last| last.case.clone())).flatten();
        Ok(History { columns: columns.columns, rows, next })
    }

    async fn release_columns(&mut self, query: &HistoryQuery) -> Result<Numbered, StoreError> {
        let statement = "select * from subject_with_names
             where subject_kind <> 'variant' and revision > 0
               and created_at between $1 and $2
             order by created_at desc, number desc limit $3";
        let rows = bind_columns(sqlx::query(statement), query)
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
        let statement = match of_few(query) {
            true => named_runs!(runs_of_few!("$5", "$6")),
            false => named_runs!(newest_runs!("$5", "$6")),
        };
        let rows = bind_columns(sqlx::query(statement), query)
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
}

/// How the cases stand in releases, all machines counted.
///
/// Most cases pass somewhere, and few do what else may be asked for: the former is seen case by case.
const fn standing_of_releases() -> Packing {
    cells_of!(
        concat!(
            shown_releases!(),
            cases!(),
            of_suite!(),
            "  and ($8 in ('', 'passed') or t.number in
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
                             and +s.subject in (select number from shown)
                             and ($8 <> 'passed' or s.passed > 0))
             order by t.case_id limit $10
             )"
        ),
        "s.subject",
        "' ' || s.passed || ' ' || s.failed || ' ' || s.errored || ' ' || s.skipped || ' '
         || s.not_run",
        "case_standing s
         where s.test_case = p.number and +s.subject in (select number from shown)"
    )
}

/// How they stand on a machine.
const fn standing_on_machine() -> Packing {
    cells_of!(
        concat!(
            shown_releases!(),
            "lanes as materialized (select number from lane where machine = $11),",
            cases!(),
            of_suite!(),
            "  and ($8 in ('', 'passed') or t.number in
                    (select l.test_case from latest_result l
                     where l.outcome = $8 and l.subject in (select number from shown)
                       and +l.lane in (select number from lanes)))
               and ($9 = 0 or t.number in
                    (select l.test_case from latest_result l
                     where l.test_case in
                           (select f.test_case from latest_result f
                            where f.outcome in ('failed', 'errored')
                              and f.subject in (select number from shown)
                              and +f.lane in (select number from lanes))
                       and +l.subject in (select number from shown)
                       and +l.lane in (select number from lanes)
                     group by l.test_case having ",
            says_both!(),
            "))
               and exists (select 1 from shown s cross join lanes n cross join latest_result l
                           where l.test_case = t.number and l.subject = s.number
                             and l.lane = n.number and ($8 <> 'passed' or l.outcome = 'passed'))
             order by t.case_id limit $10
             )"
        ),
        "l.subject",
        one_outcome!(),
        "shown s cross join lanes n cross join latest_result l
         where l.test_case = p.number and l.subject = s.number and l.lane = n.number"
    )
}

/// How they stand with a kernel, and on a machine where one is asked for.
const fn standing_on_kernel() -> Packing {
    cells_of!(
        concat!(
            shown_releases!(),
            "runs as materialized (
                 select r.number, r.subject, r.lane from shown s cross join run r
                 where r.kernel = $12 and r.subject = s.number
                   and r.lane in (select number from lane where $11 = '' or machine = $11)
             ),
             places as materialized (select distinct subject, lane from runs),",
            cases!(),
            of_suite!(),
            "  and ($8 in ('', 'passed') or t.number in
                    (select l.test_case from runs r cross join latest_result l
                     where l.subject = r.subject and l.run = r.number and l.outcome = $8))
               and ($9 = 0 or t.number in
                    (select l.test_case from latest_result l
                     where l.test_case in
                           (select f.test_case from runs r cross join latest_result f
                            where f.subject = r.subject and f.run = r.number
                              and f.outcome in ('failed', 'errored'))
                       and +l.run in (select number from runs)
                     group by l.test_case having ",
            says_both!(),
            "))
               and exists (select 1 from places s cross join latest_result l
                           where l.test_case = t.number and l.subject = s.subject
                             and l.lane = s.lane and l.run in (select number from runs)
                             and ($8 <> 'passed' or l.outcome = 'passed'))
             order by t.case_id limit $10
             )"
        ),
        "l.subject",
        one_outcome!(),
        "latest_result l
         where l.test_case = p.number and +l.run in (select number from runs)"
    )
}

/// Which parts of a question a statement asks for: each those before it as well.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parts {
    Cases,
    Machine,
    Kernel,
}

/// Whether few runs can be columns, whenever they began.
fn of_few(query: &HistoryQuery) -> bool {
    query.suite.is_some() || query.machine.is_some()
}

/// Binds `$1` to `$3`: which columns.
fn bind_columns<'a>(statement: Statement<'a>, query: &HistoryQuery) -> Statement<'a> {
    statement
        .bind(query.from.map_or(i64::MIN, |day| day.begins().0))
        .bind(query.to.map_or(i64::MAX, |day| day.ends().0))
        .bind(i64::from(query.columns))
}

/// Binds `$4` to `$10`: which cases. One more than wanted tells that there are more.
fn bind_cases<'a>(statement: Statement<'a>, query: &'a HistoryQuery) -> Statement<'a> {
    statement
        .bind(text_of(&query.suite))
        .bind(text_of(&query.after))
        .bind(containing(query.search.as_deref()).to_ascii_lowercase())
        .bind(text_of(&query.tag))
        .bind(query.outcome.map_or("", Outcome::word))
        .bind(i64::from(query.only_changes))
        .bind(i64::from(query.rows) + 1)
}

/// Puts each cell of a case into its column.
fn laid_out(
    row: &impl columns::Columns,
    places: &HashMap<i64, usize>,
) -> Result<HistoryRow, StoreError> {
    let mut cells: Vec<Option<Totals>> = vec![None; places.len()];
    let told = text(row, "cells")?;
    for cell in told.split(',') {
        let (place, totals) = self::cell(cell).ok_or_else(|| foreign("cells", cell))?;
        if let Some(at) = places.get(&place) {
            let cell = &mut cells[*at];
            *cell = Some(cell.unwrap_or_default().plus(&totals));
        }
    }
    Ok(HistoryRow { case: text(row, "case_id")?, title: text(row, "title")?, cells })
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
