//! What machines of certain labels boot, and what those get that nobody has accepted.
//!
//! The text of the rules is sent to the server's `POST /machines/rules`: where it has faults the answer is
//! the page again, with what was typed and the faults at their lines.

use domain::{
    digest::Digest,
    machine::{Answer, MachineRules, RowFault, Unregistered},
};
use leptos::server;

use crate::{api::Choice, error::AppError};

/// What somebody wrote that was not saved, and why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesDraft {
    /// The revision that it was made from.
    pub base: u32,
    /// The text.
    pub text: String,
    /// Lines that cannot be taken.
    pub faults: Vec<RowFault>,
    /// Why it was not saved, where no line alone is at fault.
    pub error: Option<AppError>,
}

/// `/machines/rules`
#[derive(Debug, Clone)]
pub struct RulesPage {
    /// The rules that hold now.
    pub rules: MachineRules,
    /// What stands in the form.
    pub draft: RulesDraft,
    /// What machines get that nobody has accepted.
    pub unregistered: Unregistered,
    /// Whether the viewer may change the rules.
    pub change: Choice,
    /// Whether the viewer may say what those get.
    pub change_unregistered: Choice,
}

/// The rules.
pub(crate) async fn load_rules() -> Result<RulesPage, AppError> {
    crate::compose::machines::rules::page(&crate::api::asked()?).await
}

/// Says what machines get that nobody has accepted.
#[server(prefix = "/api/ui")]
pub async fn change_unregistered(
    unknown: Answer,
    pending: Answer,
    #[server(default)] base: Option<Digest>,
) -> Result<(), AppError> {
    let to = Unregistered { unknown, pending };
    crate::compose::machines::rules::change_unregistered(&crate::api::asked()?, to, base).await
}
