//! Boots of machines: the list, and one with its stages.

use domain::{
    boot::{Boot, BootEvent, BootState, times::BootTimes, trace::BootTrace},
    page::Cursor,
};
use serde::{Deserialize, Serialize};

use super::Around;
use crate::error::AppError;

/// Which boots a list shows, as its address says; empty is any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootsAsked {
    /// Name of the machine.
    pub machine: String,
    /// How they stand.
    pub state: String,
    /// Name of the release or variant.
    pub release: String,
}

/// `/boots`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BootsPage {
    /// Newest first.
    pub boots: Vec<Boot>,
    /// How long they take by release, of the machine where one is asked for.
    pub times: Vec<BootTimes>,
    /// What else there is.
    pub around: Around,
    /// What was asked for.
    pub asked: BootsAsked,
    /// The state that was asked for.
    pub state: Option<BootState>,
}

/// `/boots/:number`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BootPage {
    /// The boot.
    pub boot: Boot,
    /// Its stages.
    pub trace: BootTrace,
    /// What was seen, as it came.
    pub events: Vec<BootEvent>,
}

/// A page of the list of boots: those after `after`, else the newest.
pub(crate) async fn load_boots(
    asked: BootsAsked,
    after: Option<Cursor>,
) -> Result<BootsPage, AppError> {
    crate::compose::boots::list(&super::asked()?, asked, after).await
}

/// A boot with its stages.
pub(crate) async fn load_boot(number: String) -> Result<BootPage, AppError> {
    crate::compose::boots::boot(&super::asked()?, &number).await
}
