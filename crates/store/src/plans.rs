//! Plans and suites that people make. Every change is a revision; none is ever changed or lost, but
//! that a suite's tag is pinned to the commit that it stood for.

use domain::{
    digest::Digest,
    ids::RunId,
    plan::{DecidingRun, Plan},
    run::Outcome,
    suite::{Suite, SuiteDefinition},
    time::Timestamp,
};
use serde::de::DeserializeOwned;
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{count, exactly_one, json, number, parsed, text, time, to_json},
};

/// The word of plans in rows.
const PLAN: &str = "plan";
/// The word of suites.
const SUITE: &str = "suite";

/// A revision of either kind.
struct Saved<T> {
    name: String,
    revision: u32,
    definition: T,
    at: Timestamp,
    by: String,
}

fn saved<T: DeserializeOwned>(row: &AnyRow) -> Result<Saved<T>, StoreError> {
    Ok(Saved {
        name: text(row, "name")?,
        revision: count(row, "revision")?,
        definition: json(row, "definition")?,
        at: time(row, "saved_at")?,
        by: text(row, "saved_by")?,
    })
}

impl From<Saved<domain::plan::PlanDefinition>> for Plan {
    fn from(it: Saved<domain::plan::PlanDefinition>) -> Self {
        Self {
            name: it.name,
            revision: it.revision,
            definition: it.definition,
            saved_at: Some(it.at),
            saved_by: it.by,
        }
    }
}

impl From<Saved<SuiteDefinition>> for Suite {
    fn from(it: Saved<SuiteDefinition>) -> Self {
        Self {
            name: it.name,
            revision: it.revision,
            definition: it.definition,
            saved_at: it.at,
            saved_by: it.by,
        }
    }
}

impl Rows {
    /// The newest revisions of all plans that people made and nobody removed, by name.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn plans(&mut self) -> Result<Vec<Plan>, StoreError> {
        self.definitions(PLAN).await
    }

    /// A plan that people made: its newest revision where it was not removed, or the very one that is
    /// asked for.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn plan(
        &mut self,
        name: &str,
        revision: Option<u32>,
    ) -> Result<Option<Plan>, StoreError> {
        self.definition(PLAN, name, revision).await
    }

    /// All revisions of a plan, newest first, also where it was removed.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn plan_revisions(&mut self, name: &str) -> Result<Vec<Plan>, StoreError> {
        self.definition_revisions(PLAN, name).await
    }

    /// The newest revisions of all suites that nobody removed, by name.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn suites(&mut self) -> Result<Vec<Suite>, StoreError> {
        self.definitions(SUITE).await
    }

    /// A suite: its newest revision where it was not removed, or the very one that is asked for.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn test_suite(
        &mut self,
        name: &str,
        revision: Option<u32>,
    ) -> Result<Option<Suite>, StoreError> {
        self.definition(SUITE, name, revision).await
    }

    /// All revisions of a suite, newest first, also where it was removed.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn suite_revisions(&mut self, name: &str) -> Result<Vec<Suite>, StoreError> {
        self.definition_revisions(SUITE, name).await
    }

    async fn definitions<D, T>(&mut self, kind: &str) -> Result<Vec<T>, StoreError>
    where
        D: DeserializeOwned,
        T: From<Saved<D>>,
    {
        sqlx::query(
            "select * from test_definition d
             where kind = $1 and removed_at is null
               and revision = (select max(revision) from test_definition
                               where kind = d.kind and name = d.name)
             order by name",
        )
        .bind(kind)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing plans or suites"))?
        .iter()
        .map(|row| saved(row).map(T::from))
        .collect()
    }

    async fn definition<D, T>(
        &mut self,
        kind: &str,
        name: &str,
        revision: Option<u32>,
    ) -> Result<Option<T>, StoreError>
    where
        D: DeserializeOwned,
        T: From<Saved<D>>,
    {
        sqlx::query(
            "select * from test_definition
             where kind = $1 and name = $2
               and (revision = $3
                    or ($3 = 0 and removed_at is null
                        and revision = (select max(revision) from test_definition
                                        where kind = $1 and name = $2)))",
        )
        .bind(kind)
        .bind(name)
        .bind(i64::from(revision.unwrap_or(0)))
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking a plan or suite up"))?
        .map(|row| saved(&row).map(T::from))
        .transpose()
    }

    async fn definition_revisions<D, T>(
        &mut self,
        kind: &str,
        name: &str,
    ) -> Result<Vec<T>, StoreError>
    where
        D: DeserializeOwned,
        T: From<Saved<D>>,
    {
        sqlx::query(
            "select * from test_definition where kind = $1 and name = $2 order by revision desc",
        )
        .bind(kind)
        .bind(name)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing revisions of a plan or suite"))?
        .iter()
        .map(|row| saved(row).map(T::from))
        .collect()
    }

    /// Of each machine, entry and suite the newest run that ended about a manifest by this very
    /// revision of a plan, with the results of `cases` and of those that failed.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn deciding_runs(
        &mut self,
        manifest: &Digest,
        (plan, revision): (&str, u32),
        cases: &[String],
        as_of: Option<Timestamp>,
    ) -> Result<Vec<DecidingRun>, StoreError> {
        let rows = sqlx::query(
            // What ended in an error that is none of its cases' did not tell everything.
            "with ranked as (
                 select number, id, lane, suite,
                        case when incomplete is null
                                  and passed + failed + errored + skipped + not_run > 0
                                  and (outcome <> 'errored' or errored > 0)
                             then 1 else 0 end as whole,
                        row_number() over (partition by lane, suite
                                           order by ended_at desc, id desc) as place
                 from run
                 where manifest_digest = $1 and plan = $2 and plan_revision = $3
                   and ended_at <= $4
             )
             select r.number, r.id, l.machine, l.entry, u.name as suite,
                    r.whole
             from ranked r
             join lane l on l.number = r.lane
             join suite u on u.number = r.suite
             where r.place = 1
             order by l.machine, l.entry, u.name",
        )
        .bind(manifest.to_string())
        .bind(plan)
        .bind(i64::from(revision))
        .bind(as_of.map_or(i64::MAX, |at| at.0))
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("looking for what decides"))?;
        let mut runs = Vec::with_capacity(rows.len());
        for row in &rows {
            runs.push(DecidingRun {
                run: RunId(text(row, "id")?),
                machine: text(row, "machine")?,
                entry: text(row, "entry")?,
                suite: text(row, "suite")?,
                whole: number(row, "whole")? == 1,
                results: self.deciding_results(number(row, "number")?, cases).await?,
            });
        }
        Ok(runs)
    }

    async fn deciding_results(
        &mut self,
        run: i64,
        cases: &[String],
    ) -> Result<Vec<(String, Outcome)>, StoreError> {
        let places: Vec<String> = (0..cases.len()).map(|at| format!("${}", at + 2)).collect();
        let named = if places.is_empty() {
            String::new()
        } else {
            format!(" or t.case_id in ({})", places.join(", "))
        };
        let text_of_query = format!(
            "select t.case_id, r.outcome
             from result r join test_case t on t.number = r.test_case
             where r.run = $1 and (r.outcome in ('failed', 'errored'){named})
             order by t.case_id"
        );
        // Nothing of it came from outside: it has places, no values.
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text_of_query)).bind(run);
        for case in cases {
            query = query.bind(case);
        }
        query
            .fetch_all(self.connection())
            .await
            .map_err(StoreError::database("reading what decides"))?
            .iter()
            .map(|row| Ok((text(row, "case_id")?, parsed(row, "outcome")?)))
            .collect()
    }
}

impl WriteTx {
    /// Adds a revision of a plan.
    ///
    /// # Errors
    /// Where the revision is there already, or the database fails.
    pub async fn insert_plan(&mut self, plan: &Plan, now: Timestamp) -> Result<(), StoreError> {
        let definition = to_json(&plan.definition)?;
        let place = (PLAN, plan.name.as_str(), plan.revision);
        self.insert_definition(place, &definition, (now, &plan.saved_by)).await
    }

    /// Adds a revision of a suite.
    ///
    /// # Errors
    /// Where the revision is there already, or the database fails.
    pub async fn insert_suite(&mut self, suite: &Suite) -> Result<(), StoreError> {
        let definition = to_json(&suite.definition)?;
        let place = (SUITE, suite.name.as_str(), suite.revision);
        self.insert_definition(place, &definition, (suite.saved_at, &suite.saved_by)).await
    }

    async fn insert_definition(
        &mut self,
        (kind, name, revision): (&str, &str, u32),
        definition: &str,
        (at, by): (Timestamp, &str),
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into test_definition (kind, name, revision, definition, saved_at, saved_by)
             values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(kind)
        .bind(name)
        .bind(i64::from(revision))
        .bind(definition)
        .bind(at.0)
        .bind(by)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("adding a plan or suite"))?;
        Ok(())
    }

    /// Pins the tag of a suite's revision to the commit that it stands for.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where there is no such revision.
    pub async fn pin_suite(
        &mut self,
        suite: &Suite,
        definition: &SuiteDefinition,
    ) -> Result<(), StoreError> {
        let done = sqlx::query(
            "update test_definition set definition = $1
             where kind = 'suite' and name = $2 and revision = $3",
        )
        .bind(to_json(definition)?)
        .bind(&suite.name)
        .bind(i64::from(suite.revision))
        .execute(self.connection())
        .await
        .map_err(StoreError::database("pinning a suite"))?;
        exactly_one(&done, "suite")
    }

    /// Removes a plan; what was run by it stays.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where its newest revision is another.
    pub async fn remove_plan(&mut self, plan: &Plan, now: Timestamp) -> Result<(), StoreError> {
        self.remove_definition((PLAN, &plan.name, plan.revision), now).await
    }

    /// Removes a suite; what was run of it stays.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where its newest revision is another.
    pub async fn remove_suite(&mut self, suite: &Suite, now: Timestamp) -> Result<(), StoreError> {
        self.remove_definition((SUITE, &suite.name, suite.revision), now).await
    }

    async fn remove_definition(
        &mut self,
        (kind, name, revision): (&str, &str, u32),
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let done = sqlx::query(
            "update test_definition set removed_at = $1
             where kind = $2 and name = $3 and revision = $4 and removed_at is null",
        )
        .bind(now.0)
        .bind(kind)
        .bind(name)
        .bind(i64::from(revision))
        .execute(self.connection())
        .await
        .map_err(StoreError::database("removing a plan or suite"))?;
        exactly_one(&done, "plan or suite")
    }
}
