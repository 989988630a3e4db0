//! TAP of Perl, and KTAP of kernels and of the runner of their selftests.

use domain::run::Outcome::{Failed, Passed, Skipped};

use crate::reading::{read, read_fixture, refusal};

#[test]
fn test_more() {
    let file = read_fixture("test-more-1.302190/boot.tap");
    let expected = [
        ("menu is shown", Passed),
        ("login comes", Failed),
        ("kernel is 4.9.y # of the release", Failed),
        ("test 4", Passed),
        ("test 5", Skipped),
        ("known issue", Skipped),
        ("fixed meanwhile", Passed),
        ("network::dhcp", Passed),
        ("network::chain http://192.0.2.7:8000/menu.ipxe", Failed),
        ("network::http::get", Passed),
    ];
    assert_eq!(file.outcomes(), expected);
    assert_eq!(file.run.incomplete, None);
    let kernel = file.case("kernel is 4.9.y # of the release");
    assert!(kernel.excerpt.contains("got: '4.14.y'\nexpected: '4.9.y'"));
    assert!(kernel.message.starts_with("Failed test"));
    assert_eq!(file.case("test 5").message, "the board has no TPM");
    assert_eq!(file.case("network::http::get").suites, ["network", "http"]);

    let bail = read_fixture("test-more-1.302190/bail.tap");
    assert_eq!(bail.outcomes(), [("menu is shown", Passed)]);
    assert_eq!(bail.run.incomplete.as_deref(), Some("The run bailed out: the machine is gone"));
}

#[test]
fn kselftest() {
    let file = read_fixture("kselftest-6.1.192/kselftest.tap");
    let expected = [
        ("selftests: boot: console::test 1", Skipped),
        ("selftests: boot: console::console.is_at_115200", Passed),
        ("selftests: boot: console::console.login_comes", Failed),
        ("selftests: boot: login.sh", Failed),
        ("selftests: boot: tpm.sh", Skipped),
        ("selftests: boot: menu.sh::the menu is shown", Passed),
        ("selftests: boot: menu.sh::test 2", Skipped),
        // All in it passed, and it did not.
        ("selftests: boot: menu.sh", Failed),
    ];
    assert_eq!(file.outcomes(), expected);
    assert_eq!(file.run.incomplete, None);
    let failed = file.case("selftests: boot: console::console.login_comes");
    assert!(failed.excerpt.contains("Expected self->speed (115200) == 9600 (9600)"));
    let script = file.case("selftests: boot: login.sh");
    assert_eq!(script.message, "exit=1");
    assert!(script.excerpt.contains("not ok, said the machine"));
}

#[test]
fn kunit() {
    let log = |name: &str| read_fixture(&format!("kselftest-6.1.192/test_{name}.log"));
    let nested = log("is_test_passed-all_passed_nested");
    assert_eq!(nested.run.totals.passed, 7);
    assert_eq!(nested.case("sysctl_test::example::example_mock_test").outcome, Passed);
    let failure = log("is_test_passed-failure");
    assert_eq!((failure.run.totals.passed, failure.run.totals.failed), (9, 1));
    let failed = failure.case("example::example_simple_test");
    assert!(failed.excerpt.contains("Expected 1 + 1 == 3, but"));
    let selftest = log("is_test_passed-kselftest");
    assert_eq!(selftest.run.totals.passed, 4);
    let missing = log("is_test_passed-missing_plan");
    assert_eq!(missing.run.totals.passed, 10);
    let sentence = "No line says how many points there should be.";
    assert_eq!(missing.run.incomplete.as_deref(), Some(sentence));
    let skipped = log("skip_tests").case("example::example_skip_test").clone();
    assert_eq!((skipped.outcome, &*skipped.message), (Skipped, "this test should be skipped"));
    assert_eq!(log("parse_ktap_output").case("suite::case_2").outcome, Passed);
}

#[test]
fn blocks_of_yaml_give_the_message_and_the_time() {
    let text = "TAP version 14\n1..2\nnot ok 1 - login\n  ---\n  message: \"no login:\"\n  duration_ms: 1250.5\n  severity: fail\n  at:\n    line: 4\n  ...\nok 2 - menu\n  ---\n  message: |\n    two\n    lines\n  ...\n";
    let file = read(text.as_bytes()).unwrap();
    let failed = file.case("login");
    assert_eq!(failed.duration_us, Some(1_250_500));
    assert_eq!(failed.message, "no login:\nseverity: fail\nat:\n  line: 4");
    assert_eq!(file.case("menu").message, "two\nlines");
}

#[test]
fn a_kernels_console_is_read_with_its_times() {
    let text = "[    0.000000] Linux version 6.1\n[    1.500000] KTAP version 1\n[    1.500001] 1..1\n[    1.600000]     KTAP version 1\n[    1.600001]     # Subtest: boot\n[    1.600002]     1..2\n[    1.700000]     # login: EXPECTATION FAILED\n[    1.700001]     not ok 1 login\n[    1.800000]     ok 2 menu # SKIP no keyboard\n[    1.900000] not ok 1 boot\n";
    let file = read(text.as_bytes()).unwrap();
    assert_eq!(file.outcomes(), [("boot::login", Failed), ("boot::menu", Skipped)]);
    assert!(file.case("boot::login").excerpt.contains("EXPECTATION FAILED"));
    assert_eq!(file.run.incomplete, None);
}

#[test]
fn of_a_kernel_that_panics_the_points_before_have_their_names() {
    let text = "KTAP version 1\n1..1\n    KTAP version 1\n    # Subtest: example\n    1..2\n    ok 1 simple\n        KTAP version 1\n        # Subtest: params\n        ok 1 three\nKernel panic - not syncing: VFS\n";
    let file = read(text.as_bytes()).unwrap();
    assert_eq!(file.outcomes(), [("example::simple", Passed), ("example::params::three", Passed)]);
    assert!(file.run.incomplete.unwrap().starts_with("The file ends in the middle"));
}

#[test]
fn plans_that_points_do_not_bear_out_are_said() {
    let fewer = read(b"1..3\nok 1\nok 3\n").unwrap().run;
    assert_eq!(fewer.incomplete.as_deref(), Some("Of 3 points that were planned, 2 are there."));
    assert_eq!(fewer.remarks, ["Line 3: point 3 comes where 2 should."]);
    let more = read(b"ok 1 a\nok 2 b\n1..1\n").unwrap().run;
    assert_eq!(more.contradictions, ["The file counts 1 points, and 2 are there."]);
    let cut = read(b"1..1\n# Subtest: a\n    1..2\n    ok 1 b\n").unwrap();
    assert_eq!(cut.outcomes(), [("a::b", Passed)]);
    assert!(cut.run.incomplete.unwrap().starts_with("The file ends in the middle, at line 5"));
    assert_eq!(read(b"1..0 # SKIP no board\n").unwrap().run.incomplete, None);
}

#[test]
fn what_is_not_utf_8_is_replaced_and_said() {
    let file = read(b"1..1\r\nok 1 - caf\xe9\r\n").unwrap();
    assert_eq!(file.cases[0].id, "caf\u{fffd}");
    assert_eq!(file.run.remarks, ["Line 2 is not UTF-8: what is not was replaced."]);
}

#[test]
fn a_text_without_points_is_no_tap() {
    assert!(refusal(b"hello\nworld\n").starts_with("line 1: the format is not recognised"));
}
