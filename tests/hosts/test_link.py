"""Hosts of the harness, and what a request does whose link is cut."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from faena.testing.waiting import until
from tests.hosts.namespaces import HOME, Hosts

_SERVER = """
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        time.sleep(float(self.path[1:]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
"""
_CLIENT = """
import json, sys, time
from faena.kernel.remote_server import _Connection
from faena.kernel.addresses import Url
from faena.kernel.connections import Broken, Connections, NotConnected

address = object.__new__(Url)  # the harness has no certificates
object.__setattr__(address, "url", "http://10.77.1.1:8000")
object.__setattr__(address, "fingerprint", "")
connections = Connections(lambda seconds: _Connection(address, seconds, None))

def ask(seconds):
    return connections.ask("GET", f"/{seconds}", None, {}, connecting=5.0, answering=60.0, preload=True).data

assert ask(0) == b"[]"
print("connected", flush=True)
began = time.monotonic()
try:
    ask(50)
except Broken as error:
    print(json.dumps({"broken_after": time.monotonic() - began, "why": str(error)}), flush=True)
while True:
    try:
        ask(0)
        break
    except (Broken, NotConnected):
        pass
print("works again", flush=True)
"""


def test_hosts_share_no_folder_and_reach_each_other(tmp_path: Path) -> None:
    with Hosts(tmp_path, 3) as (first, second, third):
        for host in (first, second, third):
            host.run("touch", f"/tmp/{host.address}", f"{HOME}/{host.address}")
            for folder in ("/tmp", HOME):
                assert [each.name for each in host.path(folder).iterdir() if each.is_file()] == [host.address]
        listening = "import socket; s = socket.create_server(('', 9)); print('ready', flush=True)"
        listening += "; s.accept()[0].send(b'x')"
        second.start(sys.executable, "-c", listening)
        until(lambda: second.path("/tmp/log").read_text(), "it listens")
        hears = f"import socket; print(socket.create_connection(('{second.address}', 9), 20).recv(1))"
        assert third.run(sys.executable, "-c", hears) == "b'x'\n"
        left = second.start("sleep", "600")
    assert left.wait(60) == -signal.SIGKILL


@pytest.mark.long
def test_a_request_whose_link_is_cut_fails_soon_and_the_next_one_works_once_it_is_healed(
    tmp_path: Path,
) -> None:
    with Hosts(tmp_path) as (server, node):
        server.start(sys.executable, "-c", _SERVER)
        ready = "import socket; socket.create_connection(('127.0.0.1', 8000), 20)"
        until(
            lambda: "Error" not in server.run(sys.executable, "-c", ready, check=False), "the server listens"
        )
        node.start(sys.executable, "-c", _CLIENT)
        said = node.path("/tmp/log")
        until(lambda: "connected" in said.read_text(), "the client is connected")
        with node.away():
            until(lambda: "broken_after" in said.read_text(), "the request has failed")
            assert json.loads(said.read_text().splitlines()[1])["broken_after"] < 10
        until(lambda: "works again" in said.read_text(), "it works again", seconds=10)


def test_what_a_killed_test_has_left_is_swept_by_the_next_one(tmp_path: Path) -> None:
    killed = f"""
import os, signal
from pathlib import Path
from faena.testing.waiting import until
from tests.hosts.namespaces import HOME, Hosts
with Hosts(Path({str(tmp_path / "killed")!r})) as (first, second):
    print(first.name, second.start("sleep", "600").pid, flush=True)
    until(second.processes, "it runs there")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", killed], capture_output=True, check=False, cwd=Path.cwd())
    assert done.returncode == -signal.SIGKILL, done.stderr
    name, pid = done.stdout.decode().split()
    assert Path(f"/proc/{pid}").exists()
    with Hosts(tmp_path / "next"):
        listed = subprocess.run(["ip", "netns", "list"], capture_output=True, check=True).stdout.decode()
        assert name not in listed
        until(lambda: not Path(f"/proc/{pid}/exe").exists(), "what it started has ended")
