"""`status.json`: what a front says of itself, its revisions and their workers."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import msgspec
from msgspec import Struct, field

from faena.kernel.durable import write_whole
from faena.scoring.files import STATUS

FILE = STATUS


class State(StrEnum):
    """v1's words for how a service, or one revision of it, is."""

    TRANSITIONING = "Transitioning"
    """Its workers start; nothing has answered yet."""
    HEALTHY = "Healthy"
    UNHEALTHY = "Unhealthy"
    """It has answered, and no worker can now."""
    FAILED = "Failed"
    """Its workers did not come up after so many tries."""


class Failure(Struct, frozen=True):
    """Why something is not healthy."""

    message: str
    traceback: str | None = None
    exit_code: int | None = None
    signal: str | None = None
    revision: int | None = None


class WorkerStatus(Struct, frozen=True):
    number: int
    state: str
    """Starting, Ready, Busy or Dead."""
    pid: int | None = None
    restarts: int = 0
    rss_bytes: int = 0
    cpu_seconds: float = 0.0


class RevisionStatus(Struct, frozen=True):
    state: State
    error: Failure | None = None
    workers: list[WorkerStatus] = field(default_factory=list)


class Status(Struct, frozen=True, kw_only=True):
    format: int = 1
    pid: int
    started_at: str
    """UTC, as `2026-11-29T10:15:30.123456Z`."""
    port: int | None
    """None until it listens."""
    state: State
    error: Failure | None = None
    serving: list[int] = field(default_factory=list)
    """The revisions that requests go to, which are those wished for once they are ready."""
    revisions: dict[str, RevisionStatus] = field(default_factory=dict)
    installation: str = ""
    """What of Faena it runs, as `kernel.installation` tells it; empty where that is not known."""


def write(folder: Path, status: Status) -> None:
    """Raises OSError."""
    write_whole(folder / FILE, msgspec.json.encode(status), mode=0o600)


def read(folder: Path) -> Status | None:
    """None where no front has written one yet, or what is there is damaged or no file."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Status)
    except (OSError, msgspec.DecodeError):
        return None
