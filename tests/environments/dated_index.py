"""A package index on loopback that says when each file came, as uv and Faena ask for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from faena.environments import interpreters
from faena.environments.model import Interpreter

TOOLS = {"pip": "19.2.3", "setuptools": "41.2.0", "wheel": "0.33.6"}
"""Of an environment of 2019."""
_FORM = "application/vnd.pypi.simple.v1+json"


@contextmanager
def serving(files: dict[Path, str]) -> Iterator[str]:
    """The address of an index of the files, each with its day (empty: the index does not say); more may be added."""

    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.rstrip("/").rpartition("/")[2]
            for path in files:
                if path.name == name:
                    return self._answer(path.read_bytes(), "application/octet-stream")
            listed = [
                _entry(path, day) for path, day in files.items() if _project(path) == name.replace("-", "_")
            ]
            if not listed:
                return self.send_error(404)
            page = {"meta": {"api-version": "1.1"}, "name": name, "files": listed}
            return self._answer(json.dumps(page).encode(), _FORM)

        def do_HEAD(self) -> None:
            self.do_GET()

        def _answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/simple"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _project(path: Path) -> str:
    return path.name.split("-")[0]


def _entry(path: Path, day: str) -> dict[str, object]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    entry: dict[str, object] = {
        "filename": path.name,
        "url": f"../../{path.name}",
        "hashes": {"sha256": digest},
    }
    return entry | ({"upload-time": f"{day}T12:00:00Z", "size": path.stat().st_size} if day else {})


def locked(text: str) -> list[str]:
    """A lock's versions."""
    return [line.split(" ")[0] for line in text.splitlines() if "==" in line]


def old_python() -> Interpreter:
    """The newest of 3.7 and 3.6 that is here; skips the test where none is."""
    found = interpreters.of_minors(["3.7", "3.6"])
    if not found:
        pytest.skip("no Python 3.6 or 3.7 on this machine")
    return found[0]
