#!/usr/bin/env python3
"""Measures what the project promises and prints each figure beside its target.

    benches/figures.py PROGRAM SITE

PROGRAM is a built `bootwright`, SITE the site that `cargo xtask site --profile wasm-release` left.
Runs as root: the program becomes its system user, and so does the mmdebstrap it is compared with.
Everything is driven as a browser without script would; both sides of a comparison run here, one
after the other, with nothing in any cache.
"""

import html.parser
import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse

PASSWORD = "correct horse battery"
SWITCH_LIMIT = 1.0  # seconds
BUILD_RATIO = 1.10
WASM_BUDGET = 350 * 1024  # bytes, brotli
LARGE = ["build-essential", "gdb", "git", "python3-numpy", "linux-perf"]


class Forms(html.parser.HTMLParser):
    """The forms of a page: action, values, and what their buttons say."""

    def __init__(self):
        super().__init__()
        self.forms, self.inside, self.button, self.area = [], None, False, None
        self.choice = None

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form":
            self.inside = {"action": given.get("action", ""), "values": {}, "buttons": ""}
            self.forms.append(self.inside)
        elif self.inside is None:
            return
        elif tag == "input" and "name" in given:
            chosen = given.get("type") not in ("radio", "checkbox") or "checked" in given
            if chosen:
                self.inside["values"][given["name"]] = given.get("value", "")
        elif tag == "textarea" and "name" in given:
            self.area = given["name"]
            self.inside["values"][self.area] = ""
        elif tag == "select" and "name" in given:
            self.choice = given["name"]
        elif tag == "option" and self.choice:
            values = self.inside["values"]
            if self.choice not in values or "selected" in given:
                values[self.choice] = given.get("value", "")
        elif tag == "button":
            self.button = True

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = None
        elif tag == "button":
            self.button = False
        elif tag == "select":
            self.choice = None
        elif tag == "textarea" and self.area:
            # Browsers drop the first line end.
            values = self.inside["values"]
            values[self.area] = values[self.area].removeprefix("\n")
            self.area = None

    def handle_data(self, data):
        if self.inside is None:
            return
        if self.area:
            self.inside["values"][self.area] += data
        elif self.button:
            self.inside["buttons"] += data


class Browser:
    """Just enough of one: cookies, forms, redirections."""

    def __init__(self, origin):
        self.origin, self.cookies = origin, {}

    def ask(self, method, path, body=None, referer="/"):
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.origin).netloc)
        headers = {
            "Accept": "text/html",
            "Origin": self.origin,
            "Referer": self.origin + referer,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
        }
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer, content

    def get(self, path):
        answer, content = self.ask("GET", path)
        assert answer.status == 200, f"GET {path}: {answer.status}"
        return content

    def submit(self, page, button, **values):
        """Sends the form with that button; gives where it led and how many seconds that took."""
        parser = Forms()
        parser.feed(self.get(page).decode())
        wanted = values.pop("having", {})
        form = next(
            it
            for it in parser.forms
            if button in it["buttons"] and wanted.items() <= it["values"].items()
        )
        body = urllib.parse.urlencode(form["values"] | values)
        begun = time.monotonic()
        answer, content = self.ask("POST", form["action"] or page, body, page)
        took = time.monotonic() - begun
        location = answer.headers.get("Location", "")
        assert answer.status in (302, 303) and "__err" not in location, (
            f"{button} on {page}: {answer.status} {location} {content[:2000]!r}"
        )
        return location, took

    def job(self, path):
        """Follows a job's log to its end, as its page does; gives the page."""
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.origin).netloc)
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        connection.request("GET", f"{path}/log/stream", headers={"Cookie": cookies})
        answer = connection.getresponse()
        while True:
            line = answer.readline()
            if not line or line.startswith(b"event: end"):
                break
        page = self.get(path).decode()
        assert "succeeded" in re.search(r'class="page-title".*?</header>', page, re.S)[0], path
        return page


class Installation:
    """The program on a new data folder, with one administrator signed in; all goes with the block."""

    def __init__(self, program):
        self.folder = folder = pathlib.Path(tempfile.mkdtemp(prefix="bootwright-bench-"))
        folder.chmod(0o755)
        shutil.chown(folder, "bootwright", "bootwright")
        command = [program, "admin", "create-user", "ada", "--role", "administrator"]
        command += ["--password-stdin", "--data-dir", folder / "data"]
        subprocess.run(command, input=PASSWORD + "\n", text=True, check=True, stdout=subprocess.DEVNULL)
        command = [program, "serve", "--data-dir", folder / "data", "--log", "warn"]
        command += ["--listen", "127.0.0.1:0", "--boot-listen", "127.0.0.1:0", "--nfs-listen", "off"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        told = [self.process.stdout.readline().split() for _ in range(2)]
        self.browser = Browser(told[0][-1])
        self.boot = told[1][-1].removesuffix("/menu.ipxe")
        self.browser.submit("/login", "Sign in", name="ada", password=PASSWORD)

    def menu(self):
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.boot).netloc)
        connection.request("GET", "/env/development/menu.ipxe")
        return connection.getresponse().read().decode()

    def build(self, name, change):
        parser = Forms()
        parser.feed(self.browser.get("/recipes/new").decode())
        text = next(it for it in parser.forms if "text" in it["values"])["values"]["text"]
        self.browser.submit("/recipes/new", "Save recipe", name=name, text=change(text), message="measure it")
        begun = time.monotonic()
        job, _ = self.browser.submit(f"/recipes/{name}/build", "Build release")
        page = self.browser.job(job)
        took = time.monotonic() - begun
        return re.search(r"/releases/(v[^\"/]+)\"", page)[1], took

    def deploy(self, version):
        where = {"environment": "development"}
        page, _ = self.browser.submit(
            f"/releases/{version}/deployments", "Ask for this deployment", having=where, reason="measured"
        )
        _, took = self.browser.submit(page, "Deploy now", confirm=version)
        return took

    def roll_back(self, version):
        page = self.browser.get("/environments/development").decode()
        rows = re.findall(r"<li>.*?</li>", page, re.S)
        row = next(it for it in rows if f">{version}<" in it and "?back=" in it)
        target = html.unescape(re.search(r'href="([^"]*\?back=[^"#]*)', row)[1])
        _, took = self.browser.submit(target, "Roll back now", reason="measured", confirm=version)
        return took

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def mirror():
    """The Debian mirror that this host's apt uses, as the program does."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Release: bookworm"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[0]


def plainly(folder, names):
    """The same packages by mmdebstrap, the same image by mksquashfs, as the same user."""
    script = (
        f"cd {folder} && mmdebstrap --quiet --variant=custom --include={','.join(names)}"
        f" --aptopt='APT::Install-Recommends \"false\"' bookworm rootfs.tar {mirror()}"
        " && mksquashfs - plain.squashfs -tar -quiet -no-progress -comp zstd -Xcompression-level 9 -b 256K"
        " < rootfs.tar"
    )
    begun = time.monotonic()
    subprocess.run(["setpriv", "--reuid=bootwright", "--regid=bootwright", "--clear-groups", "sh", "-c", script], check=True)
    return time.monotonic() - begun


def main():
    program, site = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    failed = False

    def figure(what, value, target, passed):
        nonlocal failed
        failed |= not passed
        print(f"{what:<58} {value:>18}   target {target:<28} {'PASS' if passed else 'FAIL'}", flush=True)

    wasm = max(os.path.getsize(it) for it in (site / "pkg").glob("*.wasm.br"))
    figure("WebAssembly of make release, brotli", f"{wasm / 1024:.0f} KiB", "at most 350 KiB", wasm <= WASM_BUDGET)

    with Installation(program) as installation:
        small, ours = installation.build("small", lambda text: text)
        lock = json.loads(installation.browser.get(f"/releases/{small}/files/lock.json"))
        names = sorted({it["name"] for it in lock["packages"] if it["part"] in ("rootfs", "kernel")})
        plain = plainly(installation.folder, names)
        ratio = ours / plain
        figure(
            f"rootfs from scratch, {len(names)} packages",
            f"{ours:.1f} s",
            f"mmdebstrap {plain:.1f} s + 10 %",
            ratio <= BUILD_RATIO,
        )
        packages = "".join(f'  "{name}",\n' for name in LARGE)
        large, _ = installation.build("large", lambda text: text.replace("packages = [\n", f"packages = [\n{packages}"))
        for name, version in [("small", small), ("large", large)]:
            manifest = json.loads(installation.browser.get(f"/releases/{version}/files/manifest.json"))
            size = sum(it["size"] for it in manifest["components"]) / 2**20
            took = installation.deploy(version)
            assert "/artifacts/" in installation.menu()
            figure(f"deployment, {name} release of {size:.0f} MiB", f"{took * 1000:.0f} ms", "at most 1 s", took <= SWITCH_LIMIT)
        for name, version in [("small", small), ("large", large)]:
            took = installation.roll_back(version)
            figure(f"rollback to the {name} release", f"{took * 1000:.0f} ms", "at most 1 s", took <= SWITCH_LIMIT)
    sys.exit(failed)


if __name__ == "__main__":
    main()
