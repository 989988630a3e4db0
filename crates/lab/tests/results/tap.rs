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
fn kunit_of_a_real_kernel_alone_and_in_its_console() {
    let expected = [
        ("example::example_simple_test", Passed),
        ("example::example_skip_test", Skipped),
        ("example::example_mark_skipped_test", Skipped),
        ("example::example_all_expect_macros_test", Passed),
        ("boot::console_prints", Passed),
        ("boot::clock_is_right", Failed),
        ("boot::tpm_is_measured", Skipped),
        ("boot::port_answers::port 80 # of ours", Passed),
        ("boot::port_answers::port 69 # of ours", Failed),
        ("boot::port_answers::port 2049 # of ours", Passed),
        ("network::console_prints", Passed),
    ];
    for name in ["kunit.ktap", "console.txt"] {
        let file = read_fixture(&format!("kunit-6.1.192/{name}"));
        assert_eq!(file.outcomes(), expected, "{name}");
        assert_eq!(file.run.incomplete, None, "{name}");
        assert_eq!(file.case("boot::tpm_is_measured").message, "no TPM");
        let clock = file.case("boot::clock_is_right");
        assert!(clock.excerpt.contains("Expected 115200 == 9600, but"), "{}", clock.excerpt);
    }
}

/// A console in the shape that KUnit wrote before: levels by tabs, lines of the kernel between the points, and
/// a plan for each suite but the outermost.
const KUNIT: &str = "\
[    0.000000] Linux version 6.1.0 (ann@bench)
[    0.410000] TAP version 14
[    0.420000] \t# Subtest: clocks
[    0.420100] \t1..3
[    0.430000] probing the board
[    0.430100] \t# tick_test: initializing
[    0.430200] \tok 1 - tick_test
[    0.440000] \t\t# Subtest: skew
[    0.440100] \t\t1..2
[    0.440200] \t\tok 1 - forward_test
[    0.440300] \t\tok 2 - backward_test # SKIP this board has one clock
[    0.440400] \tkunit skew: all tests passed
[    0.440500] \tok 2 - skew
[    0.450000] \t# alarm_test: EXPECTATION FAILED at drivers/rtc/alarm-test.c:12
[    0.450100] \tExpected rings == 1, but
[    0.450200] \t\trings == 0
[    0.450300] \t# alarm_test: alarm_test failed
[    0.450400] \tnot ok 3 - alarm_test
[    0.450500] kunit clocks: one or more tests failed
[    0.450600] not ok 1 - clocks
";

#[test]
fn kunit_of_older_kernels() {
    let file = read(KUNIT.as_bytes()).unwrap();
    let expected = [
        ("clocks::tick_test", Passed),
        ("clocks::skew::forward_test", Passed),
        ("clocks::skew::backward_test", Skipped),
        ("clocks::alarm_test", Failed),
    ];
    assert_eq!(file.outcomes(), expected);
    assert!(file.case("clocks::alarm_test").excerpt.contains("Expected rings == 1, but"));
    assert_eq!(file.case("clocks::skew::backward_test").message, "this board has one clock");
    let sentence = "No line says how many points there should be.";
    assert_eq!(file.run.incomplete.as_deref(), Some(sentence));
    let planned = KUNIT.replace("TAP version 14\n", "KTAP version 1\n[    0.410100] 1..1\n");
    assert_eq!(read(planned.as_bytes()).unwrap().run.incomplete, None);
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
