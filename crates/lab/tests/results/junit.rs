//! JUnit XML in the dialects of four runners.

use domain::run::{
    Outcome::{Errored, Failed, NotRun, Passed, Skipped},
    reported::Measurement,
};

use crate::reading::{read, read_fixture};

#[test]
fn pytest() {
    let file = read_fixture("pytest-9.2.0/junit.xml");
    let expected = [
        ("test_boot::test_menu_is_shown", Passed),
        ("test_boot::test_login_comes", Failed),
        ("test_boot::test_kernel[nfs-4.9.y]", Failed),
        ("test_boot::test_kernel[nfs-4.14.y]", Passed),
        ("test_boot::test_kernel[http::squashfs-4.9.y]", Passed),
        ("test_boot::test_kernel[http::squashfs-4.14.y]", Passed),
        ("test_boot::test_needs_a_machine", Errored),
        ("test_boot::test_leaves_something_on", Errored),
        ("test_boot::test_tpm", Skipped),
        ("test_boot::test_known_issue", Skipped),
        ("test_boot::test_fixed_meanwhile", Passed),
        ("test_boot::test_strictly_known", Failed),
        ("test_boot.TestConsole::test_is_at_115200", Passed),
    ];
    assert_eq!(file.outcomes(), expected);
    assert_eq!(file.run.generator, "pytest");
    assert_eq!(file.run.contradictions, [""; 0]);
    assert!(file.run.started_at.unwrap() < file.run.ended_at.unwrap());
    let measured = Measurement { name: "boot time".to_owned(), value: 12.4, unit: "s".to_owned() };
    assert_eq!(file.case("test_boot::test_menu_is_shown").measurements, [measured]);
    let failed = file.case("test_boot::test_login_comes");
    assert!(failed.message.starts_with("AssertionError: no login: in the console\nassert"));
    assert!(failed.excerpt.ends_with("AssertionError"), "{}", failed.excerpt);
    let setup = file.case("test_boot::test_needs_a_machine");
    assert!(setup.message.starts_with("failed on setup with"));
    let known = file.case("test_boot::test_known_issue");
    assert_eq!(known.message, "expected to fail: coreboot #12 is open");

    let logged = read_fixture("pytest-9.2.0/logged.xml");
    assert_eq!(logged.outcomes(), expected);
    let excerpt = &logged.case("test_boot::test_login_comes").excerpt;
    assert!(excerpt.contains("AssertionError") && excerpt.contains("\nwaiting for login:\n"));
}

#[test]
fn gotestsum() {
    let file = read_fixture("gotestsum-1.8.2/once.xml");
    let test = |name: &str| file.case(&format!("example.org/boot::{name}"));
    assert_eq!(
        (file.run.totals.passed, file.run.totals.failed, file.run.totals.skipped),
        (2, 4, 1)
    );
    assert_eq!(file.run.generator, "go1.19.8 linux/amd64");
    assert!(test("TestLogin").message.contains("no \"login:\" within 300 s"));
    assert!(test("TestTPM").message.contains("the board has no TPM"));
    assert!(test("TestKernels/4.14.y").duration_us.unwrap() >= 10_000);

    // A case that is run again stands there again: the last attempt decides.
    let again = read_fixture("gotestsum-1.8.2/junit.xml");
    let attempts = |name: &str| {
        let case = again.case(&format!("example.org/boot::{name}"));
        let earlier = case.earlier.iter().map(|it| it.outcome).collect::<Vec<_>>();
        (case.outcome, earlier)
    };
    assert_eq!(attempts("TestLogin"), (Failed, vec![Failed, Failed]));
    assert_eq!(attempts("TestSecondTime"), (Passed, vec![Failed]));
    assert_eq!(attempts("TestMenu"), (Passed, vec![]));
    let totals = again.run.totals;
    assert_eq!((totals.passed, totals.failed, totals.skipped), (3, 3, 1));
    assert_eq!(again.run.contradictions, [""; 0], "its totals count attempts");
    assert_eq!(again.run.remarks, [""; 0]);
}

#[test]
fn go_junit_report() {
    let file = read_fixture("go-junit-report-2.1.0/junit.xml");
    let test = |name: &str| file.case(&format!("example.org/boot::{name}"));
    let totals = &file.run.totals;
    assert_eq!((totals.passed, totals.failed, totals.skipped), (2, 4, 1));
    assert_eq!((&file.run.incomplete, &*file.run.contradictions), (&None, &[][..]));
    // Its attribute says "Failed" and no more.
    assert!(test("TestLogin").message.contains("no \"login:\" within 300 s"));
    assert!(test("TestTPM").message.contains("the board has no TPM"));
    assert_eq!(test("TestKernels/4.14.y").duration_us, Some(10_000));
}

#[test]
fn nextest() {
    let file = read_fixture("nextest-0.9.151/junit.xml");
    assert_eq!(file.run.generator, "nextest");
    assert_eq!(file.run.totals.all(), 3);
    let flaky = file.case("boot::tests::second_time");
    assert_eq!((flaky.outcome, flaky.earlier.len()), (Passed, 1));
    assert_eq!(flaky.earlier[0].outcome, Failed);
    assert!(flaky.earlier[0].message.ends_with("\nthe first boot never succeeds"));
    assert!(flaky.earlier[0].duration_us.unwrap() > 0);
    let failed = file.case("boot::tests::login_comes");
    assert_eq!((failed.outcome, failed.earlier.len()), (Failed, 2));
    assert!(failed.message.ends_with("\nno login: within 300 s"), "{}", failed.message);
    assert!(failed.excerpt.contains("stack backtrace"));
}

#[test]
fn surefire() {
    let file = read_fixture("surefire-2.22.3/TEST-BootTest.xml");
    assert_eq!(file.run.generator, "Maven Surefire");
    // It counts attempts: twelve, of six cases.
    assert_eq!(file.run.totals.all(), 6);
    assert_eq!(file.run.contradictions, [""; 0]);
    let case = |name: &str| file.case(&format!("BootTest::{name}"));
    let attempts = |name: &str| case(name).earlier.iter().map(|it| it.outcome).collect::<Vec<_>>();
    assert_eq!(case("loginComes").outcome, Failed);
    assert_eq!(attempts("loginComes"), [Failed, Failed]);
    assert_eq!(case("consoleIsOpen").outcome, Errored);
    assert_eq!(attempts("consoleIsOpen"), [Errored, Errored]);
    assert_eq!(case("secondTime").outcome, Passed);
    assert_eq!(attempts("secondTime"), [Failed]);
    assert_eq!(attempts("secondTimeConsole"), [Errored]);
    assert_eq!(case("secondTime").earlier[0].message, "the first boot never succeeds");
    assert_eq!(case("consoleIsOpen").message, "the serial port is <busy>");
    let excerpt = "java.lang.AssertionError: no login: within 300 s\n\tat BootTest.loginComes(BootTest.java:15)\n\nwaiting for login:";
    assert_eq!(case("loginComes").excerpt, excerpt);
    assert_eq!(case("tpm").message, "the board has no TPM");
}

#[test]
fn suites_within_suites_count_with_them_or_without() {
    let text = r#"<testsuite name="outer" tests="1"><testsuite name="inner" tests="2" skipped="1" time="1,234.5">
<testcase name="a" time="1,234.5"/><testcase classname="C" name="b"><skipped/></testcase>
</testsuite><testcase name="c" status="notrun"/></testsuite>"#;
    let file = read(text.as_bytes()).unwrap();
    assert_eq!(file.outcomes(), [("inner::a", Passed), ("C::b", Skipped), ("outer::c", NotRun)]);
    assert_eq!(file.case("inner::a").suites, ["outer", "inner"]);
    assert_eq!(file.case("inner::a").duration_us, Some(1_234_500_000));
    assert_eq!(file.run.contradictions, [""; 0]);
}

#[test]
fn totals_that_its_cases_do_not_bear_out_are_said() {
    let text = r#"<testsuites tests="3"><testsuite name="s" tests="3" failures="1" errors="0" skipped="0">
<testcase name="a"><failure message="x"/></testcase><testcase name="b"/></testsuite></testsuites>"#;
    let file = read(text.as_bytes()).unwrap();
    let expected = [
        "The suite \"s\" counts 3 tests, and 2 are there.",
        "The suite \"\" counts 3 tests, and 2 are there.",
    ];
    assert_eq!(file.run.contradictions, expected);
}

#[test]
fn what_a_case_prints_is_kept_from_its_end() {
    let lines: String = (0..10_000).map(|number| format!("line {number}\n")).collect();
    let text = format!(
        "<testsuite name='s'><testcase name='a'><failure message='m'>trace</failure><system-out>{lines}</system-out></testcase></testsuite>"
    );
    let excerpt = &read(text.as_bytes()).unwrap().cases[0].excerpt;
    assert!(excerpt.starts_with("trace\n\n(cut) …\n") && excerpt.ends_with("line 9999"));
    assert!(excerpt.len() <= 16 * 1024);
}
