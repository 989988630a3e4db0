//! The failures of a subject, as pages list them.

use std::collections::HashMap;

use domain::{
    history::{Failing, Mark},
    time::Timestamp,
};
use store::{Rows, StoreError, standings::FailingFilter, subjects::SubjectNumber};

use super::FailureQuery;

/// How many releases a strip has.
const STRIP: u32 = 10;

/// Failures of a subject, each with its strip.
pub(crate) struct ListedFailures {
    pub(super) failing: Vec<Failing>,
    /// Whether there are more than are listed.
    pub(super) more: bool,
}

impl ListedFailures {
    /// How many bytes it takes, about.
    pub(super) fn size(&self) -> usize {
        let size =
            |it: &Failing| it.message.len() + it.excerpt.len() + it.strip.len() * size_of::<Mark>();
        self.failing.iter().map(|it| size(it) + size_of::<Failing>()).sum()
    }
}

/// The failures of a subject that are asked for, each with its strip; `now` decides of those that nobody has
/// reviewed, since waivers end.
pub(super) async fn listed_failures(
    rows: &mut Rows,
    subject: SubjectNumber,
    asked: &FailureQuery,
    now: Timestamp,
) -> Result<ListedFailures, StoreError> {
    let filter = FailingFilter {
        suite: asked.suite.clone(),
        machine: asked.machine.clone(),
        plan: asked.plan.clone(),
        unreviewed_at: asked.unreviewed.then_some(now),
        limit: asked.limit.saturating_add(1),
    };
    let mut failing = rows.failing_results(subject, &filter).await?;
    let most = usize::try_from(asked.limit).unwrap_or(usize::MAX);
    let more = failing.len() > most;
    failing.truncate(most);
    let mut strips: HashMap<String, Vec<Mark>> = HashMap::new();
    // Only of those that are listed, which are in order: of a bad release thousands fail.
    if let (Some(first), Some(last)) = (failing.first(), failing.last()) {
        let listed = (first.case.as_str(), last.case.as_str());
        for (case, mark) in rows.strips_of_failing(subject, listed, STRIP).await? {
            strips.entry(case).or_default().push(mark);
        }
    }
    for it in &mut failing {
        it.strip = strips.get(&it.case).cloned().unwrap_or_default();
    }
    Ok(ListedFailures { failing, more })
}
