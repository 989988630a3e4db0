use super::*;
use crate::{
    assessment::{Assessment, MadeAssessment, Waiver},
    ids::RunId,
    run::comparison::SeenCase,
};

fn placed(machine: &str, entry: &str, suite: &str, passed: u64, failed: u64) -> Placed {
    Placed {
        machine: machine.to_owned(),
        entry: entry.to_owned(),
        suite: suite.to_owned(),
        plan: None,
        totals: Totals { passed, failed, ..Totals::default() },
    }
}

#[test]
fn places_of_one_name_are_added_up_and_those_without_one_left_out() {
    let planned = |plan: &str, it: Placed| Placed { plan: Some(plan.to_owned()), ..it };
    let all = [
        placed("apu2", "xen", "smoke", 2, 1),
        planned("nightly", placed("apu2", "", "boot", 3, 0)),
        planned("nightly", placed("apu1", "", "boot", 1, 0)),
    ];
    let told = |groups: Vec<Group>| -> Vec<_> {
        groups.into_iter().map(|it| (it.name, it.totals.passed, it.totals.failed)).collect()
    };
    let machines = told(Placed::grouped(&all, |it| Some(&it.machine)));
    assert_eq!(machines, [("apu1".to_owned(), 1, 0), ("apu2".to_owned(), 5, 1)]);
    let plans = told(Placed::grouped(&all, |it| it.plan.as_deref()));
    assert_eq!(plans, [("nightly".to_owned(), 4, 0)]);
}

fn case(id: &str, machine: &str, here: Option<Outcome>, base: Option<Outcome>) -> ComparedCase {
    let seen = |outcome| SeenCase {
        run: RunId::from("r"),
        outcome,
        duration_us: None,
        message: String::new(),
    };
    ComparedCase {
        entry: String::new(),
        machine: machine.to_owned(),
        case: id.to_owned(),
        title: format!("checks {id}"),
        change: CaseChange::of(here, base),
        here: here.map(seen),
        base: base.map(seen),
    }
}

fn failing() -> Failing {
    Failing {
        case: "XEN1.2".to_owned(),
        title: "IOMMU | <on>".to_owned(),
        machine: "apu2".to_owned(),
        entry: "xen".to_owned(),
        run: RunId::from("r"),
        suite: "xen".to_owned(),
        outcome: Outcome::Failed,
        message: "no | IOMMU\nsecond line".to_owned(),
        excerpt: String::new(),
        strip: Vec::new(),
        assessment: Some(MadeAssessment {
            said: Assessment {
                issue: Some("https://tracker.example/a_b".parse().unwrap()),
                blame: Some(FailureClass::Product),
                comment: String::new(),
                waiver: Some(Waiver {
                    reason: "no | board".to_owned(),
                    person: "p".into(),
                    by: "ada".to_owned(),
                    at: Timestamp(1),
                    until: Timestamp::from_seconds(1_795_442_531),
                }),
            },
            revision: 1,
            at: Timestamp(1),
            by: "ada".to_owned(),
            about: None,
            run: None,
        }),
    }
}

#[test]
fn rows_and_columns_of_the_matrix_sum_up_to_the_figures() {
    let facts = Facts {
        baseline: Some(("v1".to_owned(), "v1".to_owned())),
        here: vec![
            placed("apu2", "xen", "xen", 5, 1),
            placed("apu2", "linux", "xen", 1, 0),
            placed("apu3", "linux", "boot", 2, 2),
        ],
        base: Some(vec![placed("apu2", "xen", "xen", 4, 2), placed("old", "", "boot", 1, 0)]),
        ..Facts::default()
    };
    let report = Report::from(facts);
    assert_eq!(report.figures.lines()[0], "PASSED: 8 (+3)");
    let names = |lines: &[Line]| lines.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    let matrix = &report.matrix;
    assert_eq!(names(&matrix.machines), ["apu2", "apu3", "old"]);
    assert_eq!(names(&matrix.suites), ["boot", "xen"]);
    let shown: Vec<Vec<_>> = matrix
        .cells
        .iter()
        .map(|row| row.iter().map(|it| it.as_ref().map(Figures::short)).collect())
        .collect();
    let cell = |text: &str| Some(text.to_owned());
    assert_eq!(
        shown,
        [
            vec![None, cell("6 (+2) / 1 (-1)")],
            vec![cell("2 (+2) / 2 (+2)"), None],
            vec![cell("0 (-1) / 0 (±0)"), None],
        ]
    );
    for lines in [&matrix.machines, &matrix.suites] {
        let sum = lines.iter().fold(Totals::default(), |sum, it| sum.plus(&it.figures.totals));
        assert_eq!(sum, report.figures.totals);
    }
}

#[test]
fn cases_that_changed_stand_under_the_words_of_a_report() {
    use Outcome::{Failed, NotRun, Passed, Skipped};
    let compared = [
        case("fixed", "a", Some(Passed), Some(Failed)),
        case("fixed", "b", Some(Passed), Some(Failed)),
        case("new", "a", Some(Passed), None),
        case("new-bad", "a", Some(Failed), None),
        case("better", "a", Some(Passed), Some(NotRun)),
        case("worse", "a", Some(Failed), Some(Passed)),
        case("worse-too", "a", Some(Failed), Some(Skipped)),
        case("gone", "a", None, Some(Passed)),
        case("still", "a", Some(Failed), Some(Failed)),
        case("same", "a", Some(Skipped), Some(NotRun)),
    ];
    let told: Vec<_> = changes(&compared, true)
        .iter()
        .map(|it| {
            let cases = it.cases.iter().map(|it| format!("{} {}", it.case, it.places.join(" ")));
            (it.kind.title(), it.counted, cases.collect::<Vec<_>>().join(", "))
        })
        .collect();
    let of = |title, counted, cases: &str| (title, counted, cases.to_owned());
    assert_eq!(
        told,
        [
            of("Added", 2, "new a, new-bad a"),
            of("Improved", 1, "better a"),
            of("Fixed", 1, "fixed a b"),
            of("Turned bad", 2, "worse a, worse-too a"),
            of("Not tested any more", 1, "gone a"),
        ]
    );
    assert_eq!(changes(&compared, false), [], "without a baseline nothing has changed");
}

#[test]
fn what_nothing_says_anything_of_is_said() {
    let mut quiet = placed("apu2", "coreos", "boot", 0, 0);
    quiet.totals.skipped = 1;
    quiet.totals.not_run = 2;
    let facts = Facts {
        stage: Some("candidate".to_owned()),
        entries: ["xen", "coreos", "ubuntu"].map(str::to_owned).to_vec(),
        here: vec![placed("apu2", "xen", "boot", 1, 0), quiet],
        ..Facts::default()
    };
    assert_eq!(
        not_tested(&facts),
        [
            "Boot entry coreos has no result that passed or failed.",
            "Boot entry ubuntu has no result that passed or failed.",
            "1 result was skipped or is not supported there.",
            "2 cases were not reached.",
        ]
    );
    let elsewhere = not_tested(&Facts::default());
    assert_eq!(elsewhere[1..], ["There are no results of it at all."]);
    assert!(elsewhere[0].starts_with("It was made elsewhere"), "{elsewhere:?}");
}

#[test]
fn markdown_has_the_form_in_which_teams_post() {
    let facts = Facts {
        release: "v1.0.0".to_owned(),
        stage: Some("released".to_owned()),
        baseline: Some(("v0.9".to_owned(), "recorded/v0.9".to_owned())),
        key_changes: "- Xen 4.8\n# not a heading".to_owned(),
        here: vec![placed("apu2", "xen", "xen", 690, 13)],
        base: Some(vec![placed("apu2", "xen", "xen", 685, 18)]),
        compared: vec![case("XEN1.4", "apu2", Some(Outcome::Passed), Some(Outcome::Failed))],
        failing: vec![failing()],
        judgements: vec![Judgement {
            environment: "production".to_owned(),
            by: "ada".to_owned(),
            verdict: Verdict::Approved,
            comment: "fine @all".to_owned(),
            at: "2026-11-27T10:00:00Z".to_owned(),
        }],
        ..Facts::default()
    };
    let text = Report::from(facts).markdown();
    for expected in [
        "# Release report: v1.0.0\n",
        "## Key changes\n\n- Xen 4.8\n\\# not a heading\n",
        "* PASSED: 690 (+5)\n* FAILED: 13 (-5)\n* PASSED \\[%\\]: 98.15 (+0.71%)\n",
        "| Machine | xen | All suites | PASSED \\[%\\] |\n|---|---|---|---|\n\
         | apu2 | 690 (+5) / 13 (-5) | 690 (+5) / 13 (-5) | 98.15 (+0.71%) |\n",
        "**Fixed: 1**\n\n| Description | Result |\n|---|---|\n\
         | XEN1.4 checks XEN1.4 (apu2) | passed |\n",
        "| XEN1.2 IOMMU \\| \\<on\\> (apu2, entry xen) | failed: no \\| IOMMU; problem of the product; issue <https://tracker.example/a_b>; waived by ada until 2026-11-23T14:02:11Z: no \\| board |\n",
        "* ada approved it for production, 2026-11-27T10:00:00Z: fine \\@all\n",
        "## Known issues\n\nNone are written down.\n",
    ] {
        assert!(text.contains(expected), "{expected}\nis not in\n{text}");
    }
    let late = Timestamp::from_seconds(1_795_442_531);
    assert_eq!(Fail::of(failing(), late).waiver, None, "it holds until then");
    // Of what was made elsewhere nothing is here that these could hold.
    let elsewhere = Report::from(Facts::default()).markdown();
    for gone in ["Key changes", "Binaries", "Known issues", "Approvals"] {
        assert!(!elsewhere.contains(gone), "{elsewhere}");
    }
}
