#!/usr/bin/env python3
"""How the largest grid of the history opens and scrolls in a browser: 500 cases x 50 releases.

    benches/grid.py PROGRAM

Fills the store of a new installation past the program (`results_seed.py`), starts it, and lets Debian's
Chromium, without a screen and without a graphics card, open the grid and scroll through it
(`grid.mjs`). Prints each figure beside its target. Debug or release: say which you measured.
"""

import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile

import results_seed
from figures import PASSWORD

CASES, RELEASES = 500, 50
DAY = 86_400_000_000  # microseconds


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    root = pathlib.Path(__file__).resolve().parent.parent
    results_seed.CASES, results_seed.MACHINES = CASES, 2
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bootwright-grid-"))
    server = None
    try:
        folder.chmod(0o755)
        shutil.chown(folder, "bootwright", "bootwright")
        data = ["--data-dir", folder / "data"]
        create = [program, "admin", "create-user", "ada", "--role", "administrator", "--password-stdin", *data]
        subprocess.run(create, input=PASSWORD + "\n", text=True, check=True, stdout=subprocess.DEVNULL)
        database = folder / "data/bootwright.db"
        rows = sqlite3.connect(database)
        rows.executemany(
            "insert into subject (kind, name, created_at, passed, failed, errored, skipped, not_run, revision)"
            " values ('recorded', ?, ?, 0, 0, 0, 0, 0, 1)",
            [(f"v1.{it}.0", 1_760_000_000_000_000 + it * DAY) for it in range(RELEASES)],
        )
        rows.commit()
        subjects = [it for (it,) in rows.execute("select number from subject order by created_at")]
        rows.close()
        print(f"{results_seed.fill(database, subjects):,} results")
        subprocess.run(["chown", "-R", "bootwright:bootwright", folder / "data"], check=True)
        listen = ["--listen", "127.0.0.1:0", "--boot-listen", "127.0.0.1:0", "--nfs-listen", "off"]
        serve = [program, "serve", *data, "--log", "warn", "--workers", "0", *listen]
        server = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True)
        origin = server.stdout.readline().split()[-1]
        browse = ["node", root / "benches/grid.mjs", origin, PASSWORD]
        sys.exit(subprocess.run(browse, cwd=root / "end2end").returncode)
    finally:
        if server:
            server.terminate()
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)


main()
