//! What becomes of boots: the boot listener's news and the machines' reports are written down, a few times a second and
//! many at a time.
//!
//! A report is answered when its transaction is committed. In the same transaction it ends the order
//! that this boot was, and notes what the machine runs.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    boot::{
        Boot, BootEvent, BootState, BootStep, Booted, MOST_EVENTS, SILENT_AFTER_SECONDS,
        TracedBoot,
        report::{BootReport, ReportedStage},
        trace::trace,
    },
    environment::PRODUCTION,
    error_chain::chain,
    ids::{BootId, MachineId},
    machine::{Machine, Running},
    time::Timestamp,
};
use netboot::{BootNews, ReportAnswer, Reported};
use store::WriteTx;
use tokio::{
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval},
};

use super::{TOPIC, topic};
use crate::{Services, audit::Change, error::ServiceError, machines};

/// How often news are written down.
const ROUND: Duration = Duration::from_millis(500);
/// How many reports one transaction takes.
const MOST_REPORTS: usize = 200;
/// How many boots are kept of one machine.
const KEPT: u32 = 500;
/// How many boots that went silent are noted at a time.
const SILENCED: u32 = 200;
/// After how many rounds it is looked for these.
const ROUNDS_TO_SILENCE: u64 = 40;

/// What one transaction changes.
#[derive(Default)]
struct Written {
    boots: BTreeMap<i64, String>,
    /// Boots that have ended.
    over: Vec<BootId>,
    /// Machines that the boot listener has to read again.
    machines: Vec<MachineId>,
    /// Whether the sequence tells of one.
    recorded: bool,
}

impl Services {
    /// Writes down what the boot listener sees of boots, until the server ends. Does nothing where somebody does
    /// already, or boots are not watched.
    pub async fn keep_boots(self, mut stopping: watch::Receiver<bool>) {
        let listener = self.boot_listener();
        let Some(traces) = listener.traces() else { return };
        let Some(mut reports) = traces.take_reports() else { return };
        let mut ticks = interval(ROUND);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for round in 1_u64.. {
            let mut reported = Vec::new();
            let ends = tokio::select! {
                _ = stopping.changed() => true,
                _ = ticks.tick() => false,
                () = received(&mut reports, &mut reported) => false,
            };
            let news = traces.take_news();
            if !(news.is_empty() && reported.is_empty()) {
                match self.write_boots(&news, &reported).await {
                    Ok((over, answers)) => {
                        for (it, answer) in reported.into_iter().zip(answers) {
                            // A machine that went away is no news.
                            let _ = it.answer.send(answer);
                        }
                        over.iter().for_each(|id| traces.close(id));
                    }
                    // Who waits is told to try again, since nobody answers.
                    Err(error) => {
                        tracing::error!(error = %chain(&error), "boots are not written down");
                    }
                }
            }
            if ends {
                return;
            }
            if round.is_multiple_of(ROUNDS_TO_SILENCE)
                && let Err(error) = self.note_silent_boots().await
            {
                tracing::error!(error = %chain(&error), "boots that went silent are not noted");
            }
        }
    }

    /// Writes news and reports in one transaction: the boots that are over, and the answer to each report.
    async fn write_boots(
        &self,
        news: &[BootNews],
        reported: &[Reported],
    ) -> Result<(Vec<BootId>, Vec<ReportAnswer>), ServiceError> {
        let mut tx = self.begin().await?;
        let mut written = Written::default();
        for it in news {
            self.write_news(&mut tx, it, &mut written).await?;
        }
        let mut answers = Vec::with_capacity(reported.len());
        for it in reported {
            answers.push(self.write_report(&mut tx, it, &mut written).await?);
        }
        tx.commit().await?;
        for (number, machine) in &written.boots {
            self.tell(&topic(*number));
            self.tell(&machines::topic(machine));
        }
        self.tell(TOPIC);
        if written.recorded {
            self.tell(machines::TOPIC);
            self.refresh_machines().await?;
        }
        for id in &written.machines {
            self.show_machine(id).await?;
        }
        Ok((written.over, answers))
    }

    async fn write_news(
        &self,
        tx: &mut WriteTx,
        news: &BootNews,
        written: &mut Written,
    ) -> Result<(), ServiceError> {
        let found = tx.boot_by_id(&news.id).await?;
        let is_new = found.is_none();
        let mut traced = found.unwrap_or_else(|| TracedBoot {
            boot: Boot::begun(
                news.machine.clone(),
                news.name.clone(),
                (*news.target).clone(),
                news.started_at,
            ),
            events: Vec::new(),
        });
        traced.boot.address = news.address.or(traced.boot.address);
        traced.boot.booted = news.booted.clone().or(traced.boot.booted);
        let room = MOST_EVENTS.saturating_sub(traced.events.len());
        traced.events.extend(news.events.iter().take(room).cloned());
        if let (true, Some(once)) = (is_new, &news.once) {
            tx.give_once(&news.machine, once, news.id.as_str()).await?;
        }
        self.write_boot(tx, &news.id, is_new, traced, written).await
    }

    async fn write_report(
        &self,
        tx: &mut WriteTx,
        reported: &Reported,
        written: &mut Written,
    ) -> Result<ReportAnswer, ServiceError> {
        let Reported { token, address, at, report, .. } = reported;
        let Some(machine) = tx.machine_by_id(&token.machine).await? else {
            return Ok(ReportAnswer::Unknown);
        };
        let found = tx.boot_by_id(&token.boot).await?;
        let is_new = found.is_none();
        let mut traced = match found {
            Some(found) => found,
            // The server was started anew before it had written down that the boot began.
            None => {
                let rules = tx.machine_rules().await?.rules;
                let target = machine.assigned(&rules, PRODUCTION).target;
                let started_at = Timestamp(at.0 - report.kernel_ago_us.unwrap_or_default());
                let (id, name) = (machine.id.clone(), machine.name.clone());
                TracedBoot { boot: Boot::begun(id, name, target, started_at), events: Vec::new() }
            }
        };
        let spent = matches!(traced.boot.state, BootState::Up | BootState::Failed);
        if spent || traced.events.len() >= MOST_EVENTS {
            return Ok(ReportAnswer::Spent);
        }
        traced.boot.address = address.or(traced.boot.address);
        if !report.entry.is_empty() {
            traced.boot.entry.clone_from(&report.entry);
        }
        if let Some(booted) = self.booted_of(report, &traced.boot) {
            traced.boot.booted = Some(booted);
        }
        traced.events.push(BootEvent::Report { at: *at, report: report.clone() });
        if let Some(once) = machine.once.as_ref().filter(|it| token.is_of(&it.id))
            && tx.spend_once(&machine.id, &once.id).await?
        {
            let machine = Machine { once: None, ..machine.clone() };
            let change = Change::Machine {
                action: "machine.once-spent",
                machine: &machine,
                reason: None,
                into: None,
            };
            self.record(tx, &machines::boot_listener(), change).await?;
            written.recorded = true;
        }
        // Before that the rootfs is not what runs.
        let runs = !matches!(report.stage, ReportedStage::Rootfs | ReportedStage::Failed);
        if let (true, Some(booted)) = (runs, &traced.boot.booted) {
            let since = Timestamp(at.0 - report.ago_us);
            let running = Running {
                manifest: booted.manifest,
                name: booted.name.clone(),
                entry: traced.boot.entry.clone(),
                since: machine
                    .running
                    .filter(|it| it.since > traced.boot.started_at)
                    .map_or(since, |it| it.since),
            };
            tx.set_machine_running(&machine.id, &running).await?;
            written.machines.push(machine.id);
        }
        self.write_boot(tx, &token.boot, is_new, traced, written).await?;
        Ok(ReportAnswer::Noted)
    }

    async fn write_boot(
        &self,
        tx: &mut WriteTx,
        id: &BootId,
        is_new: bool,
        TracedBoot { boot, events }: TracedBoot,
        written: &mut Written,
    ) -> Result<(), ServiceError> {
        let boot = known(boot, &events);
        let number = if is_new {
            let number = tx.insert_boot(id, &boot, &events).await?;
            tx.prune_boots(&boot.machine_id, KEPT).await?;
            number
        } else {
            tx.update_boot(&boot, &events).await?;
            boot.number
        };
        if matches!(boot.state, BootState::Up | BootState::Failed) {
            written.over.push(id.clone());
        }
        written.boots.insert(number, boot.machine);
        Ok(())
    }

    /// What a report says that is booted, where that is served; the machine's word alone makes no release.
    fn booted_of(&self, report: &BootReport, boot: &Boot) -> Option<Booted> {
        let manifest = report.manifest?;
        if boot.booted.as_ref().is_some_and(|it| it.manifest == manifest) {
            return None;
        }
        let name = self.catalogue().snapshot().name_of(&manifest)?;
        Some(Booted { manifest, name })
    }

    /// Notes the boots of which nothing was heard for [`SILENT_AFTER_SECONDS`].
    async fn note_silent_boots(&self) -> Result<(), ServiceError> {
        let micros =
            i64::try_from(SILENT_AFTER_SECONDS).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        let before = Timestamp(self.now().0.saturating_sub(micros));
        let silent = self.read().await?.boots_left_alone(before, SILENCED).await?;
        if silent.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        let mut numbers = Vec::new();
        for TracedBoot { boot, .. } in silent {
            // Heard of since it was read: it goes on.
            let Some(now) = tx.boot(boot.number).await?.filter(|it| it.boot == boot) else {
                continue;
            };
            let state = trace(&now.events).left_alone();
            tx.update_boot(&Boot { state, ..now.boot }, &now.events).await?;
            numbers.push(boot.number);
        }
        tx.commit().await?;
        numbers.iter().for_each(|number| self.tell(&topic(*number)));
        self.tell(TOPIC);
        Ok(())
    }
}

/// Waits for reports, and for others that have come meanwhile.
async fn received(reports: &mut mpsc::Receiver<Reported>, into: &mut Vec<Reported>) {
    if reports.recv_many(into, MOST_REPORTS).await == 0 {
        // No listener is left; there is the other end of a select.
        std::future::pending::<()>().await;
    }
}

/// The boot with what its events say.
fn known(boot: Boot, events: &[BootEvent]) -> Boot {
    let trace = trace(events);
    let login = trace.steps.iter().find(|it| it.step == BootStep::Login);
    let up_at = login.and_then(|it| it.started_at);
    Boot {
        state: trace.state,
        step: trace.step,
        reason: trace.reason,
        class: trace.class,
        bytes: trace.bytes,
        retries: trace.retries,
        last_at: trace.last_at.unwrap_or(boot.last_at),
        took_us: up_at.map(|at| (at.0 - boot.started_at.0).max(0)),
        ..boot
    }
}
