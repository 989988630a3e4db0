#!/usr/bin/env python3
"""Measures whether compiling a kernel starves people and machines, and prints each figure beside its target.

    benches/while_compiling.py PROGRAM

PROGRAM is a built `bootwright`. Pages and what machines boot from are asked for while nothing runs and
again while a kernel is compiled on all processors, in one run. Runs as root: the program becomes its
system user. Takes about ten minutes on two processors.
"""

import http.client
import json
import pathlib
import re
import subprocess
import sys
import time
import urllib.parse

from figures import Installation

LIMIT = 0.050  # seconds at the 95th of 100, as benches/at_scale.py asks of each page
# An image comes off the disk cache through one connection; what compiles takes turns with it.
IMAGE_RATIO = 1.5
ROUNDS = 500
IMAGES = 50
PATIENCE = 900  # seconds until the compiler has begun


def small_linux():
    config = pathlib.Path(__file__).parent.parent / "examples/small-linux.config"
    return {
        "flavor": "linux",
        "source": {"kind": "debian-source", "suite": "bookworm", "package": "linux-source-6.1"},
        "configuration": {
            "base": {"kind": "defconfig", "target": "tinyconfig"},
            "fragments": [{"name": "small", "content": config.read_text()}],
        },
    }


class Asked:
    """One connection to a listener, which answers one request after the other."""

    def __init__(self, origin, headers):
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(origin).netloc)
        self.headers = headers

    def get(self, path):
        begun = time.monotonic()
        self.connection.request("GET", path, headers=self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        assert answer.status == 200, f"{path}: {answer.status} {content[:300]!r}"
        return time.monotonic() - begun, content

    def p95(self, path):
        return sorted(self.get(path)[0] for _ in range(ROUNDS))[int(ROUNDS * 0.95)]


def measure(pages, boot, paths, menu, image):
    """Seconds by what was asked for."""
    for asked in (pages, boot):
        # Idle connections are closed by the server; the next request opens another.
        asked.connection.close()
    took = {path: pages.p95(path) for path in paths}
    took["boot listener: menu"] = boot.p95(menu)
    took["boot listener: image"] = sorted(boot.get(image)[0] for _ in range(IMAGES))[IMAGES // 2]
    return took


def main():
    program, failed = pathlib.Path(sys.argv[1]), False
    with Installation(program) as installation:
        release, _ = installation.build("small", lambda text: text)
        installation.deploy(release)
        token = [program, "admin", "create-token", "ada", "--data-dir", installation.folder / "data"]
        token = subprocess.run(token, check=True, capture_output=True, text=True).stdout.split()[-1]
        origin = installation.browser.origin
        cookies = "; ".join(f"{name}={value}" for name, value in installation.browser.cookies.items())
        pages = Asked(origin, {"Cookie": cookies, "Accept": "text/html"})
        boot = Asked(installation.boot, {})
        api = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

        def api_call(method, path, body=None):
            connection = http.client.HTTPConnection(urllib.parse.urlsplit(origin).netloc)
            connection.request(method, f"/api/v1{path}", body and json.dumps(body), api)
            answer = connection.getresponse()
            content = answer.read()
            assert answer.status < 300, f"{path}: {answer.status} {content[:300]!r}"
            return json.loads(content)

        def compiling(job):
            steps = {step["name"]: step["state"] for step in api_call("GET", f"/jobs/{job}")["steps"]}
            assert steps.get("compile") in ("waiting", "running", None), steps
            return steps.get("compile") == "running"

        menu = "/env/development/menu.ipxe"
        text = boot.get(menu)[1].decode()
        image = re.search(r"/artifacts/[0-9a-f]{64}/", text)[0] + "rootfs.squashfs"
        api_call("POST", "/kernels", {"name": "small", "definition": small_linux()})
        paths = ["/", "/releases", f"/releases/{release}", "/kernels", "/kernels/small", "/jobs", "/recipes/small"]
        idle = measure(pages, boot, paths, menu, image)
        job = api_call("POST", "/kernels/small/builds", {"mode": "release"})["id"]
        begun = time.monotonic()
        # The step unpacks the tree first.
        while not (compiling(job) and b"  CC  " in pages.get(f"/jobs/{job}/log")[1]):
            assert time.monotonic() - begun < PATIENCE, "the compiler did not begin"
            time.sleep(1)
        busy = measure(pages, boot, [*paths, f"/jobs/{job}"], menu, image)
        assert compiling(job), "the kernel was compiled before everything was measured"
        print(f"p95 of {ROUNDS} requests, of an image the median of {IMAGES}; idle, then while a kernel is compiled")
        for what, took in busy.items():
            before = idle.get(what)
            limit = before * IMAGE_RATIO if what.endswith("image") else LIMIT
            failed |= took > limit
            told = f"{before * 1000:.1f} ms, {took * 1000:.1f} ms" if before else f"{took * 1000:.1f} ms"
            verdict = "PASS" if took <= limit else "FAIL"
            what = re.sub(r"[0-9a-f-]{36}", "<id>", what)
            print(f"{what:<48} {told:>28}   target at most {limit * 1000:.0f} ms   {verdict}", flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
