"""What a robot does with the ports of its machine: talks telnet to the console, and presses buttons."""

import json
import os
import socket
import time
import urllib.error
import urllib.request

IAC, DONT, DO, WONT, WILL = 255, 254, 253, 252, 251
ECHO, SUPPRESS_GO_AHEAD, WINDOW_SIZE = 1, 3, 31
BEGINS = b"iPXE initialising devices"


class Console:
    def __init__(self):
        port = int(os.environ["BOOTWRIGHT_CONSOLE_PORT"])
        self.line = socket.create_connection(("127.0.0.1", port), 60)
        self.read = b""

    def send(self, keys):
        self.line.sendall(bytes(keys))

    def until(self, words):
        """Reads up to and with words; what comes after them is for the next time."""
        while words not in self.read:
            more = self.line.recv(4096)
            assert more, self.read
            self.read += more
        end = self.read.index(words) + len(words)
        read, self.read = self.read[:end], self.read[end:]
        return read


def gpio(pin, body=None):
    url = "http://127.0.0.1:%s/api/v1/gpio%s" % (os.environ["BOOTWRIGHT_POWER_PORT"], pin)
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method="GET" if body is None else "PATCH")
    with urllib.request.urlopen(request) as reply:
        assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
        return json.load(reply)


def refused(*asked):
    try:
        return gpio(*asked)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def is_on():
    return gpio("/13")["state"] == 1


def wait_while(condition):
    while condition():
        time.sleep(0.1)


first = Console()
first.send([IAC, WILL, WINDOW_SIZE])
read = first.until(b"iPXE")
assert read.startswith(bytes([IAC, WILL, ECHO, IAC, WILL, SUPPRESS_GO_AHEAD])), read
assert bytes([IAC, DONT, WINDOW_SIZE]) in read, read

second = Console()
assert second.until(b"\n") == b"Port already in use\r\n"
assert second.line.recv(1) == b"", "it is closed"

# The prompt of a shell, in which what is typed is echoed and answered.
first.send(b"\x02")
first.until(b"iPXE>")
for key in b"echo one${space}two\r":
    first.send([key])
    first.until(bytes([key]))
first.until(b"onetwo")
first.line.close()
third = Console()
third.send(b"\r")
third.until(b"iPXE>")

assert len(gpio("")) == 20
assert refused("/20")[0] == 404
assert refused("/x") == (404, {"error": "id not found"})
assert refused("/9", {"state": 2}) == (403, {"error": "bad parameters"})
assert is_on()
pressed = gpio("/8", {"state": 1, "direction": "out", "time": 1})
assert pressed == {"id": 8, "state": 1, "description": "apu_rst", "direction": "out"}, pressed
third.until(BEGINS)

# Without a supply a button does nothing; with it a machine of a lab starts by itself.
assert gpio("/0", {"state": 0})["state"] == 0
assert not is_on()
assert gpio("/9", {"state": 1, "time": 1})["state"] == 1
wait_while(lambda: gpio("/9")["state"] == 1)
assert not is_on()
gpio("/0", {"state": 1})
third.until(BEGINS)

# A long press switches off, a short one on.
gpio("/9", {"state": 1, "time": 5})
wait_while(is_on)
gpio("/9", {"state": 1, "time": 1})
third.until(BEGINS)
# This is let go when the suite is over, and switches nothing on any more.
gpio("/9", {"state": 1, "time": 2})
