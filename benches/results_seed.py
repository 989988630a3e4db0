"""Fills a store with results: cases x machines x releases, seeded, with flakes and long logs.

Rows go past the program into the SQLite file, in the shape that the program itself writes; the totals,
what counts and how cases stand are computed as migrations 0009, 0013 and 0014 do.
"""

import hashlib
import json
import random
import sqlite3
import time

CASES, MACHINES, SUITES = 2_500, 20, 20
KERNELS = ["6.1.172", "6.6.90", "6.12.30"]
SECOND = 1_000_000  # microseconds
DAY = 86_400 * SECOND
LOG = "\n".join(f"[{line:>12.6f}] usb 1-1: device descriptor read/64, error -71 (attempt {line})" for line in range(60))


def signature(message):
    return hashlib.sha256(message.encode()).hexdigest()


def fill(database, subjects, seed=20261127):
    """`subjects` are the numbers of rows of `subject`, oldest first. Gives how many results there are."""
    rows = sqlite3.connect(database)
    rows.execute("pragma synchronous = off")
    chance = random.Random(seed)
    now = time.time_ns() // 1000
    start = now - len(subjects) * DAY
    rows.executemany("insert into lane (machine, entry) values (?, 'linux')", [(f"board-{it:02}",) for it in range(MACHINES)])
    rows.executemany("insert into suite (name) values (?)", [(f"suite {it:02}",) for it in range(SUITES)])
    lanes = [it for (it,) in rows.execute("select number from lane where machine like 'board-%' order by machine")]
    suites = [it for (it,) in rows.execute("select number from suite where name like 'suite %' order by name")]
    groups = ["PXE", "NET", "XEN", "DEB", "USB"]
    ids = [f"{groups[it % 5]}{it // 50 + 1:03}.{it % 50 + 1:03}" for it in range(CASES)]
    ids.sort()
    rows.executemany("insert into test_case (case_id, title) values (?, ?)", [(it, f"{it} works on this board") for it in ids])
    cases = [it for (it,) in rows.execute("select number from test_case where title like '% works on this board' order by case_id")]
    tags = ["minimal-regression", "semiauto", "network", "storage"]
    rows.executemany(
        "insert into case_description (test_case, title, suites, tags) values (?, ?, '[]', ?)",
        [(case, f"{name} works on this board", json.dumps([tags[place % 4]])) for place, (case, name) in enumerate(zip(cases, ids))],
    )
    rows.executemany("insert into case_tag (tag, test_case) values (?, ?)", [(tags[place % 4], case) for place, case in enumerate(cases)])
    described = dict(rows.execute("select test_case, number from case_description"))
    per_suite = CASES // SUITES
    of_suite = [cases[it * per_suite : (it + 1) * per_suite] for it in range(SUITES)]
    rows.executemany(
        "insert into case_suite (suite, test_case) values (?, ?)",
        [(suite, case) for suite, members in zip(suites, of_suite) for case in members],
    )
    broken = {case: chance.randrange(len(subjects)) for case in chance.sample(cases, CASES // 25)}
    unsupported = {(chance.choice(cases), chance.choice(lanes)) for _ in range(CASES * MACHINES // 66)}
    flaky = set(chance.sample(cases, CASES // 20))
    run = rows.execute("select coalesce(max(number), 0) from run").fetchone()[0]
    result = rows.execute("select coalesce(max(number), 0) from result").fetchone()[0]
    count = 0
    for age, subject in enumerate(subjects):
        for lane in lanes:
            kernel = KERNELS[lane % len(KERNELS)]
            for suite, members in zip(suites, of_suite):
                run += 1
                at = start + age * DAY + (run % 400) * 60 * SECOND
                results, details, outcomes = [], [], {"passed": 0, "failed": 0, "errored": 0, "skipped": 0}
                for position, case in enumerate(members):
                    result += 1
                    outcome, retries, message = "passed", 0, ""
                    draw = chance.random()
                    if case in broken and broken[case] <= age < broken[case] + 3:
                        outcome, message = "failed", f"no answer from device {case} after 30 s"
                    elif case in flaky and draw < 0.1:
                        outcome, message = "failed", f"timeout after {chance.randrange(20, 40)} s"
                    elif case in flaky and draw < 0.2:
                        retries = 1
                    elif (case, lane) in unsupported:
                        outcome, message = "skipped", "not supported by this board"
                    outcomes[outcome] += 1
                    failed = outcome == "failed"
                    results.append(
                        (result, run, position, at, case, described[case], outcome, at + position * SECOND,
                         chance.randrange(SECOND // 10, 90 * SECOND), message, signature(message) if failed else None, retries, retries)
                    )
                    if failed:
                        details.append((result, LOG, "[]", "[]"))
                    elif retries:
                        earlier = '[{"outcome":"failed","message":"timeout"}]'
                        details.append((result, "", "[]", earlier))
                rows.execute(
                    "insert into run (number, id, subject, lane, suite, source, machine_details, kernel, generator, started_at,"
                    " ended_at, outcome, message, remarks, stages, recorded_by, passed, failed, errored, skipped, not_run)"
                    " values (?, ?, ?, ?, ?, 'upload', '', ?, 'Robot 7.1', ?, ?, ?, '', '[]', '[]', 'ada', ?, ?, ?, ?, 0)",
                    (run, f"run-{run:07}", subject, lane, suite, kernel, at, at + 600 * SECOND,
                     "failed" if outcomes["failed"] else "passed", *outcomes.values()),
                )
                rows.executemany(
                    "insert into result (number, run, position, at, test_case, description, outcome, started_at, duration_us, message,"
                    " signature, retries, failed_retries) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    results,
                )
                rows.executemany("insert into result_detail values (?, ?, ?, ?)", details)
                count += len(results)
    rows.execute(
        "insert into latest_result (test_case, subject, lane, result, run, outcome, ended_at)"
        " select r.test_case, u.subject, u.lane, r.number, r.run, r.outcome, u.ended_at from result r join run u on u.number = r.run"
        " where u.id like 'run-%' order by 1, 2, 3 on conflict do nothing"
    )
    rows.execute(
        "insert into case_standing (test_case, subject, passed, failed, errored, skipped, not_run, places)"
        " select test_case, subject, sum(outcome = 'passed'), sum(outcome = 'failed'), sum(outcome = 'errored'),"
        " sum(outcome = 'skipped'), sum(outcome = 'not-run'), group_concat(lane || substr(outcome, 1, 1), '')"
        " from (select * from latest_result order by test_case, subject, lane) where true group by test_case, subject on conflict do nothing"
    )
    rows.execute(
        "insert into run_standing (run, subject, passed, failed, errored, skipped, not_run)"
        " select run, subject, sum(outcome = 'passed'), sum(outcome = 'failed'), sum(outcome = 'errored'),"
        " sum(outcome = 'skipped'), sum(outcome = 'not-run') from latest_result group by run, subject"
    )
    for word in ["passed", "failed", "errored", "skipped", "not_run"]:
        rows.execute(
            f"update subject set {word} = (select coalesce(sum(s.{word}), 0) from case_standing s where s.subject = subject.number),"
            " revision = 1"
        )
    rows.commit()
    rows.execute("analyze")
    rows.commit()
    rows.close()
    return count
