#!/usr/bin/env python3
"""A storm: 1,000 machines boot at once.

    benches/storm.py PROGRAM

Each fetches its script, kernel, initrd and rootfs from an address of its own on loopback, no faster than a slow card
does, and hashes every body. One in twenty stands still in the middle of its rootfs, one in twenty breaks off there and
resumes. Told are failures, wrong digests, how fair the rest was served (Jain's index of their rates), the most memory,
and how long the dashboard took meanwhile. Runs as root; PROGRAM is a release build.
"""

import asyncio
import hashlib
import http.client
import pathlib
import re
import statistics
import sys
import threading
import time
import urllib.parse

from serving_seed import Served, mac

CLIENTS = 1000
SIZES = (4_000_000, 2_000_000, 10_000_000)  # bytes of kernel, initrd, rootfs
RATE = 400_000  # bytes a second of one client
PIECE = 64 * 1024
STALL = 20.0  # seconds
FAIR = 0.95
MEMORY = 300 * 2**20
DASHBOARD = 0.200  # seconds, of the 95th percentile


class Client:
    """A machine; `odd` says whether it stands still (1) or breaks off (2) on its way."""

    def __init__(self, served, number):
        self.served, self.number, self.odd = served, number, {0: 1, 1: 2}.get(number % 20, 0)
        self.address = f"127.1.{number // 250}.{number % 250 + 1}"
        self.took, self.faults = 0.0, []

    async def get(self, path, first=0, until=None, into=None):
        """The body from byte `first` on; broken off once it has `until` bytes."""
        host = urllib.parse.urlsplit(self.served.boot)
        reader, writer = await asyncio.open_connection(host.hostname, host.port, local_addr=(self.address, 0), limit=PIECE)
        try:
            part = f"Range: bytes={first}-\r\n" if first else ""
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host.netloc}\r\nUser-Agent: iPXE/1.21\r\n{part}\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            expected = 206 if first else 200
            if not head.startswith(f"HTTP/1.1 {expected} "):
                raise ValueError(f"{path}: {head.splitlines()[0]}")
            length = int(re.search(r"(?i)content-length: (\d+)", head)[1])
            got, begun = 0, time.monotonic()
            while got < length and (until is None or first + got < until):
                piece = await reader.read(PIECE)
                if not piece:
                    raise ValueError(f"{path} ended after {first + got} bytes")
                into(piece)
                got += len(piece)
                if self.odd == 1 and path.endswith("rootfs.squashfs") and got - len(piece) < length // 2 <= got:
                    await asyncio.sleep(STALL)
                    begun += STALL
                await asyncio.sleep(max(0.0, begun + got / RATE - time.monotonic()))
            return first + got
        finally:
            writer.close()

    async def boot(self):
        begun = time.monotonic()
        try:
            script = []
            await self.get(f"/ipxe?mac={mac(self.number)}", into=script.append)
            if b"set boot " not in b"".join(script):
                raise ValueError("this is no script of a machine")
            for name, key in [("vmlinuz", "vmlinuz"), ("initrd.img", "initrd"), ("rootfs.squashfs", "rootfs")]:
                size, sha256 = self.served.files[key]
                found, at = hashlib.sha256(), 0
                if self.odd == 2 and key == "rootfs":
                    at = await self.get(self.served.path(name), until=size // 3, into=found.update)
                await self.get(self.served.path(name), first=at, into=found.update)
                if found.hexdigest() != sha256:
                    raise ValueError(f"{name} has another digest")
        except (OSError, ValueError, asyncio.IncompleteReadError) as error:
            self.faults.append(str(error))
        self.took = time.monotonic() - begun


class Dashboard:
    """Somebody looks at the first page again and again."""

    def __init__(self, browser):
        self.browser, self.took, self.stopped = browser, [], False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.browser.origin).netloc)
        cookies = "; ".join(f"{name}={value}" for name, value in self.browser.cookies.items())
        while not self.stopped:
            begun = time.monotonic()
            connection.request("GET", "/", headers={"Cookie": cookies, "Accept": "text/html"})
            answer = connection.getresponse()
            answer.read()
            self.took.append(time.monotonic() - begun)
            assert answer.status == 200, answer.status
            time.sleep(0.1)

    def stop(self):
        self.stopped = True
        self.thread.join()
        return statistics.quantiles(self.took, n=20)[-1]


async def storm(served):
    clients = [Client(served, number) for number in range(CLIENTS)]
    await asyncio.gather(*(client.boot() for client in clients))
    return clients


def main():
    failed = False

    def figure(what, value, target, passed):
        nonlocal failed
        failed |= not passed
        print(f"{what:<44} {value:>18}   target {target:<18} {'PASS' if passed else 'FAIL'}", flush=True)

    with Served(pathlib.Path(sys.argv[1]), SIZES, CLIENTS) as served:
        dashboard, begun = Dashboard(served.browser), time.monotonic()
        try:
            clients = asyncio.run(storm(served))
        finally:
            slow = dashboard.stop()
        took = time.monotonic() - begun
        faults = [fault for client in clients for fault in client.faults]
        rates = [sum(SIZES) / client.took for client in clients if client.odd == 0 and not client.faults]
        fairness = sum(rates) ** 2 / (len(rates) * sum(rate * rate for rate in rates)) if rates else 0.0
        print(f"{CLIENTS} clients of {RATE // 1000} kB/s took {took:.0f} s for {CLIENTS * sum(SIZES) / 1e9:.0f} GB")
        figure("clients that failed, or got other bytes", str(len(faults)), "none", not faults)
        for fault in faults[:5]:
            print(f"  {fault}")
        figure("fairness to those that were as all", f"{fairness:.3f}", f"at least {FAIR}", fairness >= FAIR)
        figure("memory of the server", f"{served.resident() / 2**20:.0f} MiB", "at most 300 MiB", served.resident() <= MEMORY)
        figure("first page meanwhile, 95th percentile", f"{slow * 1000:.0f} ms", "below 200 ms", slow < DASHBOARD)
    sys.exit(failed)


if __name__ == "__main__":
    main()
