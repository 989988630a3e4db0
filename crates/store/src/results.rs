//! Results: what runs say of cases, and what counts of it now.
//!
//! A million results and more are expected, so no page counts them. When a run ends, its results
//! become the newest of their case, subject and lane (`latest_result`), the lanes of each of its cases
//! are counted anew (`case_standing`), the runs of its lane (`run_standing`), and the cases of its subject
//! (`subject`): all in the transaction that ends it.

use domain::{
    ids::RunId,
    run::{
        CaseResult, Outcome,
        reported::{ReportedCase, Totals},
        signature::signature,
    },
};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{
        Columns, json, number, optional_number, optional_text, optional_time, parsed, text, to_json,
    },
};

/// The columns `passed`, `failed`, `errored`, `skipped` and `not_run`.
pub(crate) fn totals(row: &impl Columns) -> Result<Totals, StoreError> {
    let counted = |column| number(row, column).map(|count| u64::try_from(count).unwrap_or(0));
    Ok(Totals {
        passed: counted("passed")?,
        failed: counted("failed")?,
        errored: counted("errored")?,
        skipped: counted("skipped")?,
        not_run: counted("not_run")?,
    })
}

fn case_result(row: &AnyRow) -> Result<CaseResult, StoreError> {
    Ok(CaseResult {
        case: text(row, "case_id")?,
        title: text(row, "title")?,
        outcome: parsed(row, "outcome")?,
        duration_us: optional_number(row, "duration_us")?,
        message: text(row, "message")?,
    })
}

/// PostgreSQL keeps no NUL in a text.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

impl Rows {
    /// All results of a run, in its order.
    pub(crate) async fn results(&mut self, run: &RunId) -> Result<Vec<CaseResult>, StoreError> {
        sqlx::query(
            "select t.case_id, d.title, r.outcome, r.duration_us, r.message
             from run u
             join result r on r.run = u.number
             join test_case t on t.number = r.test_case
             join case_description d on d.number = r.description
             where u.id = $1 order by r.position",
        )
        .bind(run.as_str())
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing results"))?
        .iter()
        .map(case_result)
        .collect()
    }
}

/// Which results of a run are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ResultFilter {
    /// Only those that ended so.
    pub outcome: Option<Outcome>,
    /// Only those that speak against what is tested.
    pub failing: bool,
    /// Only those after this position.
    pub after: Option<u64>,
    /// How many at the most.
    pub limit: u32,
}

fn recorded(row: &AnyRow) -> Result<(u64, ReportedCase), StoreError> {
    let detailed = optional_text(row, "excerpt")?.is_some();
    let case = ReportedCase {
        id: text(row, "case_id")?,
        title: text(row, "title")?,
        suites: json(row, "suites")?,
        tags: json(row, "tags")?,
        outcome: parsed(row, "outcome")?,
        started_at: optional_time(row, "started_at")?,
        duration_us: optional_number(row, "duration_us")?,
        message: text(row, "message")?,
        excerpt: optional_text(row, "excerpt")?.unwrap_or_default(),
        measurements: if detailed { json(row, "measurements")? } else { Vec::new() },
        earlier: if detailed { json(row, "earlier")? } else { Vec::new() },
    };
    Ok((u64::try_from(number(row, "position")?).unwrap_or(0), case))
}

impl Rows {
    /// Results of a run with all that is known of them, each with its position, in the run's order.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn recorded_results(
        &mut self,
        run: &RunId,
        filter: &ResultFilter,
    ) -> Result<Vec<(u64, ReportedCase)>, StoreError> {
        let after = filter.after.map_or(-1, |it| i64::try_from(it).unwrap_or(i64::MAX));
        sqlx::query(
            "select r.position, t.case_id, d.title, d.suites, d.tags, r.outcome, r.started_at,
                    r.duration_us, r.message, e.excerpt, e.measurements, e.earlier
             from run u
             join result r on r.run = u.number
             join test_case t on t.number = r.test_case
             join case_description d on d.number = r.description
             left join result_detail e on e.result = r.number
             where u.id = $1 and r.position > $2 and ($3 = '' or r.outcome = $3)
               and ($4 = 0 or r.outcome in ('failed', 'errored'))
             order by r.position limit $5",
        )
        .bind(run.as_str())
        .bind(after)
        .bind(filter.outcome.map_or("", Outcome::word))
        .bind(i64::from(filter.failing))
        .bind(i64::from(filter.limit))
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing results with their details"))?
        .iter()
        .map(recorded)
        .collect()
    }

    /// What a run says of one case, with its position; `None` where it says nothing of it.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn recorded_result(
        &mut self,
        run: &RunId,
        case: &str,
    ) -> Result<Option<(u64, ReportedCase)>, StoreError> {
        sqlx::query(
            "select r.position, t.case_id, d.title, d.suites, d.tags, r.outcome, r.started_at,
                    r.duration_us, r.message, e.excerpt, e.measurements, e.earlier
             from run u
             join test_case t on t.case_id = $2
             join result r on r.run = u.number and r.test_case = t.number
             join case_description d on d.number = r.description
             left join result_detail e on e.result = r.number
             where u.id = $1
             order by r.position limit 1",
        )
        .bind(run.as_str())
        .bind(case)
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking a result up"))?
        .as_ref()
        .map(recorded)
        .transpose()
    }
}

impl WriteTx {
    /// Adds results to a run that has not ended; `position` is that of the first of them.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where the run has ended already, or there is none.
    pub async fn insert_results(
        &mut self,
        run: &RunId,
        position: u64,
        cases: &[ReportedCase],
    ) -> Result<(), StoreError> {
        let row =
            sqlx::query("select number, started_at from run where id = $1 and ended_at is null")
                .bind(run.as_str())
                .fetch_optional(self.connection())
                .await
                .map_err(StoreError::database("looking a run up"))?;
        let Some(row) = row else { return Err(StoreError::Changed("run")) };
        let run = (number(&row, "number")?, number(&row, "started_at")?);
        let first = i64::try_from(position).unwrap_or(i64::MAX);
        for (position, case) in (first..).zip(cases) {
            self.insert_result(run, position, case).await?;
        }
        Ok(())
    }

    async fn insert_result(
        &mut self,
        (run, at): (i64, i64),
        position: i64,
        case: &ReportedCase,
    ) -> Result<(), StoreError> {
        let test_case = self.test_case(&case.id, &case.title).await?;
        let description = self.case_description(test_case, case).await?;
        let failed = case.earlier.iter().filter(|it| it.outcome.fails()).count();
        let row = sqlx::query(
            "insert into result (run, position, at, test_case, description, outcome, started_at,
                                 duration_us, message, signature, retries, failed_retries)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
             returning number",
        )
        .bind(run)
        .bind(position)
        .bind(at)
        .bind(test_case)
        .bind(description)
        .bind(case.outcome.word())
        .bind(case.started_at.map(|at| at.0))
        .bind(case.duration_us)
        .bind(without_nul(&case.message))
        .bind(case.outcome.fails().then(|| signature(&case.message)))
        .bind(i64::try_from(case.earlier.len()).unwrap_or(i64::MAX))
        .bind(i64::try_from(failed).unwrap_or(i64::MAX))
        .fetch_one(self.connection())
        .await
        .map_err(StoreError::database("keeping a result"))?;
        if case.excerpt.is_empty() && case.measurements.is_empty() && case.earlier.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "insert into result_detail (result, excerpt, measurements, earlier)
             values ($1, $2, $3, $4)",
        )
        .bind(number(&row, "number")?)
        .bind(without_nul(&case.excerpt))
        .bind(to_json(&case.measurements)?)
        .bind(to_json(&case.earlier)?)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("keeping the details of a result"))?;
        Ok(())
    }

    /// The number of a case, which is called `title` from now on.
    async fn test_case(&mut self, id: &str, title: &str) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "insert into test_case (case_id, title) values ($1, $2)
             on conflict (case_id) do update set title = excluded.title
             returning number",
        )
        .bind(id)
        .bind(title)
        .fetch_one(self.connection())
        .await
        .map_err(StoreError::database("noting a case"))?;
        number(&row, "number")
    }

    /// The number of how a run describes a case.
    async fn case_description(
        &mut self,
        test_case: i64,
        case: &ReportedCase,
    ) -> Result<i64, StoreError> {
        let (suites, tags) = (to_json(&case.suites)?, to_json(&case.tags)?);
        let known = sqlx::query(
            "select number from case_description
             where test_case = $1 and title = $2 and suites = $3 and tags = $4",
        )
        .bind(test_case)
        .bind(&case.title)
        .bind(&suites)
        .bind(&tags)
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking a description up"))?;
        if let Some(row) = known {
            return number(&row, "number");
        }
        let row = sqlx::query(
            "insert into case_description (test_case, title, suites, tags)
             values ($1, $2, $3, $4) returning number",
        )
        .bind(test_case)
        .bind(&case.title)
        .bind(&suites)
        .bind(&tags)
        .fetch_one(self.connection())
        .await
        .map_err(StoreError::database("noting a description"))?;
        for tag in &case.tags {
            sqlx::query(
                "insert into case_tag (tag, test_case) values ($1, $2) on conflict do nothing",
            )
            .bind(tag)
            .bind(test_case)
            .execute(self.connection())
            .await
            .map_err(StoreError::database("noting a tag"))?;
        }
        number(&row, "number")
    }

    /// The number of a machine and a boot entry.
    pub(crate) async fn lane(&mut self, machine: &str, entry: &str) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "insert into lane (machine, entry) values ($1, $2)
             on conflict (machine, entry) do update set entry = excluded.entry
             returning number",
        )
        .bind(machine)
        .bind(entry)
        .fetch_one(self.connection())
        .await
        .map_err(StoreError::database("noting a machine"))?;
        number(&row, "number")
    }

    /// The number of a suite.
    pub(crate) async fn suite(&mut self, name: &str) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "insert into suite (name) values ($1)
             on conflict (name) do update set name = excluded.name
             returning number",
        )
        .bind(name)
        .fetch_one(self.connection())
        .await
        .map_err(StoreError::database("noting a suite"))?;
        number(&row, "number")
    }

    /// Counts the cases of a run.
    pub(crate) async fn count_results(&mut self, run: i64) -> Result<(), StoreError> {
        sqlx::query(
            "update run
             set passed = (select count(*) from result where run = $1 and outcome = 'passed'),
                 failed = (select count(*) from result where run = $1 and outcome = 'failed'),
                 errored = (select count(*) from result where run = $1 and outcome = 'errored'),
                 skipped = (select count(*) from result where run = $1 and outcome = 'skipped'),
                 not_run = (select count(*) from result where run = $1 and outcome = 'not-run')
             where number = $1",
        )
        .bind(run)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("counting the cases of a run"))?;
        sqlx::query(
            "insert into case_suite (suite, test_case)
             select u.suite, r.test_case from run u join result r on r.run = u.number
             where u.number = $1
             on conflict do nothing",
        )
        .bind(run)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("noting the suite of cases"))?;
        Ok(())
    }

    /// From here on the results of a run that ended count for its subject, where it has one.
    pub(crate) async fn let_results_count(&mut self, run: i64) -> Result<(), StoreError> {
        sqlx::query(
            "insert into latest_result (test_case, subject, lane, result, run, outcome, ended_at)
             select r.test_case, u.subject, u.lane, r.number, u.number, r.outcome, u.ended_at
             from run u join result r on r.run = u.number
             where u.number = $1 and u.subject is not null
             on conflict (test_case, subject, lane) do update
             set result = excluded.result, run = excluded.run, outcome = excluded.outcome,
                 ended_at = excluded.ended_at
             where excluded.ended_at >= latest_result.ended_at",
        )
        .bind(run)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("letting results count"))?;
        self.count_standing(run).await
    }

    /// Counts anew how the cases of a run stand for its subject, and the subject with them.
    async fn count_standing(&mut self, run: i64) -> Result<(), StoreError> {
        sqlx::query(
            "insert into case_standing (test_case, subject, passed, failed, errored, skipped, not_run,
                                        places)
             select l.test_case, l.subject,
                    cast(sum(case l.outcome when 'passed' then 1 else 0 end) as bigint),
                    cast(sum(case l.outcome when 'failed' then 1 else 0 end) as bigint),
                    cast(sum(case l.outcome when 'errored' then 1 else 0 end) as bigint),
                    cast(sum(case l.outcome when 'skipped' then 1 else 0 end) as bigint),
                    cast(sum(case l.outcome when 'not-run' then 1 else 0 end) as bigint),
                    string_agg(l.lane || substr(l.outcome, 1, 1), '' order by l.lane)
             from run u
             join result r on r.run = u.number
             join latest_result l on l.test_case = r.test_case and l.subject = u.subject
             where u.number = $1
             group by l.test_case, l.subject
             on conflict (test_case, subject) do update
             set passed = excluded.passed, failed = excluded.failed, errored = excluded.errored,
                 skipped = excluded.skipped, not_run = excluded.not_run,
                 places = excluded.places",
        )
        .bind(run)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("counting how cases stand"))?;
        self.count_standing_of_runs(run).await?;
        sqlx::query(
            "update subject
             set revision = revision + 1,
                 passed = (select cast(coalesce(sum(s.passed), 0) as bigint)
                           from case_standing s where s.subject = subject.number),
                 failed = (select cast(coalesce(sum(s.failed), 0) as bigint)
                           from case_standing s where s.subject = subject.number),
                 errored = (select cast(coalesce(sum(s.errored), 0) as bigint)
                            from case_standing s where s.subject = subject.number),
                 skipped = (select cast(coalesce(sum(s.skipped), 0) as bigint)
                            from case_standing s where s.subject = subject.number),
                 not_run = (select cast(coalesce(sum(s.not_run), 0) as bigint)
                            from case_standing s where s.subject = subject.number)
             where number = (select u.subject from run u where u.number = $1)",
        )
        .bind(run)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("counting what counts of a subject"))?;
        Ok(())
    }

    /// Counts anew what still counts of the runs about the same subject on the same lane.
    async fn count_standing_of_runs(&mut self, run: i64) -> Result<(), StoreError> {
        sqlx::query(
            "delete from run_standing where run in
             (select o.number from run u
              join run o on o.subject = u.subject and o.lane = u.lane where u.number = $1)",
        )
        .bind(run)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("forgetting what counted of runs"))?;
        sqlx::query(
            "insert into run_standing (run, subject, passed, failed, errored, skipped, not_run)
             select l.run, l.subject,
                    cast(sum(case l.outcome when 'passed' then 1 else 0 end) as bigint),
                    cast(sum(case l.outcome when 'failed' then 1 else 0 end) as bigint),
                    cast(sum(case l.outcome when 'errored' then 1 else 0 end) as bigint),
                    cast(sum(case l.outcome when 'skipped' then 1 else 0 end) as bigint),
                    cast(sum(case l.outcome when 'not-run' then 1 else 0 end) as bigint)
             from run u
             join run o on o.subject = u.subject and o.lane = u.lane
             join latest_result l on l.subject = o.subject and l.run = o.number
             where u.number = $1
             group by l.run, l.subject",
        )
        .bind(run)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("counting what counts of runs"))?;
        Ok(())
    }
}
