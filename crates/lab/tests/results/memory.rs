//! Files larger than the memory that reading them may take, in a process of its own: what other tests
//! hold at the same time would count.

use std::{
    io::{self, BufReader, Read},
    ops::ControlFlow,
    process::Command,
};

use lab::results::{ReadOptions, read_results};

/// So much larger than the limit that a reader which holds the file is found.
const FILE: usize = 32 * 1024 * 1024;
const MOST_KIB: u64 = 12 * 1024;
const CHILD: &str = "BOOTWRIGHT_TEST_MEMORY_OF";

/// A file that is made while it is read.
struct Generated {
    row: fn(usize) -> String,
    number: usize,
    made: usize,
    part: io::Cursor<Vec<u8>>,
    end: Option<&'static str>,
}

impl Read for Generated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.part.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            let part = if self.made < FILE {
                self.number += 1;
                (self.row)(self.number)
            } else {
                match self.end.take() {
                    None => return Ok(0),
                    Some(end) => end.to_owned(),
                }
            };
            self.made += part.len();
            self.part = io::Cursor::new(part.into_bytes());
        }
    }
}

/// What stands in front of the cases, a case, what stands behind them.
type Kind = (&'static str, &'static str, fn(usize) -> String, &'static str);

const LINE: &str = "the machine answers, and a line of its console is as long as this one is. ";

const KINDS: [Kind; 6] = [
    (
        "robot-xml",
        "<robot generator=\"Robot 7.5 (x)\"><suite name=\"s\">",
        |number| {
            let message = format!("<msg level=\"INFO\">{LINE}</msg>").repeat(20);
            format!(
                "<test name=\"case {number}\"><kw>{message}<msg level=\"FAIL\">no</msg></kw><status status=\"FAIL\">no</status></test>\n"
            )
        },
        "</suite></robot>",
    ),
    (
        "robot-json",
        "{\"generator\":\"Robot 7.5\",\"rpa\":false,\"suite\":{\"name\":\"s\",\"tests\":[{\"name\":\"first\",\"status\":\"PASS\"}",
        |number| {
            let message =
                format!(",{{\"type\":\"MESSAGE\",\"level\":\"INFO\",\"message\":\"{LINE}\"}}")
                    .repeat(20);
            format!(
                ",\n{{\"body\":[{{}}{message}],\"name\":\"case {number}\",\"status\":\"FAIL\",\"message\":\"no\"}}"
            )
        },
        "]}}",
    ),
    (
        "junit",
        "<testsuite name=\"s\">",
        |number| {
            format!(
                "<testcase classname=\"c\" name=\"case {number}\"><failure message=\"no\">{0}</failure><system-out>{0}</system-out></testcase>\n",
                LINE.repeat(10)
            )
        },
        "</testsuite>",
    ),
    (
        "tap",
        "TAP version 14\n1..1\n",
        |number| {
            format!("    not ok {number} - case {number}\n{}", format!("    # {LINE}\n").repeat(10))
        },
        "not ok 1 - all\n",
    ),
    (
        "csv",
        "Test ID,Result,Comments\n",
        |number| format!("case {number},FAIL,\"{}\"\n", LINE.repeat(10)),
        "",
    ),
    (
        "json",
        "{\"schema\":1,\"cases\":[{\"id\":\"a\",\"title\":\"a\",\"outcome\":\"passed\"}",
        |number| {
            format!(
                ",\n{{\"id\":\"case {number}\",\"title\":\"t\",\"outcome\":\"failed\",\"message\":\"{}\"}}",
                LINE.repeat(10)
            )
        },
        "]}",
    ),
];

/// The most memory that this process has held, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn measure(&(word, front, row, end): &Kind) {
    let before = peak();
    let part = io::Cursor::new(front.as_bytes().to_vec());
    let file = Generated { row, number: 0, made: 0, part, end: Some(end) };
    let mut cases = 0_u64;
    let run = read_results(BufReader::new(file), &ReadOptions::default(), &mut |_| {
        cases += 1;
        ControlFlow::Continue(())
    });
    let run = run.unwrap();
    assert_eq!(run.format.word(), word);
    assert_eq!(run.incomplete, None);
    assert!(cases > 10_000, "{cases}");
    assert_eq!(run.totals.all(), cases);
    let grown = peak() - before;
    assert!(grown < MOST_KIB, "{word}: {grown} KiB for {cases} cases");
    println!("{word}: {grown} KiB for {cases} cases");
}

#[test]
fn memory_stays_flat_whatever_the_file() {
    if let Some(wanted) = std::env::var_os(CHILD) {
        measure(KINDS.iter().find(|kind| wanted == kind.0).unwrap());
        return;
    }
    for (word, ..) in KINDS {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "memory::memory_stays_flat_whatever_the_file", "--nocapture"])
            .env(CHILD, word)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success(), "{said}{}", String::from_utf8_lossy(&child.stderr));
        println!("{}", said.lines().find(|line| line.starts_with(word)).unwrap());
    }
}
