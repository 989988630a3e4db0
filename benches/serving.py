#!/usr/bin/env python3
"""How fast scripts and files are served, beside nginx.

    benches/serving.py PROGRAM

Scripts: wrk asks for those of all machines, uniformly, with 1,000 and with 100,000 of them, while ten assignments a
second change; nginx serves a file of the same size to the same requests. Files: a kernel of 10 MB to 8 clients, a
rootfs of 300 MB to 4, and what a gigabyte takes of a processor. Five rounds each, in turns; minimum, median and
maximum of each side. nginx is that of Debian, with `benches/nginx.conf`. Runs as root; PROGRAM is a release build.
"""

import http.client
import json
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

from serving_seed import Served, cpu_seconds, mac

ROUNDS = 5
SECONDS = 4  # of a round of one side
SCRIPTS = 20_000  # a second, at least
KERNEL, INITRD, ROOTFS = 10_000_000, 1_000_000, 300_000_000
ASSIGNMENTS = 10  # a second

LUA = """
local machines = {machines}
math.randomseed(tonumber(tostring({{}}):sub(8)) or 1)
request = function()
    local n = math.random(0, machines - 1)
    local b = string.format("%02x:%02x:%02x:%02x", math.floor(n / 16777216) % 256, math.floor(n / 65536) % 256,
        math.floor(n / 256) % 256, n % 256)
    return wrk.format("GET", "{path}?mac=52:54:" .. b)
end
"""


class Nginx:
    """nginx with files of its own, on loopback; it goes with the block."""

    def __init__(self, files):
        self.folder = folder = pathlib.Path(tempfile.mkdtemp(prefix="bootwright-nginx-"))
        folder.chmod(0o755)
        (folder / "files").mkdir()
        for name, source in files.items():
            if isinstance(source, bytes):
                (folder / "files" / name).write_bytes(source)
            else:
                shutil.copy(source, folder / "files" / name)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        text = (pathlib.Path(__file__).parent / "nginx.conf").read_text()
        (folder / "nginx.conf").write_text(text.replace("@FOLDER@", str(folder)).replace("@PORT@", str(port)))
        self.process = subprocess.Popen(["nginx", "-c", folder / "nginx.conf"])
        self.origin = f"http://127.0.0.1:{port}"
        while True:
            assert self.process.poll() is None, "nginx did not start"
            if self.workers():
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    return
                except ConnectionRefusedError:
                    pass
            time.sleep(0.01)

    def workers(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(child) for child in children.split()]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def wrk(url, connections, lua=None):
    """Requests and bytes in a second."""
    command = ["wrk", "-t2", f"-c{connections}", f"-d{SECONDS}s", "--timeout", "60s", url]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        if lua:
            script.write(lua)
            script.flush()
            command += ["-s", script.name]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in said and "Socket errors" not in said, said
    scales = {"B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30}
    amount, scale = re.search(r"Transfer/sec:\s+([\d.]+)(\w+)", said).groups()
    return float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1]), float(amount) * scales[scale]


class Assigning:
    """Machines get a target of their own and lose it again, so many a second, until it is stopped."""

    def __init__(self, served, machines):
        self.served, self.machines, self.done, self.stopped = served, machines, 0, False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.served.browser.origin).netloc)
        headers = {"Authorization": f"Bearer {self.served.token}", "Content-Type": "application/json"}
        target = json.dumps({"kind": "release", "name": "v1.0.0-rc.1"})
        begun = time.monotonic()
        while not self.stopped:
            machine = f"/api/v1/machines/m-{self.done // 2 * 7919 % self.machines:06}/target"
            method, body = ("PUT", target) if self.done % 2 == 0 else ("DELETE", None)
            connection.request(method, machine, body, headers)
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status == 200, f"{method} {machine}: {answer.status} {content[:300]!r}"
            self.done += 1
            time.sleep(max(0.0, begun + self.done / ASSIGNMENTS - time.monotonic()))

    def stop(self):
        self.stopped = True
        self.thread.join()


def told(what, ours, theirs, unit, target, passed):
    def of(values):
        return "/".join(f"{it:,.0f}" for it in (min(values), statistics.median(values), max(values)))

    verdict = "PASS" if passed else "FAIL"
    print(f"{what:<34} {of(ours):>24} {unit}   nginx {of(theirs):>24}   target {target:<18} {verdict}", flush=True)
    return passed


def scripts(program, machines):
    with Served(program, (1000, 1000, 1000), machines) as served:
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(served.boot).netloc)
        connection.request("GET", f"/ipxe?mac={mac(1)}")
        script = connection.getresponse().read()
        assert b"set boot " in script, script
        with Nginx({"script.ipxe": script}) as nginx:
            assigning, ours, theirs = Assigning(served, machines), [], []
            try:
                for _ in range(ROUNDS):
                    ours.append(wrk(served.boot, 64, LUA.format(machines=machines, path="/ipxe"))[0])
                    theirs.append(wrk(nginx.origin, 64, LUA.format(machines=machines, path="/script.ipxe"))[0])
            finally:
                assigning.stop()
            passed = told(
                f"scripts, {machines:,} machines", ours, theirs, "/s", f"at least {SCRIPTS:,}/s", statistics.median(ours) >= SCRIPTS
            )
            print(f"  {assigning.done} assignments meanwhile; at most {served.resident() / 2**20:.0f} MiB resident")
            return passed


def files(program):
    passed = True
    with Served(program, (KERNEL, INITRD, ROOTFS), 1) as served:
        blobs = {name: served.folder / "data/blobs" / sha256[:2] / sha256[2:] for name, (_, sha256) in served.files.items()}
        with Nginx({"vmlinuz": blobs["vmlinuz"], "rootfs.squashfs": blobs["rootfs"]}) as nginx:
            for name, clients in [("vmlinuz", 8), ("rootfs.squashfs", 4)]:
                sides = [(served.boot + served.path(name), [served.process.pid]), (f"{nginx.origin}/{name}", nginx.workers())]
                rates, costs = ([], []), ([], [])
                for _ in range(ROUNDS):
                    for (url, processes), rate, cost in zip(sides, rates, costs):
                        before = cpu_seconds(processes)
                        moved = wrk(url, clients)[1]
                        rate.append(moved / 1e6)
                        cost.append((cpu_seconds(processes) - before) / (moved * SECONDS / 1e9) * 1000)
                ours, theirs = map(statistics.median, rates)
                passed &= told(f"{name} to {clients} clients", *rates, "MB/s", "at least nginx", ours >= theirs)
                ours, theirs = map(statistics.median, costs)
                print(f"  a gigabyte takes {ours:.0f} ms of a processor, with nginx {theirs:.0f} ms")
    return passed


def main():
    program = pathlib.Path(sys.argv[1])
    version = subprocess.run(["nginx", "-v"], check=True, capture_output=True, text=True).stderr.strip()
    print(f"{version}; minimum/median/maximum of {ROUNDS} rounds of {SECONDS} s, in turns")
    passed = [scripts(program, 1000), scripts(program, 100_000), files(program)]
    sys.exit(not all(passed))


if __name__ == "__main__":
    main()
