//! Variants: a release with something changed, for development.
//!
//! A [`Variant`] has a name, an owner, days to live, and a [`Definition`] of what it changes of its
//! base release. Each [`VariantBuild`] freezes the definition as it was then; it comes to a *layer*,
//! an image that machines stack on those of the release, and to a manifest of its own that names
//! both. No environment's pointer can hold a variant: that takes a release.

mod applies;
mod check;
mod definition;
mod estimate;
mod lock;
mod menu;
mod text;

use serde::{Deserialize, Serialize};

pub use self::{
    applies::{Ground, without_effect},
    check::{DefinitionFault, check_suite, faults, unknown_kernels},
    definition::{
        Boot, Definition, File, Kernel, LONGEST_SCRIPT_LIMIT, Packages, Playbook, SCRIPT_LIMIT,
        Script, upload_digests,
    },
    estimate::{LayerEstimate, written_by_programs},
    lock::{PackageChange, VariantLock, unconfirmed},
    menu::{Menu, MenuRefused, menu},
    text::{LONGEST_TEXT, parse, write},
};
use crate::{
    digest::Digest,
    ids::{JobId, VariantId},
    job::{JobState, words},
    manifest::Manifest,
    time::Timestamp,
};

/// What the image that a variant adds is called among its components.
pub const LAYER: &str = "layer.squashfs";
/// How many days a variant lives where nothing else is said.
pub const LIFETIME_DAYS: u32 = 14;
/// How many days a variant can be given from now.
pub const LONGEST_LIFETIME_DAYS: u32 = 90;
/// How many days before its end a variant is warned of.
pub const WARNED_DAYS: u32 = 3;

/// A variant, whatever was built of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Which one.
    pub id: VariantId,
    /// Its unique name: part of the address that machines boot it from.
    pub name: String,
    /// What it is for, in a few words.
    pub description: String,
    /// Name of the person it belongs to.
    pub owner: String,
    /// Counts the changes of the definition, from 1.
    pub revision: u32,
    /// What it changes.
    pub definition: Definition,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub changed_at: Timestamp,
    /// When machines get it no more; its files go then.
    pub expires_at: Timestamp,
}

/// One making of a variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantBuild {
    /// Which variant.
    pub variant: VariantId,
    /// Counts from 1 within the variant.
    pub number: u32,
    /// The job that makes it.
    pub job: JobId,
    /// The revision of the definition.
    pub revision: u32,
    /// What it changes, as it was then.
    pub definition: Definition,
    /// The name by which the base release went then.
    pub base: String,
    /// The manifest of the base release.
    pub base_manifest: Digest,
    /// What the packages resolved to, once that is known.
    pub lock: Option<VariantLock>,
    /// What came out, once it is complete.
    pub manifest: Option<Manifest>,
    /// How the job stands.
    pub state: JobState,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// The name by which that person went then.
    pub created_by: String,
    /// When a worker took it.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// How a variant stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum VariantState {
    /// Nothing was built of it yet.
    New,
    /// Its newest build has not ended.
    Building,
    /// Its newest build can be booted.
    Ready,
    /// Its newest build failed; an earlier one may be booted.
    Failed,
    /// Its days are over.
    Expired,
}

words! {
    VariantState: "a state of a variant";
}

impl VariantState {
    /// All states.
    pub const ALL: [Self; 5] =
        [Self::New, Self::Building, Self::Ready, Self::Failed, Self::Expired];

    /// The word in rows, pages and requests.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Building => "building",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Expired => "expired",
        }
    }

    /// How a variant stands whose newest build has that state.
    #[must_use]
    pub fn of(newest: Option<JobState>, expires_at: Timestamp, now: Timestamp) -> Self {
        match newest {
            Some(JobState::Queued | JobState::Running) => Self::Building,
            _ if expires_at <= now => Self::Expired,
            None => Self::New,
            Some(JobState::Succeeded) => Self::Ready,
            Some(JobState::Failed | JobState::Cancelled) => Self::Failed,
        }
    }
}

impl VariantBuild {
    /// Length of the layer in bytes, once it is there.
    #[must_use]
    pub fn layer_size(&self) -> Option<u64> {
        self.manifest.as_ref()?.component(LAYER).map(|it| it.size)
    }
}

/// Whether a variant can be called so.
///
/// # Errors
/// What is wrong and what to do, in one sentence.
pub fn check_name(name: &str) -> Result<(), String> {
    let fits = (1..=40).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b))
        && !matches!(name, "new" | "preview" | "packages");
    if fits {
        return Ok(());
    }
    Err("a variant's name has 1 to 40 of the characters a-z, 0-9, '.' and '-', starts with a letter or digit, and is not \"new\", \"preview\" or \"packages\"".to_owned())
}

/// When a variant ends that gets so many days from now.
///
/// # Errors
/// What is wrong with that number and what to do, in one sentence.
pub fn expiry(now: Timestamp, days: u32) -> Result<Timestamp, String> {
    if !(1..=LONGEST_LIFETIME_DAYS).contains(&days) {
        return Err(format!(
            "a variant lives 1 to {LONGEST_LIFETIME_DAYS} days from now; it can be given more later"
        ));
    }
    Ok(now.plus(std::time::Duration::from_secs(u64::from(days) * 24 * 3600)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parts_of_addresses() {
        for name in ["a", "probe-7", "6.1", "x.y-z"] {
            assert_eq!(check_name(name), Ok(()));
        }
        for name in ["", "A", "-a", "new", "a/b", "a b", "preview", &"x".repeat(41)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_variant_stands_as_its_newest_build_until_its_days_are_over() {
        let (now, later) = (Timestamp(1), Timestamp(2));
        let of = |state| VariantState::of(state, later, now);
        assert_eq!(of(None), VariantState::New);
        assert_eq!(of(Some(JobState::Queued)), VariantState::Building);
        assert_eq!(of(Some(JobState::Succeeded)), VariantState::Ready);
        assert_eq!(of(Some(JobState::Cancelled)), VariantState::Failed);
        assert_eq!(VariantState::of(Some(JobState::Succeeded), now, now), VariantState::Expired);
        assert_eq!(VariantState::of(Some(JobState::Running), now, now), VariantState::Building);
    }

    #[test]
    fn days_are_counted_from_now() {
        assert_eq!(expiry(Timestamp(0), 1), Ok(Timestamp(86_400_000_000)));
        assert!(expiry(Timestamp(0), 0).is_err());
        assert!(expiry(Timestamp(0), LONGEST_LIFETIME_DAYS + 1).is_err());
    }
}
