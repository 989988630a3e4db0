//! Made-up data for every page.

use app::api::{
    approvals::{ApprovalsPage, InboxRow},
    audit::AuditPage,
    deployments::{DeploymentChoices, DeploymentPage},
    environments::{EnvironmentPage, EnvironmentsPage, HistoryRow},
    jobs::{JobPage, JobRow, JobsPage},
    overview::{BootCard, EnvironmentRow, OverviewPage},
    people::{PasswordLink, PeoplePage, PersonRow},
    recipes::{
        BuildPage, RecipeDiffPage, RecipeDraft, RecipePage, RecipeRow, RecipesPage, RevisionRow,
        RevisionsPage,
    },
    releases::{
        ChangeAgainst, ContentsPage, FilesPage, PlanEvidence, ReleaseDeploymentsPage, ReleaseFile,
        ReleaseHead, ReleasePage, ReleaseRow, ReleasesPage, RequestChoice, TestsPage,
    },
    runs::RunPage,
};
use domain::{
    actor::Actor,
    audit::{AuditEntry, AuditRow},
    change,
    deployment::{Approval, Deployment, DeploymentState, Verdict},
    digest::Digest,
    environment::{Environment, Policy},
    evidence::{DecidingCase, Evidence},
    job::{Job, JobKind, JobState, Step, StepState},
    lock::{Lock, LockedPackage, Part},
    log::LogLine,
    manifest::{BootEntry, BoundKernel, Component, ComponentRole, Manifest},
    person::{Person, Role},
    recipe::{self, RecipeSummary, RootMethod},
    release::{Health, Release, Stage},
    run::{BootStage, CaseResult, FailureClass, ObservedStage, Outcome, Run, Validation},
    text_diff,
    time::Timestamp,
    version::TargetVersion,
};

use super::give;

const NOW: i64 = 1_795_442_531;

fn at(ago: i64) -> Timestamp {
    Timestamp::from_seconds(NOW - ago)
}

fn release(number: u32, stage: Stage) -> Release {
    let built = stage.bootable();
    Release {
        id: format!("release-{number}").as_str().into(),
        version: TargetVersion::new(1, u64::from(number / 10), 0).candidate(number % 10),
        stage,
        recipe: "recipe-1".into(),
        recipe_name: "bookworm".to_owned(),
        revision: number % 7 + 1,
        job: "job-1".into(),
        manifest: built.then(|| Digest::of(format!("manifest {number}"))),
        lock: built.then(|| Digest::of("lock")),
        identical_to: None,
        created_at: at(i64::from(40 - number) * 8000),
        created_by: "grace".to_owned(),
        built_at: built.then(|| at(i64::from(40 - number) * 8000 - 400)),
        released_at: (stage == Stage::Released).then(|| at(3000)),
    }
}

fn row(number: u32, stage: Stage, health: Health, serving: &[&str]) -> ReleaseRow {
    ReleaseRow {
        release: release(number, stage),
        health,
        serving: serving.iter().map(|it| (*it).to_owned()).collect(),
    }
}

fn rows() -> Vec<ReleaseRow> {
    vec![
        row(22, Stage::Building, Health::Unknown, &[]),
        row(21, Stage::Candidate, Health::Passing, &["development"]),
        row(13, Stage::Released, Health::Passing, &["production"]),
        row(12, Stage::Failed, Health::Unknown, &[]),
        row(11, Stage::Candidate, Health::Failing, &[]),
        row(1, Stage::Withdrawn, Health::Unknown, &[]),
    ]
}

fn manifest(version: TargetVersion, kernel: &str, rootfs: u64) -> Manifest {
    let component =
        |role, name: String, size| Component { role, sha256: Digest::of(&name), name, size };
    let entry = |label: &str, text: &str, arguments: &str| BootEntry::Linux {
        label: label.to_owned(),
        text: text.to_owned(),
        kernel: "vmlinuz-6.1.y".to_owned(),
        root: RootMethod::Http,
        arguments: arguments.to_owned(),
    };
    Manifest {
        schema: 1,
        version,
        architecture: "amd64".to_owned(),
        components: vec![
            component(ComponentRole::Config, format!("config-{kernel}"), 260_112),
            component(ComponentRole::Initrd, format!("initrd-{kernel}.img"), 1_812_480),
            component(ComponentRole::Image, "rootfs.squashfs".to_owned(), rootfs),
            component(ComponentRole::Kernel, format!("vmlinuz-{kernel}"), 7_340_032),
        ],
        images: vec!["rootfs.squashfs".to_owned()],
        kernels: vec![BoundKernel {
            alias: "vmlinuz-6.1.y".to_owned(),
            release: kernel.to_owned(),
            image: format!("vmlinuz-{kernel}"),
            initrd: format!("initrd-{kernel}.img"),
            config: format!("config-{kernel}"),
        }],
        entries: vec![
            entry("deb-netboot-6.1.y", "Debian stable netboot 6.1.y", "console=ttyS0,115200"),
            entry(
                "deb-netboot-6.1.y-quiet",
                "Debian stable netboot 6.1.y, quiet",
                "console=ttyS0,115200 quiet loglevel=3",
            ),
        ],
        default_entry: "deb-netboot-6.1.y".to_owned(),
        timeout_ms: 3000,
        lock: Digest::of("lock"),
    }
}

fn lock(extra: &[(&str, &str)]) -> Lock {
    let known = [
        ("adduser", "3.134"),
        ("apt", "2.6.1"),
        ("base-files", "12.4+deb12u12"),
        ("bash", "5.2.15-2+b9"),
        ("coreutils", "9.1-1"),
        ("dbus", "1.14.10-1~deb12u1"),
        ("dpkg", "1.21.22"),
        ("iproute2", "6.1.0-3"),
        ("libc6", "2.36-9+deb12u13"),
        ("openssh-server", "1:9.2p1-2+deb12u7"),
        ("pciutils", "1:3.9.0-4"),
        ("perl-base", "5.36.0-7+deb12u3"),
        ("systemd", "252.39-1~deb12u1"),
        ("udev", "252.39-1~deb12u1"),
    ];
    let package = |(name, version): &(&str, &str)| LockedPackage {
        part: if name.starts_with("linux") { Part::Kernel } else { Part::Rootfs },
        name: (*name).to_owned(),
        version: (*version).to_owned(),
        architecture: "amd64".to_owned(),
        size: 20_000 + name.len() as u64 * 91_234,
        sha256: Digest::of(format!("{name}{version}")),
        origin: "bookworm/main".to_owned(),
        path: "pool".to_owned(),
    };
    let mut packages: Vec<LockedPackage> = known.iter().chain(extra).map(package).collect();
    packages.sort_by(|a, b| (a.part, &a.name).cmp(&(b.part, &b.name)));
    packages.dedup_by(|b, a| a.name == b.name);
    Lock {
        schema: 1,
        suite: "bookworm".to_owned(),
        architecture: "amd64".to_owned(),
        epoch: NOW,
        packages,
    }
}

fn change() -> ChangeAgainst {
    let (old, new) = (
        (
            manifest(TargetVersion::new(1, 1, 0), "6.1.0-38-cloud-amd64", 98_000_000),
            lock(&[("nano", "7.2-1"), ("linux-image-6.1.0-38-cloud-amd64", "6.1.147-1")]),
        ),
        (
            manifest(TargetVersion::new(1, 2, 0), "6.1.0-40-cloud-amd64", 99_812_352),
            lock(&[
                ("tcpdump", "4.99.3-1"),
                ("linux-image-6.1.0-40-cloud-amd64", "6.1.153-1"),
                ("libpcap0.8", "1.10.3-1"),
            ]),
        ),
    );
    let mut older = old.1.clone();
    for package in &mut older.packages {
        if package.name == "openssh-server" {
            package.version = "1:9.2p1-2+deb12u6".to_owned();
        }
    }
    let text = recipe::starter();
    ChangeAgainst {
        base: Some("v1.1.0".to_owned()),
        change: change::compare(Some((&old.0, &older)), (&new.0, &new.1)),
        recipe: text_diff::diff(
            text,
            &text
                .replace("  \"pciutils\",\n", "  \"pciutils\",\n  \"tcpdump\",\n")
                .replace("timeout_ms = 3000", "timeout_ms = 5000"),
        ),
    }
}

fn head(stage: Stage) -> ReleaseHead {
    ReleaseHead {
        row: row(
            if stage == Stage::Building { 22 } else { 21 },
            stage,
            Health::Passing,
            if stage.bootable() { &["development"] } else { &[] },
        ),
        validate: Ok(()),
        withdraw: Err("development serves this release; deploy another one there first".to_owned()),
        validating: None,
    }
}

fn steps(at_step: usize, state: StepState) -> Vec<Step> {
    let names =
        ["resolve", "fetch", "bootstrap", "system", "kernel", "initrd", "pack", "manifest", "sign"];
    names
        .iter()
        .zip(0..)
        .map(|(name, position)| {
            let index = position as usize;
            let state = match index.cmp(&at_step) {
                std::cmp::Ordering::Less if index < 2 => StepState::Reused,
                std::cmp::Ordering::Less => StepState::Succeeded,
                std::cmp::Ordering::Equal => state,
                std::cmp::Ordering::Greater => StepState::Waiting,
            };
            let begun = state != StepState::Waiting;
            let running = state == StepState::Running;
            Step {
                position,
                name: (*name).to_owned(),
                state,
                key: begun.then(|| Digest::of(name)),
                started_at: begun.then(|| at(200 - i64::from(position) * 17)),
                ended_at: (begun && !running).then(|| at(200 - i64::from(position) * 17 - 16)),
                progress: running.then_some(430),
                message: (state == StepState::Failed).then(|| "dpkg ended with 1: package openssh-server needs libcrypt1, which the lock does not have".to_owned()),
            }
        })
        .collect()
}

fn job(kind: JobKind, state: JobState) -> Job {
    Job {
        id: "0193579a-build".into(),
        kind,
        release: "release-21".into(),
        release_name: "v1.2.0-rc.2".to_owned(),
        state,
        created_at: at(210),
        created_by: "grace".to_owned(),
        started_at: Some(at(205)),
        ended_at: state.ended().then(|| at(30)),
        cancel_requested_at: None,
        outcome: match state {
            JobState::Failed => Some("step system failed: dpkg ended with 1".to_owned()),
            JobState::Succeeded => Some("identical to v1.2.0-rc.1".to_owned()),
            _ => None,
        },
        attempts: 2,
        log: None,
    }
}

fn job_row(kind: JobKind, state: JobState) -> JobRow {
    JobRow { job: job(kind, state), step: Some(steps(3, StepState::Running)[3].clone()), steps: 9 }
}

pub(crate) fn log_lines() -> Vec<LogLine> {
    (1..=120)
        .map(|number: u64| LogLine {
            number,
            at: at(200),
            step: match number { 0..12 => "resolve", 12..40 => "fetch", 40..90 => "bootstrap", _ => "system" }.to_owned(),
            text: match number {
                1 => "\u{1b}[1mResolving bookworm (main) for amd64\u{1b}[0m".to_owned(),
                14 => "\u{1b}[32m✓\u{1b}[0m InRelease is signed by \u{1b}[36mDebian Archive Automatic Signing Key (12/bookworm)\u{1b}[0m".to_owned(),
                88 => "\u{1b}[33mW:\u{1b}[0m could not canonicalize path, trying without".to_owned(),
                101 => "\u{1b}[31mE: \u{1b}[0mSub-process /usr/bin/dpkg returned an error code (1) <that is all>".to_owned(),
                102 => "a very long line that goes on and on: ".repeat(12),
                number => format!("Setting up libsystemd-shared:amd64 (252.39-1~deb12u{number}) ..."),
            },
        })
        .collect()
}

pub(crate) fn later_line(number: u64) -> LogLine {
    LogLine {
        number,
        at: at(0),
        step: if number < 300 { "system" } else { "kernel" }.to_owned(),
        text: format!("later line \u{1b}[32m{number}\u{1b}[0m"),
    }
}

fn run(outcome: Outcome) -> Run {
    let failed = outcome != Outcome::Passed;
    let case = |case: &str, title: &str, outcome, message: &str| CaseResult {
        case: case.to_owned(),
        title: title.to_owned(),
        outcome,
        duration_us: 1_240_000,
        message: message.to_owned(),
    };
    let stage = |stage, from: i64, to: i64, bytes| ObservedStage {
        stage,
        started_at: Some(Timestamp(NOW * 1_000_000 + from * 1000)),
        ended_at: Some(Timestamp(NOW * 1_000_000 + to * 1000)),
        bytes,
    };
    let mut stages = vec![
        stage(BootStage::Script, 0, 180, Some(1_412)),
        stage(BootStage::Kernel, 210, 1_900, Some(7_340_032)),
        stage(BootStage::Initrd, 1_930, 2_410, Some(1_812_480)),
        stage(BootStage::Rootfs, 7_800, 12_100, Some(99_812_352)),
        stage(BootStage::Init, 12_100, 21_500, None),
        stage(BootStage::Login, 21_500, 24_800, None),
    ];
    if failed {
        stages[4].ended_at = None;
        stages[5] = ObservedStage {
            stage: BootStage::Login,
            started_at: None,
            ended_at: None,
            bytes: None,
        };
    }
    Run {
        id: if failed { "run-2" } else { "run-1" }.into(),
        validation: "validation-1".into(),
        entry: "deb-netboot-6.1.y".to_owned(),
        machine: "qemu".to_owned(),
        machine_details: "QEMU 7.2.17, TCG, 1024 MiB, e1000".to_owned(),
        started_at: at(900),
        ended_at: Some(at(860)),
        outcome: Some(outcome),
        failure: failed.then_some(FailureClass::Product),
        message: if failed {
            "the kernel panicked before a login prompt appeared".to_owned()
        } else {
            String::new()
        },
        console: Some(Digest::of("console")),
        stages,
        results: vec![
            case(
                "smoke.boot",
                "Reaches a login prompt",
                outcome,
                if failed {
                    "Kernel panic - not syncing: VFS: Unable to mount root fs"
                } else {
                    ""
                },
            ),
            case(
                "smoke.kernel",
                "Kernel is the one in the manifest",
                if failed { Outcome::NotRun } else { outcome },
                if failed { "the machine did not come that far" } else { "" },
            ),
            case(
                "smoke.module",
                "A module loads",
                if failed { Outcome::NotRun } else { outcome },
                "",
            ),
            case(
                "smoke.units",
                "No unit has failed",
                if failed { Outcome::Skipped } else { outcome },
                "",
            ),
        ],
    }
}

fn validation(outcome: Outcome) -> Validation {
    Validation {
        id: "validation-1".into(),
        job: "job-2".into(),
        release: "release-21".into(),
        manifest: Digest::of("manifest 21"),
        plan: "smoke".to_owned(),
        plan_revision: 1,
        created_at: at(950),
        created_by: "grace".to_owned(),
        state: if outcome == Outcome::Passed { JobState::Succeeded } else { JobState::Failed },
        runs: vec![run(outcome)],
    }
}

fn plan(health: Health) -> PlanEvidence {
    let case = |case: &str, outcome: Outcome| DecidingCase {
        entry: "deb-netboot-6.1.y".to_owned(),
        machine: "qemu".to_owned(),
        case: case.to_owned(),
        run: Some("run-1".into()),
        outcome: outcome.into(),
    };
    let evidence = Evidence {
        manifest: Digest::of("manifest 21"),
        plan: "smoke".to_owned(),
        plan_revision: 1,
        cases: vec![
            case("smoke.boot", Outcome::Passed),
            case("smoke.kernel", Outcome::Passed),
            case("smoke.module", Outcome::Passed),
            case(
                "smoke.units",
                if health == Health::Failing { Outcome::Failed } else { Outcome::Passed },
            ),
        ],
    };
    PlanEvidence { digest: evidence.digest().unwrap_or_else(|_| Digest::of("x")), evidence, health }
}

fn deployment(state: DeploymentState, rollback: bool) -> Deployment {
    let approvals = if state == DeploymentState::Requested {
        Vec::new()
    } else {
        vec![Approval {
            approver: "barbara".into(),
            approver_name: "barbara".to_owned(),
            verdict: if state == DeploymentState::Refused {
                Verdict::Refused
            } else {
                Verdict::Approved
            },
            comment: "Read the package changes; the kernel boots on my bench too.".to_owned(),
            at: at(1200),
            manifest: Digest::of("manifest 21"),
            evidence: Digest::of("evidence"),
        }]
    };
    let ended = !state.open();
    Deployment {
        id: format!("deployment-{}-{rollback}", state.word()).as_str().into(),
        environment: "production".to_owned(), release: "release-21".into(), release_name: "v1.2.0-rc.1".to_owned(),
        from_release: Some("release-13".into()), from_name: Some("v1.1.0".to_owned()), rollback, state,
        reason: "New kernel with the fix for the e1000 hang that the lab saw on Tuesday; tcpdump for the bench.".to_owned(),
        requester: "grace".into(), requester_name: "grace".to_owned(), requested_at: at(4000),
        manifest: Digest::of("manifest 21"), evidence: Digest::of("evidence"), approvals,
        ended_at: ended.then(|| at(1000)), ended_by: ended.then(|| "barbara".to_owned()),
        outcome: ended.then(|| state.word().to_owned()),
    }
}

fn environment(name: &str, release: Option<&str>) -> Environment {
    Environment {
        name: name.to_owned(),
        release: release.map(|_| "release-13".into()),
        release_name: release.map(ToOwned::to_owned),
        since: release.map(|_| at(86_000)),
        policy: if name == "production" { Policy::production() } else { Policy::open() },
    }
}

fn inbox(state: DeploymentState, mine: bool) -> InboxRow {
    InboxRow {
        deployment: deployment(state, false),
        health: Health::Passing,
        summary: change().change.summary(),
        counted: u32::from(state == DeploymentState::Approved),
        demanded: 1,
        approve: if mine && state == DeploymentState::Requested {
            Ok(())
        } else {
            Err("you asked for this, and nobody approves their own request in production; ask another approver".to_owned())
        },
        deploy: if mine && state == DeploymentState::Approved {
            Ok(())
        } else {
            Err("production demands 1 approval(s), and 0 count(s) now; ask an approver".to_owned())
        },
    }
}

fn revision(number: u32, message: &str) -> RevisionRow {
    RevisionRow {
        number,
        digest: Digest::of(message),
        message: message.to_owned(),
        author: "grace".to_owned(),
        saved_at: at(i64::from(10 - number) * 7000),
    }
}

fn environment_rows(empty: bool) -> Vec<EnvironmentRow> {
    let (development, production) =
        if empty { (None, None) } else { (Some("v1.2.0-rc.1"), Some("v1.1.0")) };
    vec![
        EnvironmentRow {
            environment: environment("development", development),
            health: development.map(|_| Health::Passing),
            open: Vec::new(),
        },
        EnvironmentRow {
            environment: environment("production", production),
            health: production.map(|_| Health::Passing),
            open: if empty {
                Vec::new()
            } else {
                vec![deployment(DeploymentState::Requested, false)]
            },
        },
    ]
}

/// Gives every page its data.
pub(crate) fn provide(empty: bool) {
    let all = |some: Vec<ReleaseRow>| if empty { Vec::new() } else { some };
    give(OverviewPage {
        environments: environment_rows(empty),
        waiting: if empty { Vec::new() } else { vec![inbox(DeploymentState::Requested, true)] },
        working: if empty {
            Vec::new()
        } else {
            vec![
                job_row(JobKind::Build, JobState::Running),
                JobRow { step: None, ..job_row(JobKind::Validation, JobState::Queued) },
            ]
        },
        broken: if empty { Vec::new() } else { vec![job_row(JobKind::Build, JobState::Failed)] },
        newest: all(rows().into_iter().take(5).collect()),
        has_recipe: !empty,
        boot: BootCard {
            chain_lines: vec![
                "chain http://192.168.10.4:8000/menu.ipxe".to_owned(),
                "chain http://10.20.0.4:8000/menu.ipxe".to_owned(),
            ],
            answers: if empty {
                Err("nothing answers on port 8000: another program may have taken it; look at --boot-listen".to_owned())
            } else {
                Ok(())
            },
        },
    });
    provide_releases(empty);
    provide_recipes(empty);
    give(JobsPage {
        jobs: if empty {
            Vec::new()
        } else {
            JobState::ALL.map(|state| job_row(JobKind::Build, state)).to_vec()
        },
    });
    give(JobPage {
        job: job(JobKind::Build, JobState::Running),
        steps: steps(3, StepState::Running),
        runs: Vec::new(),
        cancel: Ok(()),
        failing_lines: Vec::new(),
    });
    if empty {
        give(JobPage {
            job: job(JobKind::Build, JobState::Failed),
            steps: steps(3, StepState::Failed),
            runs: Vec::new(),
            cancel: Ok(()),
            failing_lines: log_lines()[98..102].to_vec(),
        });
    }
    give(log_lines());
    let outcome = if empty { Outcome::Failed } else { Outcome::Passed };
    give(RunPage {
        run: run(outcome),
        validation: validation(outcome),
        release_name: "v1.2.0-rc.1".to_owned(),
        entry_text: "Debian stable netboot 6.1.y".to_owned(),
    });
    give(vec![
        "iPXE 1.0.0+git -- Open Source Network Boot Firmware".to_owned(),
        "\u{1b}[2J\u{1b}[1;1Hhttp://10.0.2.100:8000/release/v1.2.0-rc.1/menu.ipxe... ok".to_owned(),
        "[    0.000000] Linux version 6.1.0-40-cloud-amd64".to_owned(),
        "bootwright: stage rootfs".to_owned(),
        "debian login:".to_owned(),
    ]);
    give(EnvironmentsPage { environments: environment_rows(empty) });
    let past = |state, rollback, back: Option<Result<(), String>>, until: Option<i64>| HistoryRow {
        deployment: deployment(state, rollback),
        until: until.map(at),
        roll_back: back,
    };
    give(EnvironmentPage {
        environment: environment("production", Some("v1.1.0")),
        current: Some(row(13, Stage::Released, Health::Passing, &["production"])),
        open: vec![deployment(DeploymentState::Requested, false)],
        history: vec![
            past(DeploymentState::Deployed, true, None, None),
            past(DeploymentState::Deployed, false, Some(Ok(())), Some(400)),
            past(DeploymentState::Refused, false, None, None),
        ],
        menu_path: "/env/production/menu.ipxe".to_owned(),
        plans: vec!["smoke".to_owned()],
    });
    let not = |text: &str| Err(text.to_owned());
    give(DeploymentPage {
        deployment: deployment(
            if empty { DeploymentState::Approved } else { DeploymentState::Requested },
            false,
        ),
        environment: environment("production", Some("v1.1.0")),
        release: row(21, Stage::Candidate, Health::Passing, &["development"]),
        changes: Some(change()),
        evidence: vec![plan(Health::Passing)],
        evidence_digest: Digest::of("evidence"),
        counted: u32::from(empty),
        choices: DeploymentChoices {
            approve: if empty {
                not("you have approved this already; each approval must come from another person")
            } else {
                Ok(())
            },
            refuse: Ok(()),
            withdraw: not(
                "grace asked for this; only that person or an administrator may withdraw it",
            ),
            deploy: if empty {
                Ok(())
            } else {
                not("production demands 1 approval(s), and 0 count(s) now; ask an approver")
            },
        },
    });
    give(ApprovalsPage {
        open: if empty {
            Vec::new()
        } else {
            vec![inbox(DeploymentState::Requested, true), inbox(DeploymentState::Requested, false)]
        },
        ended: if empty {
            Vec::new()
        } else {
            vec![
                deployment(DeploymentState::Deployed, true),
                deployment(DeploymentState::Lapsed, false),
            ]
        },
    });
    provide_record(empty);
}

fn provide_releases(empty: bool) {
    let stage = if empty { Stage::Building } else { Stage::Candidate };
    let made =
        (!empty).then(|| manifest(TargetVersion::new(1, 2, 0), "6.1.0-40-cloud-amd64", 99_812_352));
    give(ReleasesPage { releases: if empty { Vec::new() } else { rows() } });
    give(ReleasePage {
        head: head(stage),
        manifest: made.clone(),
        packages: 214,
        key_id: made.as_ref().map(|_| "7D1F4A29C0B8E631".to_owned()),
        changes: (!empty).then(change),
        steps: steps(if empty { 4 } else { 9 }, StepState::Running),
        outcome: None,
    });
    give(ContentsPage {
        head: head(stage),
        manifest: made.clone(),
        packages: lock(&[]).packages,
        total: 214,
        search: "s".to_owned(),
        part: Some(Part::Rootfs),
    });
    give(TestsPage {
        head: head(stage),
        evidence: vec![plan(if empty { Health::Failing } else { Health::Passing })],
        validations: if empty {
            Vec::new()
        } else {
            vec![validation(Outcome::Passed), validation(Outcome::Failed)]
        },
    });
    let choice = |name: &str, serves: &str, choice| RequestChoice {
        environment: name.to_owned(),
        serves: Some(serves.to_owned()),
        policy: environment(name, None).policy,
        choice,
    };
    give(ReleaseDeploymentsPage {
        head: head(stage),
        environments: vec![
            choice("production", "v1.1.0", Ok(())),
            choice(
                "development",
                "v1.2.0-rc.1",
                Err("development serves this release already".to_owned()),
            ),
        ],
        deployments: vec![
            deployment(DeploymentState::Requested, false),
            deployment(DeploymentState::Deployed, false),
        ],
    });
    let files = made.iter().flat_map(|it| &it.components).map(|it| ReleaseFile {
        name: it.name.clone(),
        what: it.role.word().to_owned(),
        size: Some(it.size),
        sha256: Some(it.sha256),
    });
    let more = [
        ("manifest.json", "what the release consists of; its SHA-256 is the release's digest"),
        ("manifest.json.minisig", "signature of the manifest"),
        ("bootwright.pub", "public key that the signature is checked with"),
        ("lock.json", "every package with its version and SHA-256"),
        ("sbom.spdx.json", "the packages as SPDX 2.3"),
    ]
    .map(|(name, what)| ReleaseFile {
        name: name.to_owned(),
        what: what.to_owned(),
        size: None,
        sha256: None,
    });
    give(FilesPage {
        head: head(stage),
        files: files.chain(more).collect(),
        public_key: (!empty)
            .then(|| "RWQx6LjAKUofff8r1mV0dG9wLXNlY3JldC1ub3QtcmVhbGx5LWEta2V5".to_owned()),
    });
}

fn provide_recipes(empty: bool) {
    let summary = RecipeSummary {
        id: "recipe-1".into(),
        name: "bookworm".to_owned(),
        revision: 3,
        digest: Digest::of("r3"),
        author: "grace".to_owned(),
        saved_at: at(9000),
    };
    give(RecipesPage {
        recipes: if empty {
            Vec::new()
        } else {
            vec![RecipeRow { recipe: summary, newest: rows().into_iter().nth(1) }]
        },
    });
    let text = if empty {
        recipe::starter()
            .replace("\"systemd-sysv\"", "\"systemd-sysv")
            .replace("schema = 1", "schema = 1\nflavour = \"x\"")
    } else {
        recipe::starter().to_owned()
    };
    let problems = recipe::parse(&text).err().unwrap_or_default();
    give(RecipePage {
        draft: RecipeDraft {
            name: "bookworm".to_owned(),
            base: Some(3),
            text: text.clone(),
            message: String::new(),
            problems,
            error: None,
        },
        newest: (!empty).then(|| revision(3, "Longer menu, tcpdump for the bench")),
    });
    give(RevisionsPage {
        name: "bookworm".to_owned(),
        revisions: vec![
            revision(3, "Longer menu, tcpdump for the bench"),
            revision(2, "sshd on"),
            revision(1, "Starter recipe"),
        ],
    });
    let starter = recipe::starter();
    give(RecipeDiffPage {
        name: "bookworm".to_owned(),
        newest: 3,
        from: revision(2, "sshd on"),
        to: revision(3, "Longer menu, tcpdump for the bench"),
        lines: text_diff::diff(
            starter,
            &starter
                .replace("  \"pciutils\",\n", "  \"pciutils\",\n  \"tcpdump\",\n")
                .replace("timeout_ms = 3000", "timeout_ms = 5000"),
        ),
    });
    give(BuildPage {
        name: "bookworm".to_owned(),
        revision: revision(3, "Longer menu, tcpdump for the bench"),
        version: TargetVersion::new(1, 2, 0).candidate(3),
        former: (!empty).then(|| row(21, Stage::Candidate, Health::Passing, &[])),
    });
}

fn provide_record(empty: bool) {
    let actor = Actor::command_line();
    let mut previous = String::new();
    let mut audit: Vec<AuditRow> = (1..=30)
        .map(|sequence| {
            let details = serde_json::json!({ "environment": "production", "manifest": Digest::of("m"), "reason": "New kernel" });
            let entry = AuditEntry { actor: "grace".to_owned(), address: Some("192.168.10.77".to_owned()), ..AuditEntry::new(at(90_000 - sequence * 2500), &actor, "deployment.request", "deployment", "v1.2.0-rc.1".to_owned(), details) };
            let hash = entry.hash(sequence, &previous).unwrap_or_else(|_| Digest::of("x"));
            AuditRow { sequence, entry, previous_hash: std::mem::replace(&mut previous, hash.to_string()), hash }
        })
        .collect();
    audit.reverse();
    give(AuditPage {
        rows: if empty { Vec::new() } else { audit },
        older: (!empty).then_some(1),
        newest: true,
    });
    let person = |name: &str, role, disabled: bool| Person {
        id: name.into(),
        name: name.to_owned(),
        role,
        created_at: at(900_000),
        disabled_at: disabled.then(|| at(5000)),
    };
    let last: Result<(), String> = Err("ada is the last administrator; make somebody else an administrator first, or nobody could manage people".to_owned());
    give(PeoplePage {
        people: vec![
            PersonRow {
                person: person("ada", Role::Administrator, false),
                lower: last.clone(),
                disable: last,
            },
            PersonRow {
                person: person("barbara", Role::Approver, false),
                lower: Ok(()),
                disable: Ok(()),
            },
            PersonRow {
                person: person("grace", Role::Developer, false),
                lower: Ok(()),
                disable: Ok(()),
            },
            PersonRow {
                person: person("tony", Role::Viewer, true),
                lower: Ok(()),
                disable: Ok(()),
            },
        ],
        link: empty.then(|| PasswordLink {
            name: "barbara".to_owned(),
            token: "pZ3m4vQm0l2w8J1cQe0YkqKx7bA".to_owned(),
        }),
    });
}
