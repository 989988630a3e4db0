//! Assessments: what people say about failures, and which of it counts.
//!
//! A failure keeps the number of its newest assessment, so that a list of failures finds what counts by
//! one look for each, and two people cannot both be the newest.

use domain::{
    assessment::{Assessment, MadeAssessment, Waiver},
    ids::{PersonId, RunId},
    run::FailureClass,
    subject::Subject,
    time::Timestamp,
};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{
        count, exactly_one, number, optional_number, optional_parsed, optional_text, optional_time,
        text, time,
    },
    subjects::{SubjectNumber, optional_subject},
};

/// How many failures of something have been reviewed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reviewed {
    /// How many need not be looked at again.
    pub reviewed: u64,
    /// How many there are.
    pub all: u64,
}

/// The columns of the view `assessment_with_names`, where the row has any.
pub(crate) fn made(row: &AnyRow) -> Result<Option<MadeAssessment>, StoreError> {
    if optional_number(row, "revision")?.is_none() {
        return Ok(None);
    }
    let waiver = match optional_text(row, "waiver_reason")? {
        Some(reason) => Some(Waiver {
            reason,
            person: PersonId(text(row, "waiver_person")?),
            by: text(row, "waiver_by")?,
            at: time(row, "waiver_at")?,
            until: time(row, "waiver_until")?,
        }),
        None => None,
    };
    // An issue that is not there is an empty text, which is none.
    let issue = text(row, "issue")?.parse().ok();
    Ok(Some(MadeAssessment {
        said: Assessment {
            issue,
            blame: optional_parsed(row, "blame")?,
            comment: text(row, "comment")?,
            waiver,
        },
        revision: count(row, "revision")?,
        at: optional_time(row, "made_at")?.unwrap_or(Timestamp(0)),
        by: text(row, "made_by")?,
        about: optional_subject(row)?.as_ref().map(Subject::name).map(str::to_owned),
        run: optional_text(row, "made_on_run")?.map(RunId),
    }))
}

impl Rows {
    /// The signature of what a run says of a case; `None` where it does not fail there.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn failure_signature(
        &mut self,
        run: &RunId,
        case: &str,
    ) -> Result<Option<String>, StoreError> {
        let row = sqlx::query(
            "select r.signature from run u
             join test_case t on t.case_id = $2
             join result r on r.run = u.number and r.test_case = t.number
             where u.id = $1 order by r.position limit 1",
        )
        .bind(run.as_str())
        .bind(case)
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking a signature up"))?;
        row.map_or(Ok(None), |row| optional_text(&row, "signature"))
    }

    /// All that was said of a failure, newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn assessments(
        &mut self,
        case: &str,
        mark: &str,
    ) -> Result<Vec<MadeAssessment>, StoreError> {
        let rows = sqlx::query(
            "select a.* from test_case t
             join failure f on f.test_case = t.number and f.mark = $2
             join assessment_with_names a on a.failure = f.number
             where t.case_id = $1 order by a.revision desc",
        )
        .bind(case)
        .bind(mark)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing assessments"))?;
        rows.iter().filter_map(|row| made(row).transpose()).collect()
    }

    /// What counts of what was said of a failure.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn assessment(
        &mut self,
        case: &str,
        mark: &str,
    ) -> Result<Option<MadeAssessment>, StoreError> {
        let row = sqlx::query(
            "select a.* from test_case t
             join failure f on f.test_case = t.number and f.mark = $2
             join assessment_with_names a on a.assessment = f.newest
             where t.case_id = $1",
        )
        .bind(case)
        .bind(mark)
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking an assessment up"))?;
        row.map_or(Ok(None), |row| made(&row))
    }

    /// What counts of what was said of the failures of a run, by case; as it stood then, where a time is
    /// given.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn assessments_of_run(
        &mut self,
        run: &RunId,
        as_of: Option<Timestamp>,
    ) -> Result<Vec<(String, MadeAssessment)>, StoreError> {
        let rows = sqlx::query(
            "select t.case_id, a.* from run u
             join result r on r.run = u.number and r.outcome in ('failed', 'errored')
             join failure f on f.test_case = r.test_case and f.mark = r.signature
             join assessment_with_names a on a.failure = f.number
              and a.revision = (select max(b.revision) from assessment b
                                where b.failure = f.number and b.made_at <= $2)
             join test_case t on t.number = r.test_case
             where u.id = $1",
        )
        .bind(run.as_str())
        .bind(as_of.map_or(i64::MAX, |at| at.0))
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing assessments of a run"))?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Some(made) = made(row)? {
                found.push((text(row, "case_id")?, made));
            }
        }
        Ok(found)
    }

    /// What counts of what was said of cases that did not answer somewhere, by case and mark; as it stood
    /// then, where a time is given.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn assessments_of_places(
        &mut self,
        as_of: Option<Timestamp>,
    ) -> Result<Vec<((String, String), MadeAssessment)>, StoreError> {
        let rows = sqlx::query(
            // A signature has no such sign.
            "select t.case_id, f.mark, a.* from failure f
             join assessment_with_names a on a.failure = f.number
              and a.revision = (select max(b.revision) from assessment b
                                where b.failure = f.number and b.made_at <= $1)
             join test_case t on t.number = f.test_case
             where f.mark like '%/%'",
        )
        .bind(as_of.map_or(i64::MAX, |at| at.0))
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing assessments of what did not answer"))?;
        let mut found = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Some(made) = made(row)? {
                found.push(((text(row, "case_id")?, text(row, "mark")?), made));
            }
        }
        Ok(found)
    }

    /// How many of the results that speak against a subject were reviewed as things stand at `now`.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn reviewed_failures(
        &mut self,
        subject: SubjectNumber,
        now: Timestamp,
    ) -> Result<Reviewed, StoreError> {
        let row = sqlx::query(
            // Failures of these cases first: of most cases nobody has ever said anything.
            "select (select count(*) from latest_result
                     where subject = $1 and outcome in ('failed', 'errored')) as counted,
                    (select count(*)
                     from latest_result l cross join failure f cross join result r
                     join assessment a on a.number = f.newest
                     where l.subject = $1 and l.outcome in ('failed', 'errored')
                       and f.test_case = l.test_case
                       and r.number = l.result and r.signature = f.mark
                       and (a.issue <> '' or a.blame is not null or a.waiver_until > $2))
                        as reviewed",
        )
        .bind(subject.0)
        .bind(now.0)
        .fetch_one(self.connection())
        .await
        .map_err(StoreError::database("counting what was reviewed"))?;
        let counted = |column| number(&row, column).map(|it| u64::try_from(it).unwrap_or(0));
        Ok(Reviewed { reviewed: counted("reviewed")?, all: counted("counted")? })
    }
}

impl WriteTx {
    /// Keeps an assessment of a failure as the revision that it names; `subject` is what was looked at.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where the revision before it is not the newest.
    pub async fn insert_assessment(
        &mut self,
        (case, mark): (&str, &str),
        made: &MadeAssessment,
        subject: Option<SubjectNumber>,
    ) -> Result<(), StoreError> {
        let failure = self.failure(case, mark).await?;
        let Assessment { issue, blame, comment, waiver } = &made.said;
        let waiver = waiver.as_ref();
        let row = sqlx::query(
            "insert into assessment (failure, revision, issue, blame, comment, waiver_reason,
                                     waiver_person, waiver_by, waiver_at, waiver_until, made_at,
                                     made_by, run, subject)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
                     (select number from run where id = $13), $14)
             on conflict (failure, revision) do nothing
             returning number",
        )
        .bind(failure)
        .bind(i64::from(made.revision))
        .bind(issue.as_ref().map_or("", |it| it.as_str()))
        .bind(blame.map(FailureClass::word))
        .bind(comment)
        .bind(waiver.map(|it| it.reason.as_str()))
        .bind(waiver.map(|it| it.person.as_str()))
        .bind(waiver.map(|it| it.by.as_str()))
        .bind(waiver.map(|it| it.at.0))
        .bind(waiver.map(|it| it.until.0))
        .bind(made.at.0)
        .bind(&made.by)
        .bind(made.run.as_ref().map_or("", RunId::as_str))
        .bind(subject.map(|it| it.0))
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("keeping an assessment"))?;
        let Some(row) = row else { return Err(StoreError::Changed("assessment")) };
        sqlx::query(
            "update failure set revision = $1, newest = $2 where number = $3 and revision = $1 - 1",
        )
        .bind(i64::from(made.revision))
        .bind(number(&row, "number")?)
        .bind(failure)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("letting an assessment count"))
        .and_then(|done| exactly_one(&done, "assessment"))
    }

    /// The number of a failure, noted where nobody has assessed it before.
    async fn failure(&mut self, case: &str, mark: &str) -> Result<i64, StoreError> {
        // A required case that no run has had yet is known by its id alone.
        sqlx::query(
            "insert into test_case (case_id, title) values ($1, $1) on conflict (case_id) do nothing",
        )
        .bind(case)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("noting a case"))?;
        let row = sqlx::query(
            "insert into failure (test_case, mark, revision, newest)
             select number, $2, 0, 0 from test_case where case_id = $1
             on conflict (test_case, mark) do update set mark = excluded.mark
             returning number",
        )
        .bind(case)
        .bind(mark)
        .fetch_one(self.connection())
        .await
        .map_err(StoreError::database("noting a failure"))?;
        number(&row, "number")
    }
}
