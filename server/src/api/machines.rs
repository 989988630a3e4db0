//! Machines: registered, changed, accepted, merged, and listed beside what each runs.
//!
//! [`mod@booting`] says what one boots and who has it, [`mod@rules`] what those of a label boot and what
//! strangers get, [`mod@table`] takes and gives all of them at once, and [`mod@shown`] is how one looks.

pub mod booting;
pub mod rules;
pub mod shown;
pub mod table;

use std::collections::BTreeMap;

use axum::{Json, extract::State, http::StatusCode};
use domain::{
    actor::Actor,
    machine::{
        self, Architecture, BootTarget, InvalidTarget, Labels, Mac, MachineDraft, MachineState,
    },
};
use serde::{Deserialize, Serialize};
use services::{Services, machines::MachineFilter};
use utoipa::{IntoParams, ToSchema};

use self::shown::Machine;
use super::{
    exchange::{Body, Caller, Created, IfMatch, Listed, Paging, Path, Query, Tagged, slice},
    problem::{Answer, Problem},
};

/// A machine to register.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMachine {
    /// Its unique name: 1 to 60 of a-z, 0-9, '.', '-' and '_'; starts with a letter or digit; not `new`,
    /// `import`, `export`, `rules`, `unregistered`, `drift`, `booting` or `qemu`.
    #[schema(pattern = "^[a-z0-9][a-z0-9._-]{0,59}$")]
    pub name: String,
    /// Addresses of its network cards, 1 to 16.
    pub macs: Vec<Mac>,
    /// Its UUID, where it has one of its own.
    pub uuid: Option<String>,
    /// Its serial number, where it has one of its own.
    pub serial: Option<String>,
    /// What its processor runs; `amd64` where absent.
    pub architecture: Option<Architecture>,
    /// By which rules find it.
    pub labels: Option<BTreeMap<String, String>>,
    /// Where it stands.
    pub location: Option<String>,
    /// Whatever else people should know.
    pub note: Option<String>,
}

impl NewMachine {
    fn draft(self) -> Answer<MachineDraft> {
        let Self { name, macs, uuid, serial, architecture, labels, location, note } = self;
        let (name, macs) = (Some(name), Some(macs));
        ChangedMachine { name, macs, uuid, serial, architecture, labels, location, note }
            .over(MachineDraft::default())
    }
}

/// What is said of a machine from now on; what is absent stays as it is.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedMachine {
    /// Its unique name.
    #[schema(pattern = "^[a-z0-9][a-z0-9._-]{0,59}$")]
    pub name: Option<String>,
    /// Addresses of its network cards, all of them.
    pub macs: Option<Vec<Mac>>,
    /// Its UUID; empty where it has none of its own.
    pub uuid: Option<String>,
    /// Its serial number; empty where it has none of its own.
    pub serial: Option<String>,
    /// What its processor runs.
    pub architecture: Option<Architecture>,
    /// By which rules find it, all of them.
    pub labels: Option<BTreeMap<String, String>>,
    /// Where it stands.
    pub location: Option<String>,
    /// Whatever else people should know.
    pub note: Option<String>,
}

impl ChangedMachine {
    /// What a machine of that draft is then.
    fn over(self, former: MachineDraft) -> Answer<MachineDraft> {
        let macs = self.macs.map(|macs| macs.iter().map(|it| format!("{it} ")).collect());
        let labels = self.labels.map(|it| labels_of("labels", it)).transpose()?;
        Ok(MachineDraft {
            name: self.name.unwrap_or(former.name),
            macs: macs.unwrap_or(former.macs),
            uuid: self.uuid.unwrap_or(former.uuid),
            serial: self.serial.unwrap_or(former.serial),
            architecture: self.architecture.map_or(former.architecture, |it| it.word().to_owned()),
            labels: labels.map_or(former.labels, |it| it.to_string()),
            location: self.location.unwrap_or(former.location),
            note: self.note.unwrap_or(former.note),
        })
    }
}

fn labels_of(field: &str, labels: BTreeMap<String, String>) -> Answer<Labels> {
    Labels::try_from(labels).map_err(|error| Problem::of_field(field, &error.to_string()))
}

/// The registered machine that a discovered one is.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineMerge {
    /// Name of the machine that stays.
    pub into: String,
}

/// Why another person's lock is passed.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PassingLock {
    /// Why the lock of another person does not hold: administrators alone may say so. 3 to 2000
    /// characters; it stands in the audit log.
    reason: Option<String>,
}

impl PassingLock {
    fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}

/// Which machines.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListMachines {
    /// Only those that have this in their name, MAC addresses, UUID, serial number or location.
    words: Option<String>,
    /// Only those with this label, such as `rack=3`.
    label: Option<String>,
    /// Only those that came to be known so.
    state: Option<MachineState>,
    /// Only those with this as a target of their own, such as `release v1.2.0`.
    target: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many items, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

impl ListMachines {
    fn filter(self) -> Answer<MachineFilter> {
        let pair = |it: String| {
            let pair = it.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
            pair.ok_or_else(|| Problem::of_field("label", "Write a label as rack=3"))
        };
        let target = |it: String| {
            let target = it.parse::<BootTarget>();
            target.map_err(|error: InvalidTarget| Problem::of_field("target", &error.to_string()))
        };
        Ok(MachineFilter {
            words: self.words,
            label: self.label.map(pair).transpose()?,
            state: self.state,
            target: self.target.map(target).transpose()?,
        })
    }
}

async fn shown(services: &Services, actor: &Actor, name: &str) -> Answer<Tagged<Machine>> {
    Ok(Machine::of(services.machine(actor, name).await?).tagged())
}

/// What a machine is from now on, on top of what it is now.
async fn changed(
    services: &Services,
    actor: &Actor,
    name: &str,
    new: ChangedMachine,
) -> Answer<MachineDraft> {
    let machine::Machine { name, profile, .. } = services.machine(actor, name).await?.machine;
    new.over(MachineDraft::of(&name, &profile))
}

/// Lists machines by name.
#[utoipa::path(get, path = "/machines", tag = "machines", params(ListMachines), responses((status = 200, body = Listed<Machine>)))]
pub async fn list(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(query): Query<ListMachines>,
) -> Answer<Json<Listed<Machine>>> {
    let slice = slice(query.cursor.as_deref(), query.limit)?;
    let page = services.machines_page(&actor, &query.filter()?, &slice).await?;
    Ok(Listed::of(page, Machine::of))
}

/// Lists accepted machines that run something else than they should, by name: the next boot of each
/// ends that.
#[utoipa::path(get, path = "/machines/drift", tag = "machines", params(Paging), responses((status = 200, body = Listed<Machine>)))]
pub async fn drift(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(paging): Query<Paging>,
) -> Answer<Json<Listed<Machine>>> {
    let page = services.drifting_machines(&actor, &paging.slice()?).await?;
    Ok(Listed::of(page, Machine::of))
}

/// Registers a machine. It boots what the rules say until it is assigned something of its own.
#[utoipa::path(post, path = "/machines", tag = "machines", request_body = NewMachine, responses((status = 201, body = Machine)))]
pub async fn create(
    State(services): State<Services>,
    Caller(actor): Caller,
    Body(new): Body<NewMachine>,
) -> Answer<Created<Tagged<Machine>>> {
    let name = services.register_machine(&actor, &new.draft()?).await?.name;
    Ok(Created(format!("/machines/{name}"), shown(&services, &actor, &name).await?))
}

/// Shows a machine, what it boots and why, who has it, and what it runs; its `ETag` is the revision
/// of what people say of it.
#[utoipa::path(get, path = "/machines/{name}", tag = "machines", params(("name" = String, Path, description = "Name of the machine")), responses((status = 200, body = Machine)))]
pub async fn show(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Answer<Tagged<Machine>> {
    shown(&services, &actor, &name).await
}

/// Changes what is said of a machine; `If-Match` names the revision that the change was made from.
#[utoipa::path(put, path = "/machines/{name}", tag = "machines", params(("name" = String, Path, description = "Name of the machine"), PassingLock, ("If-Match" = String, Header, description = "ETag of the machine that was looked at")), request_body = ChangedMachine, responses((status = 200, body = Machine)))]
pub async fn change(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Query(passing): Query<PassingLock>,
    base: IfMatch,
    Body(new): Body<ChangedMachine>,
) -> Answer<Tagged<Machine>> {
    let base = base.version()?;
    let draft = changed(&services, &actor, &name, new).await?;
    let changed = services.change_machine(&actor, &name, base, &draft, passing.reason()).await;
    shown(&services, &actor, &changed.map_err(Problem::of_condition)?.name).await
}

/// Removes a machine, or discards one that was discovered. What runs and the audit log say of it stays.
#[utoipa::path(delete, path = "/machines/{name}", tag = "machines", params(("name" = String, Path, description = "Name of the machine"), PassingLock), responses((status = 204)))]
pub async fn delete(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Query(passing): Query<PassingLock>,
) -> Answer<StatusCode> {
    services.remove_machine(&actor, &name, passing.reason()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Accepts a machine that was discovered, with what is said of it; `If-Match` names the revision that
/// was looked at.
#[utoipa::path(post, path = "/machines/{name}/accept", tag = "machines", params(("name" = String, Path, description = "Name of the machine"), ("If-Match" = String, Header, description = "ETag of the machine that was looked at")), request_body = ChangedMachine, responses((status = 200, body = Machine)))]
pub async fn accept(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    base: IfMatch,
    Body(new): Body<ChangedMachine>,
) -> Answer<Tagged<Machine>> {
    let base = base.version()?;
    let draft = changed(&services, &actor, &name, new).await?;
    let accepted = services.accept_machine(&actor, &name, base, &draft).await;
    shown(&services, &actor, &accepted.map_err(Problem::of_condition)?.name).await
}

/// Says that a machine that was discovered is a registered one, which gets its network cards, and its
/// UUID and serial number where it has none.
#[utoipa::path(post, path = "/machines/{name}/merge", tag = "machines", params(("name" = String, Path, description = "Name of the machine that was discovered"), PassingLock), request_body = MachineMerge, responses((status = 200, body = Machine)))]
pub async fn merge(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Query(passing): Query<PassingLock>,
    Body(MachineMerge { into }): Body<MachineMerge>,
) -> Answer<Tagged<Machine>> {
    services.merge_machine(&actor, &name, &into, passing.reason()).await?;
    shown(&services, &actor, &into).await
}
