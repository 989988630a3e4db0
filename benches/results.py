#!/usr/bin/env python3
"""How long pages of results take at 1,000,000 of them, while files of results come in.

    benches/results.py PROGRAM [RELEASES]

Fills the store of a new installation past the program (`results_seed.py`: 2,500 cases, 20 machines, 20
releases), starts it, and lets 16 clients ask for 200 different filtered addresses, once cold and then
warm, while files of 1,000 cases each are brought in over the API, at ten times the rate that is demanded.
Prints the 95th percentile of each kind of page: of the server's own time (`Server-Timing`) beside the
target, and as clients see it, who queue for the two cores. In the end files are brought in as fast as they
are taken, with nothing beside. Debug or release: say which you measured.
"""

import http.client
import math
import os
import pathlib
import random
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import results_seed
from figures import PASSWORD, Browser

CLIENTS, ADDRESSES, ROUNDS = 16, 200, 20
LIMIT = 0.050  # seconds, of the 95th percentile
INGEST = 100_000  # results per hour
AIM = 10 * INGEST
ALONE = 10  # seconds
CASES_OF_A_FILE = 1_000


def addresses(releases):
    """Kinds of pages with their addresses, seeded."""
    chance = random.Random(7)
    boards = [f"board-{it:02}" for it in range(results_seed.MACHINES)]
    suites = [f"suite+{it:02}" for it in range(results_seed.SUITES)]
    tags = ["minimal-regression", "semiauto", "network", "storage"]
    groups = ["DEB", "NET", "PXE", "USB", "XEN"]
    case = lambda: f"{chance.choice(groups)}{chance.randrange(1, 51):03}."
    grid = [f"/tests?suite={it}" for it in suites] + [f"/tests?machine={it}" for it in boards]
    grid += [f"/tests?tag={it}&changes=1" for it in tags] + ["/tests", "/tests?outcome=failed", "/tests?outcome=skipped"]
    grid += [f"/tests?kernel={it}&outcome=failed" for it in results_seed.KERNELS] + ["/tests?kernel=9.9"]
    grid += [f"/tests?id={case()}" for _ in range(20)]
    grid += [f"/tests?by=runs&machine={board}&suite={suite}" for board, suite in zip(boards, suites)]
    release = [f"/tests/release?about=recorded/v1.{it}.0" for it in range(releases)]
    compare = [f"/compare?here=recorded/v1.{it}.0&base=recorded/v1.{it - 1}.0" for it in range(1, releases)]
    kinds = {"overview": ["/"], "release": release, "grid": grid, "compare": compare}
    left = ADDRESSES - sum(len(it) for it in kinds.values())
    kinds["case"] = [f"/tests/case?id=@{chance.randrange(results_seed.CASES)}" for _ in range(left)]
    return kinds


class Clients:
    """What all clients ask together: each address once a round, in an order of its own."""

    def __init__(self, origin, cookies, asks):
        self.netloc, self.cookies, self.asks = urllib.parse.urlsplit(origin).netloc, cookies, asks
        self.took, self.lock, self.next = [], threading.Lock(), 0

    def run(self):
        self.next = 0
        threads = [threading.Thread(target=self.client) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def client(self):
        host, port = self.netloc.split(":")
        buffer = bytearray(4 * 1024 * 1024)
        with socket.create_connection((host, int(port))) as connection:
            while True:
                with self.lock:
                    if self.next == len(self.asks):
                        return
                    kind, path = self.asks[self.next]
                    self.next += 1
                begun = time.monotonic()
                self.took.append((kind, self.page(connection, path, buffer), time.monotonic() - begun))

    def page(self, connection, path, buffer):
        """Reads a page to its end, with as little work as can be: the server has the same cores."""
        head = f"GET {path} HTTP/1.1\r\nHost: {self.netloc}\r\nCookie: {self.cookies}\r\nAccept: text/html\r\n\r\n"
        connection.sendall(head.encode())
        length, body, whole = 0, -1, None
        while whole is None or length < whole:
            length += connection.recv_into(memoryview(buffer)[length:])
            if body < 0 and (body := buffer.find(b"\r\n\r\n", 0, length)) >= 0:
                head = bytes(buffer[:body]).decode().lower()
                sized = re.search(r"\r\ncontent-length: (\d+)", head)
                whole = body + 4 + int(sized[1]) if sized else None
            if body >= 0 and whole is None and buffer.endswith(b"\r\n0\r\n\r\n", 0, length):
                break
        assert head.startswith("http/1.1 200 "), f"{path}: {head[:100]}"
        return float(re.search(r"\r\nserver-timing: app;dur=([0-9.]+)", head)[1]) / 1000


class Importing:
    """Brings files in, one after the other, until it is told to stop; each has its turn, so many results an hour."""

    def __init__(self, origin, token, name, rate):
        self.netloc, self.token = urllib.parse.urlsplit(origin).netloc, token
        self.name, self.pause = name, CASES_OF_A_FILE * 3600 / rate
        self.stopped, self.results, self.began = threading.Event(), 0, time.monotonic()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        connection, number = http.client.HTTPConnection(self.netloc), 0
        while not self.stopped.wait(max(0, self.began + number * self.pause - time.monotonic())):
            number += 1
            rows = "".join(f"case {it},NEW{it // 100 + 1:03}.{it % 100 + 1:03},PASS,{self.name} {number}\n" for it in range(CASES_OF_A_FILE))
            path = f"/api/v1/results?release=recorded/v2.0.0&machine=board-{number % 20:02}&suite=new"
            headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/octet-stream"}
            connection.request("POST", path, "Test name,Test ID,Result,Comments\n" + rows, headers)
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == 201, f"{answer.status} {content[:300]!r}"
            self.results += CASES_OF_A_FILE

    def stop(self):
        self.stopped.set()
        self.thread.join()
        return self.results / (time.monotonic() - self.began) * 3600


def percentile(values):
    """The 95th, by the nearest rank."""
    return sorted(values)[math.ceil(len(values) * 0.95) - 1]


def told(what, kinds, took, failed):
    for kind in kinds:
        served, seen = (percentile([it[of] for it in took if it[0] == kind]) * 1000 for of in (1, 2))
        verdict = "PASS" if served <= LIMIT * 1000 else "FAIL"
        failed |= served > LIMIT * 1000
        target = f"target at most {LIMIT * 1000:.0f} ms   {verdict}"
        print(f"{what:<6}{kind:<10} p95 {served:>8.1f} ms of the server   {target}   {seen:>8.1f} ms at the client", flush=True)
    return failed


def main():
    program = pathlib.Path(sys.argv[1])
    releases = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bootwright-results-"))
    folder.chmod(0o755)
    shutil.chown(folder, "bootwright", "bootwright")
    data = ["--data-dir", folder / "data"]
    create = [program, "admin", "create-user", "ada", "--role", "administrator", "--password-stdin", *data]
    subprocess.run(create, input=PASSWORD + "\n", text=True, check=True, stdout=subprocess.DEVNULL)
    token = [program, "admin", "create-token", "ada", *data]
    token = subprocess.run(token, check=True, capture_output=True, text=True).stdout.split()[-1]
    database = folder / "data/bootwright.db"
    rows = sqlite3.connect(database)
    now = time.time_ns() // 1000
    rows.executemany(
        "insert into subject (kind, name, created_at, passed, failed, errored, skipped, not_run, revision)"
        " values ('recorded', ?, ?, 0, 0, 0, 0, 0, 1)",
        [(f"v1.{it}.0", now - (releases - it) * results_seed.DAY) for it in range(releases)],
    )
    rows.commit()
    subjects = [it for (it,) in rows.execute("select number from subject order by created_at")]
    rows.close()
    begun = time.monotonic()
    count = results_seed.fill(database, subjects)
    size = database.stat().st_size / 1e6
    print(f"{count} results of {results_seed.CASES} cases in {size:.0f} MB, filled in {time.monotonic() - begun:.0f} s", flush=True)
    ids = [it for (it,) in sqlite3.connect(database).execute("select case_id from test_case order by case_id")]
    for path in folder.joinpath("data").glob("bootwright.db*"):
        shutil.chown(path, "bootwright", "bootwright")
    os.sync()  # An installation's results were written long ago.
    command = [program, "serve", *data, "--log", "warn", "--workers", "0"]
    command += ["--listen", "127.0.0.1:0", "--boot-listen", "127.0.0.1:0", "--nfs-listen", "off"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    failed = False
    try:
        origin = process.stdout.readline().split()[-1]
        browser = Browser(origin)
        browser.submit("/login", "Sign in", name="ada", password=PASSWORD)
        cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        kinds = addresses(releases)
        once = [(kind, path) for kind, paths in kinds.items() for path in paths]
        once = [(kind, path.replace(path.split("@")[-1], ids[int(path.split("@")[-1])]).replace("@", "") if "@" in path else path) for kind, path in once]
        random.Random(3).shuffle(once)
        importing = Importing(origin, token, "meanwhile", AIM)
        clients = Clients(origin, cookies, once)
        clients.run()
        failed = told("cold", kinds, clients.took, failed)
        clients.took, clients.asks = [], once * ROUNDS
        begun = time.monotonic()
        clients.run()
        rate = len(clients.asks) / (time.monotonic() - begun)
        failed = told("warm", kinds, clients.took, failed)
        ingest = importing.stop()
        verdict = "PASS" if ingest >= INGEST else "FAIL"
        failed |= ingest < INGEST
        print(f"{len(once)} addresses, {CLIENTS} clients, {rate:.0f} pages/s", flush=True)
        print(f"brought in meanwhile {ingest:>12.0f} results/h   target at least {INGEST}   {verdict}", flush=True)
        importing = Importing(origin, token, "alone", math.inf)
        time.sleep(ALONE)
        print(f"brought in alone     {importing.stop():>12.0f} results/h", flush=True)
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
