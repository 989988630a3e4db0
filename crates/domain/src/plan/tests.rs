use std::collections::BTreeSet;

use super::*;
use crate::{
    digest::Digest, evidence::Evidence, manifest::EntryKind, recipe::RootMethod, release::Health,
    version::TargetVersion,
};

/// A menu of a Linux entry and a chain.
fn manifest() -> Manifest {
    let linux = BootEntry::Linux {
        label: "linux".to_owned(),
        text: "Linux".to_owned(),
        kernel: "vmlinuz".to_owned(),
        root: RootMethod::Http,
        arguments: String::new(),
    };
    let chain = BootEntry::Chain {
        label: "elsewhere".to_owned(),
        text: "Elsewhere".to_owned(),
        script: "http://example.org/".to_owned(),
    };
    Manifest {
        schema: 1,
        version: TargetVersion::new(1, 0, 0),
        architecture: "amd64".to_owned(),
        components: Vec::new(),
        images: Vec::new(),
        kernels: Vec::new(),
        default_entry: "linux".to_owned(),
        entries: vec![linux, chain],
        timeout_ms: 3000,
        lock: None,
    }
}

fn suite(name: &str, each_entry: bool, approved: &[&str]) -> PlannedSuite {
    let approved = approved.iter().map(|it| (*it).to_owned()).collect();
    PlannedSuite { suite: name.to_owned(), revision: 1, each_entry, approved }
}

fn plan(machines: &[&str], suites: Vec<PlannedSuite>) -> Plan {
    let definition = PlanDefinition {
        description: String::new(),
        entries: Vec::new(),
        machines: machines.iter().map(|it| (*it).to_owned()).collect(),
        suites,
        retries: 0,
    };
    assert_eq!(definition.check(), Ok(()));
    let (name, saved_by) = ("boards".to_owned(), "ada".to_owned());
    Plan { name, revision: 1, definition, saved_at: None, saved_by }
}

fn ran(machine: &str, entry: &str, suite: &str, results: &[(&str, Outcome)]) -> DecidingRun {
    DecidingRun {
        run: RunId("r".to_owned()),
        machine: machine.to_owned(),
        entry: entry.to_owned(),
        suite: suite.to_owned(),
        whole: true,
        results: results.iter().map(|(id, outcome)| ((*id).to_owned(), *outcome)).collect(),
    }
}

fn health(plan: &Plan, runs: &[DecidingRun]) -> Health {
    let cases = plan.decide(&manifest(), runs);
    let (manifest, plan) = (Digest::of("m"), plan.name.clone());
    Evidence { manifest, plan, plan_revision: 1, cases }.health()
}

#[test]
fn a_plan_runs_its_suites_on_what_the_runner_has() {
    let plan = plan(
        &["qemu", "apu2"],
        vec![suite("smoke", true, &[]), suite("dom0", true, &[]), suite("tools", false, &[])],
    );
    let runs = plan.runs(&manifest());
    let steps: Vec<_> = runs.iter().map(|it| it.step.as_str()).collect();
    assert_eq!(
        steps,
        ["linux", "elsewhere", "linux, suite dom0", "elsewhere, suite dom0", "suite tools"]
    );
    assert!(runs.iter().all(|it| it.machine == "qemu"));
    let only = PlanDefinition { entries: vec!["linux".to_owned()], ..plan.definition.clone() };
    let only = Plan { definition: only, ..plan };
    assert_eq!(only.runs(&manifest()).len(), 3);
}

#[test]
fn every_machine_must_answer() {
    let plan = plan(&["qemu", "apu2"], vec![suite("tools", false, &["T1"])]);
    let passed = |machine| ran(machine, "", "tools", &[("T1", Outcome::Passed)]);
    assert_eq!(health(&plan, &[passed("qemu")]), Health::Unknown);
    assert_eq!(health(&plan, &[passed("qemu"), passed("apu2")]), Health::Passing);
    // Of another suite or entry it is no answer.
    let beside = ran("apu2", "linux", "tools", &[("T1", Outcome::Passed)]);
    assert_eq!(health(&plan, &[passed("qemu"), beside]), Health::Unknown);
}

#[test]
fn an_approved_set_asks_for_its_cases_alone() {
    let plan = plan(&["qemu"], vec![suite("tools", false, &["T1", "T2"])]);
    let both = [("T1", Outcome::Passed), ("T2", Outcome::Passed), ("T3", Outcome::Failed)];
    assert_eq!(health(&plan, &[ran("qemu", "", "tools", &both)]), Health::Passing);
    let skipped = [("T1", Outcome::Passed), ("T2", Outcome::Skipped)];
    assert_eq!(health(&plan, &[ran("qemu", "", "tools", &skipped)]), Health::Unknown);
    let failed = [("T1", Outcome::Failed), ("T2", Outcome::Passed)];
    assert_eq!(health(&plan, &[ran("qemu", "", "tools", &failed)]), Health::Failing);
}

#[test]
fn without_an_approved_set_a_run_must_be_whole_and_nothing_may_fail() {
    let plan = plan(&["qemu"], vec![suite("tools", false, &[])]);
    assert_eq!(health(&plan, &[]), Health::Unknown);
    let run = ran("qemu", "", "tools", &[]);
    assert_eq!(health(&plan, std::slice::from_ref(&run)), Health::Passing);
    assert_eq!(health(&plan, &[DecidingRun { whole: false, ..run }]), Health::Failing);
    let failed = ran("qemu", "", "tools", &[("T9", Outcome::Failed)]);
    let cases = plan.decide(&manifest(), std::slice::from_ref(&failed));
    let ids: Vec<_> = cases.iter().map(|it| it.case.as_str()).collect();
    assert_eq!(ids, [WHOLE_RUN, "T9"]);
    assert_eq!(health(&plan, &[failed]), Health::Failing);
}

#[test]
fn the_built_in_suite_asks_each_entry_for_what_concerns_it() {
    let plan = Plan::smoke();
    let asked = plan.decide(&manifest(), &[]);
    let of = |entry: &str| asked.iter().filter(|it| it.entry == entry).count();
    assert_eq!(of("elsewhere"), 1);
    assert_eq!(of("linux"), SMOKE.cases_of(EntryKind::Linux).count());
    assert!(asked.iter().all(|it| it.run.is_none() && it.outcome.0 == "not-run"));
    // A run that came to nothing leaves no older pass standing.
    let empty = plan.decide(&manifest(), &[ran("qemu", "linux", "smoke", &[])]);
    assert!(empty.iter().all(|it| it.outcome.0 == "not-run"));
    let mut few = plan.definition.clone();
    few.suites[0].approved = vec!["smoke.boot".to_owned(), "smoke.menu".to_owned()];
    let few = Plan { definition: few, ..plan };
    let ids: Vec<_> = few
        .decide(&manifest(), &[])
        .into_iter()
        .map(|it| format!("{} {}", it.entry, it.case))
        .collect();
    assert_eq!(ids, ["elsewhere smoke.menu", "linux smoke.boot"]);
}

#[test]
fn what_is_wrong_with_a_plan_is_said_with_its_field() {
    let good = plan(&["qemu"], vec![suite("smoke", true, &[])]).definition;
    let fields = |it: PlanDefinition| {
        it.check().unwrap_err().into_iter().map(|it| it.field).collect::<Vec<_>>()
    };
    assert_eq!(fields(PlanDefinition { machines: Vec::new(), ..good.clone() }), ["machines"]);
    let twice = vec!["a".to_owned(), "a".to_owned()];
    assert_eq!(fields(PlanDefinition { entries: twice, ..good.clone() }), ["entries"]);
    assert_eq!(fields(PlanDefinition { suites: Vec::new(), ..good.clone() }), ["suites"]);
    let unknown = vec![suite("smoke", true, &["smoke.boots"])];
    assert_eq!(fields(PlanDefinition { suites: unknown, ..good.clone() }), ["suites"]);
    assert_eq!(fields(PlanDefinition { retries: 6, ..good }), ["retries"]);
}

#[test]
fn cases_are_unique_and_carry_their_suite() {
    let ids: BTreeSet<_> = SMOKE.cases.iter().map(|case| case.id).collect();
    assert_eq!(ids.len(), SMOKE.cases.len());
    assert!(ids.iter().all(|id| id.starts_with("smoke.")));
    assert!(EntryKind::ALL.into_iter().all(|kind| SMOKE.cases_of(kind).count() > 0));
}

#[test]
fn entries_answer_for_what_they_boot() {
    let ids = |kind| SMOKE.cases_of(kind).map(|case| case.id).collect::<BTreeSet<_>>();
    let (linux, xen) = (ids(EntryKind::Linux), ids(EntryKind::Xen));
    assert!(linux.is_subset(&xen));
    assert_eq!(
        xen.difference(&linux).copied().collect::<Vec<_>>(),
        ["smoke.hypervisor", "smoke.iommu"]
    );
    for kind in [EntryKind::Installer, EntryKind::Chain] {
        assert_eq!(ids(kind).into_iter().collect::<Vec<_>>(), ["smoke.menu"]);
    }
}
