//! Subjects: what results are about, found or made by what names them.

use domain::{
    digest::Digest,
    ids::{ReleaseId, VariantId},
    run::Validation,
    subject::{JudgedSubject, Subject, SubjectKey},
    time::Timestamp,
};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{Columns, foreign, number, optional_text, parsed, text, time},
    results::totals,
};

/// The key of a subject's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubjectNumber(pub i64);

/// A subject, where the row names one: columns as in the view `run_with_names`.
pub(crate) fn optional_subject(row: &impl Columns) -> Result<Option<Subject>, StoreError> {
    let Some(kind) = optional_text(row, "subject_kind")? else { return Ok(None) };
    let subject = match kind.as_str() {
        "release" => Subject::Release {
            id: ReleaseId(text(row, "release_id")?),
            name: match optional_text(row, "released_name")? {
                Some(name) => name,
                None => format!("{}-rc.{}", text(row, "target")?, number(row, "candidate")?),
            },
            manifest: parsed(row, "subject_digest")?,
        },
        "variant" => Subject::Variant {
            id: VariantId(text(row, "variant_id")?),
            name: text(row, "variant_name")?,
            manifest: parsed(row, "subject_digest")?,
        },
        "recorded" => Subject::Recorded { name: text(row, "subject_name")? },
        other => return Err(foreign("kind", other)),
    };
    Ok(Some(subject))
}

pub(crate) fn judged(row: &AnyRow) -> Result<(SubjectNumber, JudgedSubject), StoreError> {
    let subject = optional_subject(row)?.ok_or_else(|| foreign("kind", ""))?;
    let judged = JudgedSubject {
        subject,
        created_at: time(row, "created_at")?,
        totals: totals(row)?,
        revision: number(row, "revision")?,
    };
    Ok((SubjectNumber(number(row, "number")?), judged))
}

impl Rows {
    /// The subject of that key, where it has results.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn subject(
        &mut self,
        key: &SubjectKey,
    ) -> Result<Option<(SubjectNumber, JudgedSubject)>, StoreError> {
        let (named, variant, manifest, recorded) = match key {
            SubjectKey::Named(name) => (name.as_str(), "", String::new(), name.as_str()),
            SubjectKey::Variant { name, manifest } => {
                ("", name.as_str(), manifest.map_or_else(String::new, |it| it.to_string()), "")
            }
            SubjectKey::Recorded(name) => ("", "", String::new(), name.as_str()),
        };
        let row = sqlx::query(
            "select * from subject_with_names
             where (subject_kind = 'release'
                    and (released_name = $1 or target || '-rc.' || candidate = $1))
                or (subject_kind = 'variant' and variant_name = $2
                    and ($3 = '' or subject_digest = $3))
                or (subject_kind = 'recorded' and subject_name = $4)
             order by case subject_kind when 'release' then 0 else 1 end, number desc
             limit 1",
        )
        .bind(named)
        .bind(variant)
        .bind(manifest)
        .bind(recorded)
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking a subject up"))?;
        row.as_ref().map(judged).transpose()
    }

    /// The names of releases that were made elsewhere, newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn recorded_names(&mut self) -> Result<Vec<String>, StoreError> {
        sqlx::query(
            "select name from subject where kind = 'recorded'
             order by created_at desc, number desc limit 500",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing releases that were made elsewhere"))?
        .iter()
        .map(|row| text(row, "name"))
        .collect()
    }

    /// The subjects that have results, newest first: releases, and those made elsewhere.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn judged_releases(
        &mut self,
        limit: u32,
    ) -> Result<Vec<(SubjectNumber, JudgedSubject)>, StoreError> {
        sqlx::query(
            "select * from subject_with_names where subject_kind <> 'variant'
             order by created_at desc, number desc limit $1",
        )
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing subjects"))?
        .iter()
        .map(judged)
        .collect()
    }
}

impl WriteTx {
    /// The subject of a validation, made where it is the first.
    pub(crate) async fn subject_of_validation(
        &mut self,
        validation: &Validation,
    ) -> Result<SubjectNumber, StoreError> {
        let variant = validation.variant.as_ref().map(|it| &it.id);
        self.subject_of_manifest(
            &validation.release,
            variant,
            &validation.manifest,
            validation.created_at,
        )
        .await
    }

    /// The subject of a manifest, made where nothing is about it yet: a release's stands in a history
    /// where the release does, a variant's where it was first judged.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn subject_of_manifest(
        &mut self,
        release: &ReleaseId,
        variant: Option<&VariantId>,
        manifest: &Digest,
        now: Timestamp,
    ) -> Result<SubjectNumber, StoreError> {
        let row = sqlx::query(
            "insert into subject (kind, release_id, variant_id, manifest_digest, created_at, passed,
                                  failed, errored, skipped, not_run, revision)
             select $1, r.id, $2, $3, case when $1 = 'variant' then $4 else r.created_at end,
                    0, 0, 0, 0, 0, 0
             from release r where r.id = $5
             on conflict (manifest_digest) do update set manifest_digest = excluded.manifest_digest
             returning number",
        )
        .bind(if variant.is_some() { "variant" } else { "release" })
        .bind(variant.map(VariantId::as_str))
        .bind(manifest.to_string())
        .bind(now.0)
        .bind(release.as_str())
        .fetch_one(self.connection())
        .await
        .map_err(StoreError::database("noting what results are about"))?;
        number(&row, "number").map(SubjectNumber)
    }

    /// The subject of a release that was made elsewhere, made where it is new; `at` says where it
    /// stands in a history.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn recorded_subject(
        &mut self,
        name: &str,
        at: Timestamp,
    ) -> Result<SubjectNumber, StoreError> {
        let row = sqlx::query(
            "insert into subject (kind, name, created_at, passed, failed, errored, skipped, not_run,
                                  revision)
             values ('recorded', $1, $2, 0, 0, 0, 0, 0, 0)
             on conflict (name) do update set name = excluded.name
             returning number",
        )
        .bind(name)
        .bind(at.0)
        .fetch_one(self.connection())
        .await
        .map_err(StoreError::database("noting a release that was made elsewhere"))?;
        number(&row, "number").map(SubjectNumber)
    }
}
