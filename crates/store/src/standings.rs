//! How a subject stands: by suite, by place, and every result that speaks against it.

use std::collections::HashMap;

use domain::{
    assessment::MadeAssessment,
    history::{Failing, Group, Mark},
    ids::RunId,
    run::report::Placed,
    time::Timestamp,
};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError,
    assessments::made,
    columns::{number, optional_text, parsed, text},
    packed::{Packing, packed},
    results::totals,
    subjects::{SubjectNumber, judged},
};

/// Which failures of a subject are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FailingFilter {
    /// Only those of cases of this suite.
    pub suite: Option<String>,
    /// Only those on this machine.
    pub machine: Option<String>,
    /// Only those of runs of this plan.
    pub plan: Option<String>,
    /// Only those that nobody has reviewed as things stand then.
    pub unreviewed_at: Option<Timestamp>,
    /// How many at the most.
    pub limit: u32,
}

/// What counts by machine, boot entry, suite and plan.
const PLACED: Packing = packed!(
    ["machine", "entry", "suite", "plan", "passed", "failed", "errored", "skipped", "not_run"],
    "select n.machine, n.entry, s.name as suite, u.plan,
            cast(sum(o.passed) as bigint) as passed,
            cast(sum(o.failed) as bigint) as failed,
            cast(sum(o.errored) as bigint) as errored,
            cast(sum(o.skipped) as bigint) as skipped,
            cast(sum(o.not_run) as bigint) as not_run
     from run_standing o
     join run u on u.number = o.run
     join lane n on n.number = u.lane
     join suite s on s.number = u.suite
     where o.subject = $1
     group by n.machine, n.entry, s.name, u.plan",
    "q.machine, q.entry, q.suite, q.plan"
);

/// What speaks against a subject. What few results are shown are looked up after they are chosen: messages are
/// long.
const FAILING: Packing = packed!(
    ["case_id", "title", "machine", "entry", "id", "suite", "outcome", "message", "excerpt"],
    "select l.case_id, l.title, l.machine, l.entry, l.id, l.suite, r.outcome, r.message, e.excerpt
     from (select t.case_id, t.title, n.machine, n.entry, u.id, s.name as suite, c.result
           from latest_result c
           join test_case t on t.number = c.test_case
           join lane n on n.number = c.lane
           join run u on u.number = c.run
           join suite s on s.number = u.suite
           where c.subject = $1 and c.outcome in ('failed', 'errored')
             and ($2 = '' or s.name = $2) and ($3 = '' or n.machine = $3)
             and ($6 = '' or u.plan = $6)
             and ($5 = 0 or not exists (
                 select 1 from result r
                 join failure f on f.test_case = r.test_case and f.mark = r.signature
                 join assessment a on a.number = f.newest
                 where r.number = c.result
                   and (a.issue <> '' or a.blame is not null
                        or coalesce(a.waiver_until, 0) > $5)))
           order by t.case_id, n.machine, n.entry limit $4) l
     join result r on r.number = l.result
     left join result_detail e on e.result = r.number",
    "q.case_id, q.machine, q.entry"
);

/// How failing cases stood in the newest releases, newest first.
const STRIPS: Packing = packed!(
    ["case_id", "subject", "passed", "failed", "errored", "skipped", "not_run"],
    "with shown as materialized (
         select number, created_at from subject
         where kind <> 'variant' and revision > 0
         order by created_at desc, number desc limit $2
     )
     select t.case_id, w.created_at, s.subject, s.passed, s.failed, s.errored, s.skipped, s.not_run
     from (select distinct l.test_case, t.case_id from latest_result l
           join test_case t on t.number = l.test_case
           where l.subject = $1 and l.outcome in ('failed', 'errored')
             and t.case_id >= $3 and t.case_id <= $4) t
     cross join shown w
     join case_standing s on s.test_case = t.test_case and s.subject = w.number",
    "q.case_id, q.created_at desc, q.subject desc"
);

fn group(row: &AnyRow) -> Result<Group, StoreError> {
    Ok(Group { name: text(row, "name")?, totals: totals(row)? })
}

impl Rows {
    /// What counts of a subject by suite. A case that runs in several suites counts in each.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn standing_by_suite(
        &mut self,
        subject: SubjectNumber,
    ) -> Result<Vec<Group>, StoreError> {
        sqlx::query(
            "select u.name, cast(sum(s.passed) as bigint) as passed,
                    cast(sum(s.failed) as bigint) as failed,
                    cast(sum(s.errored) as bigint) as errored,
                    cast(sum(s.skipped) as bigint) as skipped,
                    cast(sum(s.not_run) as bigint) as not_run
             from case_standing s
             join case_suite c on c.test_case = s.test_case
             join suite u on u.number = c.suite
             where s.subject = $1
             group by u.name order by u.name",
        )
        .bind(subject.0)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("counting what counts by suite"))?
        .iter()
        .map(group)
        .collect()
    }

    /// What counts of a subject, by machine, boot entry, and the suite and the plan of the runs that decide.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn placed_results(
        &mut self,
        subject: SubjectNumber,
    ) -> Result<Vec<Placed>, StoreError> {
        let answer = sqlx::query(PLACED.sql)
            .bind(subject.0)
            .fetch_one(self.connection())
            .await
            .map_err(StoreError::database("counting what counts by place"))?;
        PLACED.read(&answer, |row| {
            Ok(Placed {
                machine: text(row, "machine")?,
                entry: text(row, "entry")?,
                suite: text(row, "suite")?,
                plan: optional_text(row, "plan")?,
                totals: totals(row)?,
            })
        })
    }

    /// The results that count and speak against a subject, by case, machine and entry, each with the log
    /// around its first error.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn failing_results(
        &mut self,
        subject: SubjectNumber,
        filter: &FailingFilter,
    ) -> Result<Vec<Failing>, StoreError> {
        let mut failing = self.unassessed_failing(subject, filter).await?;
        let said = self.said_of_failing(subject, &failing).await?;
        for it in &mut failing {
            let place = (it.case.clone(), it.machine.clone(), it.entry.clone());
            it.assessment = said.get(&place).cloned();
        }
        Ok(failing)
    }

    /// What people say of these results that count and speak against a subject, by case, machine and
    /// entry.
    ///
    /// SQLite would make a table of all assessments first where this were joined to the list itself.
    async fn said_of_failing(
        &mut self,
        subject: SubjectNumber,
        listed: &[Failing],
    ) -> Result<HashMap<(String, String, String), MadeAssessment>, StoreError> {
        let (Some(first), Some(last)) = (listed.first(), listed.last()) else {
            return Ok(HashMap::new());
        };
        let rows = sqlx::query(
            "select t.case_id, n.machine, n.entry, a.*
             from latest_result l
             join test_case t on t.number = l.test_case
             join lane n on n.number = l.lane
             join result r on r.number = l.result
             join failure f on f.test_case = l.test_case and f.mark = r.signature
             join assessment_with_names a on a.assessment = f.newest
             where l.subject = $1 and l.outcome in ('failed', 'errored')
               and t.case_id between $2 and $3",
        )
        .bind(subject.0)
        .bind(&first.case)
        .bind(&last.case)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("reading what is said of failures"))?;
        let mut said = HashMap::new();
        for row in &rows {
            let place = (text(row, "case_id")?, text(row, "machine")?, text(row, "entry")?);
            if let Some(made) = made(row)? {
                said.insert(place, made);
            }
        }
        Ok(said)
    }

    async fn unassessed_failing(
        &mut self,
        subject: SubjectNumber,
        filter: &FailingFilter,
    ) -> Result<Vec<Failing>, StoreError> {
        let answer = sqlx::query(FAILING.sql)
            .bind(subject.0)
            .bind(filter.suite.as_deref().unwrap_or_default())
            .bind(filter.machine.as_deref().unwrap_or_default())
            .bind(i64::from(filter.limit))
            .bind(filter.unreviewed_at.map_or(0, |at| at.0))
            .bind(filter.plan.as_deref().unwrap_or_default())
            .fetch_one(self.connection())
            .await
            .map_err(StoreError::database("listing what speaks against a release"))?;
        FAILING.read(&answer, |row| {
            Ok(Failing {
                case: text(row, "case_id")?,
                title: text(row, "title")?,
                machine: text(row, "machine")?,
                entry: text(row, "entry")?,
                run: RunId(text(row, "id")?),
                suite: text(row, "suite")?,
                outcome: parsed(row, "outcome")?,
                message: text(row, "message")?,
                excerpt: optional_text(row, "excerpt")?.unwrap_or_default(),
                strip: Vec::new(),
                assessment: None,
            })
        })
    }

    /// For each case from `first` to `last` by id that fails for a subject, how it stood in the newest
    /// releases, newest first: pairs of case and mark.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn strips_of_failing(
        &mut self,
        subject: SubjectNumber,
        (first, last): (&str, &str),
        releases: u32,
    ) -> Result<Vec<(String, Mark)>, StoreError> {
        let shown = self.newest_named(releases).await?;
        let answer = sqlx::query(STRIPS.sql)
            .bind(subject.0)
            .bind(i64::from(releases))
            .bind(first)
            .bind(last)
            .fetch_one(self.connection())
            .await
            .map_err(StoreError::database("asking how failing cases stood"))?;
        STRIPS.read(&answer, |row| {
            let about = shown.get(&number(row, "subject")?).cloned().unwrap_or_default();
            Ok((text(row, "case_id")?, Mark { about, totals: totals(row)? }))
        })
    }

    /// The names of the newest subjects of a history by their numbers.
    async fn newest_named(&mut self, releases: u32) -> Result<HashMap<i64, String>, StoreError> {
        sqlx::query(
            "select * from subject_with_names where subject_kind <> 'variant' and revision > 0
             order by created_at desc, number desc limit $1",
        )
        .bind(i64::from(releases))
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("naming the newest releases"))?
        .iter()
        .map(|row| judged(row).map(|(number, it)| (number.0, it.subject.name().to_owned())))
        .collect()
    }

    /// The subject that stands before another in the history, variants left out.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn judged_before(
        &mut self,
        subject: SubjectNumber,
    ) -> Result<Option<SubjectNumber>, StoreError> {
        sqlx::query(
            "select b.number from subject a
             join subject b on (b.created_at, b.number) < (a.created_at, a.number)
             where a.number = $1 and b.kind <> 'variant' and b.revision > 0
             order by b.created_at desc, b.number desc limit 1",
        )
        .bind(subject.0)
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking for the release before"))?
        .map(|row| number(&row, "number").map(SubjectNumber))
        .transpose()
    }

    /// One subject by its number.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn judged_subject(
        &mut self,
        subject: SubjectNumber,
    ) -> Result<Option<domain::subject::JudgedSubject>, StoreError> {
        sqlx::query("select * from subject_with_names where number = $1")
            .bind(subject.0)
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking a subject up"))?
            .map(|row| judged(&row).map(|(_, it)| it))
            .transpose()
    }
}
