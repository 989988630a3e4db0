//! Boots of machines: how each went, and how long they take. Here they are read; [`mod@keeping`] writes down
//! what the boot listener saw and what machines reported.

mod keeping;

use std::time::Duration;

use domain::{
    actor::Actor,
    boot::{
        Boot, BootEvent, BootState,
        times::{BootTimes, times},
        trace::{BootTrace, trace},
    },
    ids::MachineId,
    page::{Page, Slice},
    policy::Action,
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use store::{Rows, boots::BootFilter};

use crate::{Services, error::ServiceError};

/// What pages about boots follow.
const TOPIC: &str = "boots";
/// How far back the overview looks for boots that ended early.
const LATELY: Duration = Duration::from_secs(3600);
/// How many of these it shows.
const MOST_SHOWN: u32 = 10;
/// Of how many boots it is told how long they took.
const MOST_TIMED: u32 = 1000;

/// Which boots a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BootQuery {
    /// Only those of the machine of this name.
    pub machine: Option<String>,
    /// Only those that stand so.
    pub state: Option<BootState>,
    /// Only those of the release or variant of this name.
    pub release: Option<String>,
}

/// A boot with all that was seen of it, and what that says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootWithTrace {
    /// The boot.
    pub boot: Boot,
    /// Its stages.
    pub trace: BootTrace,
    /// Its events, as they came.
    pub events: Vec<BootEvent>,
}

impl Services {
    /// A page of boots, the newest first.
    ///
    /// # Errors
    /// Where there is no machine of that name, or the actor may not read.
    pub async fn boots_page(
        &self,
        actor: &Actor,
        query: &BootQuery,
        slice: &Slice,
    ) -> Result<Page<Boot>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let filter = BootFilter {
            machine: machine_id(&mut rows, query.machine.as_deref()).await?,
            state: query.state,
            release: query.release.clone(),
        };
        Ok(rows.boots_page(&filter, slice).await?)
    }

    /// The boot of that number.
    ///
    /// # Errors
    /// Where there is none, or the actor may not read.
    pub async fn boot(&self, actor: &Actor, number: i64) -> Result<BootWithTrace, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let found = self.read().await?.boot(number).await?;
        let found = found.ok_or_else(|| ServiceError::NotFound(format!("boot {number}")))?;
        let trace = trace(&found.events);
        Ok(BootWithTrace { boot: found.boot, trace, events: found.events })
    }

    /// How long the newest boots took, by release, the one that was booted last first; of one machine where its
    /// name is given.
    ///
    /// # Errors
    /// Where there is no machine of that name, or the actor may not read.
    pub async fn boot_times(
        &self,
        actor: &Actor,
        machine: Option<&str>,
    ) -> Result<Vec<BootTimes>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let machine = machine_id(&mut rows, machine).await?;
        Ok(times(&rows.boot_times(machine.as_ref(), MOST_TIMED).await?))
    }

    /// The newest boots that ended early within the last hour.
    pub(crate) async fn boots_failed_lately(
        &self,
        rows: &mut Rows,
    ) -> Result<Vec<Boot>, ServiceError> {
        let micros = i64::try_from(LATELY.as_micros()).unwrap_or(i64::MAX);
        let since = Timestamp(self.now().0.saturating_sub(micros));
        Ok(rows.boots_failed_since(since, MOST_SHOWN).await?)
    }
}

async fn machine_id(
    rows: &mut Rows,
    name: Option<&str>,
) -> Result<Option<MachineId>, ServiceError> {
    let Some(name) = name else { return Ok(None) };
    let machine = rows.machine(name).await?;
    let machine = machine.ok_or_else(|| ServiceError::NotFound(format!("machine {name}")))?;
    Ok(Some(machine.id))
}

/// What pages about one boot follow.
fn topic(number: i64) -> String {
    format!("boot/{number}")
}
