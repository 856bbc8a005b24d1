"""Versions: Faena on disk and in the running server, the wire, SQLite, Python."""

from __future__ import annotations

import json
import platform
import socket
import sqlite3
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException
from importlib.metadata import PackageNotFoundError, version

import faena
from faena.health.finding import Finding, ok, problem, warning
from faena.health.leftovers import serves
from faena.health.subject import Subject
from faena.kernel.discovery import meeting_name
from faena.kernel.settings import WIRE_VERSION

OLDEST_SQLITE = (3, 35, 0)
"""The first that knows RETURNING."""
PATIENCE = 5.0
"""Seconds that a server may take to say its version."""


class _Connection(HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=PATIENCE)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(self._path)


def check_versions(subject: Subject) -> Iterator[Finding]:
    yield ok("faena", f"{_installed()}, wire {WIRE_VERSION}, Python {platform.python_version()}")
    yield _sqlite()
    if subject.folder is not None:
        yield _server(subject)


def _sqlite() -> Finding:
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        said = f"{sqlite3.sqlite_version} is too old"
        return problem("SQLite", said, "run Faena with a Python whose SQLite is 3.35 or newer")
    return ok("SQLite", sqlite3.sqlite_version)


def _server(subject: Subject) -> Finding:
    """Asked for its version only, and never started."""
    stop = "faena server stop; the next command starts a new one"
    assert subject.folder is not None
    if not serves(subject):
        return ok("server", "none runs; the next command starts one")
    connection = _Connection(str(subject.runtime / f"{meeting_name(subject.folder)}.sock"))
    try:
        connection.request("GET", "/version")
        said = json.loads(connection.getresponse().read())
        package, wire = str(said["package"]), int(said["wire"])
    except FileNotFoundError:
        said = "runs under another runtime folder, container or host"
        return warning("server", said, "set FAENA_RUNTIME as it was when the server started")
    except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
        log = subject.folder / "server.log"
        return problem("server", f"holds its lock and does not answer: {error}", f"tail {log}; then end it")
    finally:
        connection.close()
    if wire != WIRE_VERSION:
        return problem("server", f"speaks wire {wire}; this Faena {WIRE_VERSION}", stop)
    if package != _installed():
        return warning("server", f"runs Faena {package}; on disk is {_installed()}", stop)
    return ok("server", f"runs Faena {package}, wire {wire}")


def _installed() -> str:
    try:
        return version("faena")
    except PackageNotFoundError:  # run from a source folder
        return faena.__version__
