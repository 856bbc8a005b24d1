"""Nodes on other machines: whether they can reach the workspace, and whether they are there."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from faena.health import rows
from faena.health.finding import Finding, ok, problem, warning
from faena.health.leftovers import serves
from faena.health.subject import Subject
from faena.kernel.durations import shown
from faena.kernel.plural import counted

_MACHINES = (
    "SELECT m.name, m.heard_at, n.id IS NOT NULL FROM machines m LEFT JOIN nodes n ON n.id = m.node "
    "ORDER BY m.name"
)
_SILENT = "SELECT id FROM runs WHERE silent_since IS NOT NULL AND ended_at IS NULL"
_WITHIN = 3.0
_LONG = 86_400.0
"""Seconds after which a machine that is away may have been forgotten."""


def check_node_listener(subject: Subject) -> Iterator[Finding]:
    """Where other machines reach the workspace's server, if they are to."""
    if subject.folder is None or (kept := _kept(subject.folder / "nodes" / "listener.json")) is None:
        return
    address, port = kept
    if not serves(subject):
        yield warning(
            "node listener",
            f"machines join at {address}, port {port}, and no server runs",
            "faena nodes: starts one",
        )
        return
    at = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
    try:
        socket.create_connection((at, port), _WITHIN).close()
    except OSError as error:
        yield problem(
            "node listener",
            f"nobody answers at {at}, port {port}: {error.strerror or error}",
            "faena node open --address ADDRESS, after faena node close",
        )
        return
    yield ok("node listener", f"{address}, port {port}")


def check_machines(subject: Subject) -> Iterator[Finding]:
    """Machines that have joined, and runs of which nothing is heard."""
    machines = rows.read(subject, _MACHINES)
    if not machines:
        return
    silent = rows.read(subject, _SILENT)
    if silent:
        yield warning(
            "machines",
            f"nothing is heard of the node of {counted(len(silent), 'run')}, such as {silent[0][0]}",
            "faena nodes: names the machine",
        )
        return
    away = [(name, (subject.now - heard) / 1e6) for name, heard, there in machines if not there]
    forgotten = [each for each in away if each[1] > _LONG]
    if forgotten:
        name, seconds = forgotten[0]
        yield warning("machines", f"{name} is away since {shown(seconds)}", f"faena node remove {name}")
        return
    yield ok("machines", f"{len(machines)}" + (f", {len(away)} of them away" if away else ""))


def _kept(path: Path) -> tuple[str, int] | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept: dict[str, Any] = json.loads(path.read_text())
        if not kept.get("is_open", True):
            return None
        said = kept["listener"]
        return str(said["address"]), int(said["port"])
    return None
