#!/usr/bin/env python3
"""How long lists and details take at 1,000 releases of 500 packages each.

    benches/at_scale.py PROGRAM

Fills the store of a new installation past the program, starts it, and asks for every list and every
detail of the REST API and for the pages of the same nouns. Prints the 95th percentile of each beside
the target. Debug or release: say which you measured.
"""

import hashlib
import http.client
import json
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse

from figures import PASSWORD, Browser

RELEASES, PACKAGES = 1_000, 500
ROUNDS = 60
LIMIT = 0.050  # seconds, of the 95th percentile
HOUR = 3_600_000_000  # microseconds


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def fill(database):
    """Releases with their jobs, locks, manifests, validations, runs and deployments."""
    rows = sqlite3.connect(database)
    person = rows.execute("select id from person").fetchone()[0]
    now = time.time_ns() // 1000
    text = "schema = 1\n"
    rows.execute("insert into recipe values ('recipe', 'large')")
    rows.execute(
        "insert into recipe_revision values ('recipe', 1, ?, ?, 'seeded', ?, 'ada', ?)", (digest(text), text, person, now)
    )
    suite = rows.execute("insert into suite (name) values ('smoke') returning number").fetchone()[0]
    lanes = [
        rows.execute("insert into lane (machine, entry) values ('qemu', ?) returning number", (f"entry-{place}",)).fetchone()[0]
        for place in range(3)
    ]
    cases = []
    for place in range(9):
        names = (f"smoke.case-{place}", "a case")
        case = rows.execute("insert into test_case (case_id, title) values (?, ?) returning number", names).fetchone()[0]
        description = rows.execute(
            "insert into case_description (test_case, title, suites, tags) values (?, 'a case', '[]', '[]') returning number",
            (case,),
        ).fetchone()[0]
        cases.append((case, description))
    for number in range(RELEASES):
        at, version = now - (RELEASES - number) * HOUR, f"v1.{number}.0"
        packages = [
            {
                "part": "rootfs",
                "name": f"package-{place:03}",
                "version": f"1.{number % 7}.{place}",
                "architecture": "amd64",
                "size": 100_000 + place,
                "sha256": digest(f"{place} {number % 7}"),
                "origin": "bookworm/main",
                "path": f"pool/main/p/package-{place:03}.deb",
            }
            for place in range(PACKAGES)
        ]
        lock = {"schema": 1, "suite": "bookworm", "architecture": "amd64", "epoch": number, "packages": packages}
        lock_digest = digest(canonical(lock))
        components = [
            {"role": role, "name": name, "size": 100_000_000, "sha256": digest(f"{name} {number}")}
            for role, name in [
                ("config", "config-6.1"),
                ("initrd", "initrd-6.1.img"),
                ("image", "rootfs.squashfs"),
                ("kernel", "vmlinuz-6.1"),
            ]
        ]
        kernel = {"alias": "linux", "release": "6.1", "image": "vmlinuz-6.1", "initrd": "initrd-6.1.img", "config": "config-6.1"}
        entries = [
            {"kind": "linux", "label": f"entry-{place}", "text": "Debian", "kernel": "linux", "root": "http", "arguments": ""}
            for place in range(3)
        ]
        manifest = {
            "schema": 1,
            "version": version,
            "architecture": "amd64",
            "components": components,
            "images": ["rootfs.squashfs"],
            "kernels": [kernel],
            "entries": entries,
            "default_entry": "entry-0",
            "timeout_ms": 3000,
            "lock": lock_digest,
        }
        identity = digest(canonical(manifest))
        rows.execute("insert into lock values (?, ?, ?)", (lock_digest, canonical(lock), at))
        rows.executemany(
            "insert into lock_package values (?, ?, ?, ?, ?, ?, ?)",
            [(lock_digest, *(it[key] for key in ("part", "name", "architecture", "version", "size", "sha256"))) for it in packages],
        )
        rows.execute(
            "insert into release (id, target, number, stage, recipe_id, revision, job_id, manifest_digest, manifest,"
            " signature_digest, lock_digest, created_at, created_by, built_at)"
            " values (?, ?, 1, 'candidate', 'recipe', 1, ?, ?, ?, ?, ?, ?, 'ada', ?)",
            (f"release-{number:04}", version, f"job-{number:04}", identity, canonical(manifest), digest("s"), lock_digest, at, at),
        )
        for job, kind in [(f"job-{number:04}", "build"), (f"check-{number:04}", "validation")]:
            rows.execute(
                "insert into job (id, kind, release_id, state, priority, parameters, created_at, created_by, started_at,"
                " ended_at, outcome, attempts) values (?, ?, ?, 'succeeded', 0, '{}', ?, 'ada', ?, ?, 'done', 1)",
                (job, kind, f"release-{number:04}", at, at, at),
            )
            rows.executemany(
                "insert into job_step (job_id, position, name, state, started_at, ended_at) values (?, ?, ?, 'succeeded', ?, ?)",
                [(job, place, f"step-{place}", at, at) for place in range(9)],
            )
        rows.execute(
            "insert into validation (id, job_id, release_id, manifest_digest, plan, plan_revision, created_at, created_by)"
            " values (?, ?, ?, ?, 'smoke', 1, ?, 'ada')",
            (f"validation-{number:04}", f"check-{number:04}", f"release-{number:04}", identity, at),
        )
        subject = rows.execute(
            "insert into subject (kind, release_id, manifest_digest, created_at, passed, failed, errored, skipped, not_run, revision)"
            " values ('release', ?, ?, ?, 27, 0, 0, 0, 0, 1) returning number",
            (f"release-{number:04}", identity, at),
        ).fetchone()[0]
        for entry in range(3):
            run = rows.execute(
                "insert into run (id, subject, lane, suite, source, validation_id, manifest_digest, plan, plan_revision,"
                " machine_details, kernel, generator, started_at, ended_at, outcome, message, remarks, stages, recorded_by,"
                " passed, failed, errored, skipped, not_run)"
                " values (?, ?, ?, ?, 'runner', ?, ?, 'smoke', 1, 'tcg', '6.1', '', ?, ?, 'passed', 'passed', '[]', '[]',"
                " 'runner', 9, 0, 0, 0, 0) returning number",
                (f"run-{number:04}-{entry}", subject, lanes[entry], suite, f"validation-{number:04}", identity, at, at),
            ).fetchone()[0]
            rows.executemany(
                "insert into result (run, position, at, test_case, description, outcome, duration_us, message, retries, failed_retries)"
                " values (?, ?, ?, ?, ?, 'passed', 1, 'seen', 0, 0)",
                [(run, place, at, case, description) for place, (case, description) in enumerate(cases)],
            )
        rows.execute(
            "insert into deployment (id, environment, release_id, state, reason, requester_id, requester, requested_at,"
            " manifest_digest, evidence_digest, ended_at, ended_by, outcome)"
            " values (?, 'development', ?, 'deployed', 'seeded', ?, 'ada', ?, ?, ?, ?, 'ada', 'deployed')",
            (f"deployment-{number:04}", f"release-{number:04}", person, at, identity, digest("e"), at),
        )
    rows.execute(
        "insert into latest_result (test_case, subject, lane, result, run, outcome, ended_at)"
        " select r.test_case, u.subject, u.lane, r.number, u.number, r.outcome, u.ended_at from result r join run u on u.number = r.run"
    )
    rows.execute(
        "insert into case_standing (test_case, subject, passed, failed, errored, skipped, not_run)"
        " select test_case, subject, count(*), 0, 0, 0, 0 from latest_result group by test_case, subject"
    )
    rows.execute("update environment set release_id = 'release-0998', since = ?", (now,))
    rows.commit()
    rows.close()


API = [
    "/recipes",
    "/recipes/large",
    "/recipes/large/revisions",
    "/recipes/large/build",
    "/releases",
    "/releases?search=v1.99",
    "/releases/v1.500.0-rc.1",
    "/releases/v1.500.0-rc.1/packages",
    "/releases/v1.500.0-rc.1/change",
    "/releases/v1.500.0-rc.1/evidence",
    "/releases/v1.500.0-rc.1/files",
    "/releases/v1.500.0-rc.1/notes",
    "/jobs",
    "/jobs/job-0500",
    "/validations",
    "/validations/validation-0500",
    "/runs",
    "/runs/run-0500-1",
    "/environments",
    "/environments/development",
    "/deployments",
    "/deployments/deployment-0500",
    "/approvals",
    "/people",
    "/tokens",
    "/audit",
    "/room",
    "/room/releases",
    "/room/rules",
]
PAGES = [
    "/",
    "/recipes",
    "/recipes/large",
    "/recipes/large/build",
    "/releases",
    "/releases/v1.500.0-rc.1",
    "/releases/v1.500.0-rc.1/notes",
    "/releases/v1.500.0-rc.1/files",
    "/releases/v1.500.0-rc.1/contents",
    "/releases/v1.500.0-rc.1/tests",
    "/releases/v1.500.0-rc.1/deployments",
    "/jobs",
    "/jobs/job-0500",
    "/environments",
    "/environments/development",
    "/approvals",
    "/audit",
    "/room",
    "/people",
    "/account",
    "/api",
]


def percentile(connection, path, headers):
    took = []
    for _ in range(ROUNDS):
        begun = time.monotonic()
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        content = answer.read()
        took.append(time.monotonic() - begun)
        assert answer.status == 200, f"{path}: {answer.status} {content[:300]!r}"
    return sorted(took)[int(ROUNDS * 0.95)]


def main():
    program, failed = pathlib.Path(sys.argv[1]), False
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bootwright-scale-"))
    folder.chmod(0o755)
    shutil.chown(folder, "bootwright", "bootwright")
    data = ["--data-dir", folder / "data"]
    create = [program, "admin", "create-user", "ada", "--role", "administrator", "--password-stdin", *data]
    subprocess.run(create, input=PASSWORD + "\n", text=True, check=True, stdout=subprocess.DEVNULL)
    token = [program, "admin", "create-token", "ada", *data]
    token = subprocess.run(token, check=True, capture_output=True, text=True).stdout.split()[-1]
    fill(folder / "data/bootwright.db")
    command = [program, "serve", *data, "--log", "warn", "--workers", "0"]
    command += ["--listen", "127.0.0.1:0", "--boot-listen", "127.0.0.1:0", "--nfs-listen", "off"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        origin = process.stdout.readline().split()[-1]
        browser = Browser(origin)
        browser.submit("/login", "Sign in", name="ada", password=PASSWORD)
        cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(origin).netloc)
        asks = [(f"/api/v1{path}", {"Authorization": f"Bearer {token}"}) for path in API]
        asks += [(path, {"Cookie": cookies, "Accept": "text/html"}) for path in PAGES]
        print(f"{RELEASES} releases of {PACKAGES} packages; p95 of {ROUNDS} requests, one after the other")
        begun = time.monotonic()
        connection.request("GET", "/api/v1/room", headers=asks[0][1])
        connection.getresponse().read()
        # Later looks within the minute show the same count.
        print(f"{'counting the room anew':<58} {(time.monotonic() - begun) * 1000:>15.1f} ms   once a minute at the most", flush=True)
        for path, headers in asks:
            took = percentile(connection, path, headers)
            failed |= took > LIMIT
            verdict = "PASS" if took <= LIMIT else "FAIL"
            print(f"{path:<58} {took * 1000:>15.1f} ms   target at most {LIMIT * 1000:.0f} ms   {verdict}", flush=True)
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
