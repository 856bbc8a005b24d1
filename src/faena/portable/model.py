"""What stands in an exported run: `run.json`, `manifest.json`, and where each file lies. No I/O.

docs/exported-runs.md describes the folder.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from faena.data.build_products import EXPORT_FORMAT, EXPORT_MANIFEST, EXPORT_RECORD
from faena.data.schemas import GitState, SnapshotFile
from faena.data.staging import check_path
from faena.environments.model import Lock
from faena.kernel import digests
from faena.kernel.clock import Micros
from faena.kernel.errors import SnapshotException, UserErrorException
from faena.runs.comments.schemas import CommentView
from faena.runs.schemas import NoteView, PhaseView
from faena.runs.submission_schemas import Submission
from faena.sweeps.records import SweepRecord

FORMAT = EXPORT_FORMAT
VERSION = 1
"""Raised when a Faena of today could not read the folder any more."""

THIS_FAENA = version("faena")
"""What writes folders; `faena.__version__` stands above this room."""

MANIFEST = EXPORT_MANIFEST
RECORD = EXPORT_RECORD
UNFINISHED = ".unfinished"
"""Held by the export that writes the folder, and there until it is whole."""
CODE, CHILDREN = "code", "children"
DIFF = "git.diff"
MOST_FILES = 200_000
"""Of one run, children apart."""
LONGEST_JSON = 128 << 20
"""Bytes of a manifest or record that are read."""

T = TypeVar("T")


class FileEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the folder."""

    path: str
    """Relative to the folder, with `/` between names."""
    size: int
    """Bytes."""
    sha256: str


class ChildEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """A run below the exported one, in `children/<id>`, a folder of the same form."""

    id: str
    manifest: str
    """SHA-256 of its manifest, and so of all that it holds."""


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """Written last: a folder without it is not whole."""

    format: str
    version: int
    faena: str
    """The Faena that wrote it."""
    run: str
    files: tuple[FileEntry, ...]
    """All but the manifest and what is in `children`, by path."""
    children: tuple[ChildEntry, ...] = ()
    """Oldest first."""


class ManifestHead(Struct, frozen=True):
    """What a manifest of any version says of itself."""

    format: str = ""
    version: int = 0
    faena: str = ""


class AttemptRecord(Struct, frozen=True, forbid_unknown_fields=True):
    attempt: int
    rank: int
    node: str
    outcome: dict[str, Any] | None


class LogRecord(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    attempt: int
    rank: int
    path: str
    size: int


class FileRecord(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    path: str
    created_at: Micros
    size: int
    sha256: str


class MetricRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """A metric in one row; its points are in the files of its attempt."""

    attempt: int
    source: str
    """`script`, or `system` for CPU, memory and GPU."""
    name: str
    count: int
    first_time: Micros
    last_time: Micros


class PointsRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """The points of one attempt."""

    attempt: int
    source: str
    path: str


class RunRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything of a run's record. Times are microseconds since the epoch, UTC."""

    id: str
    experiment: str
    number: int
    name: str | None
    type: str
    status: str
    reason: str | None
    message: str | None
    exit_code: int | None
    signal: int | None
    last_lines: tuple[str, ...]
    user: str
    cluster: str
    node_count: int
    attempt: int
    created_at: Micros
    queued_at: Micros | None
    started_at: Micros | None
    ended_at: Micros
    cancel_requested_at: Micros | None
    archived_at: Micros | None
    description: str | None
    parent: str | None
    snapshot: str
    python: str | None
    submission: Submission
    """Script, arguments, environment, variables, data, git: what was asked for."""
    lock: Lock | None
    lock_digest: str | None
    tags: dict[str, str]
    properties: dict[str, str]
    parameters: dict[str, str]
    notes: tuple[NoteView, ...]
    phases: tuple[PhaseView, ...]
    attempts: tuple[AttemptRecord, ...]
    code: tuple[SnapshotFile, ...]
    git: GitState | None
    """Where the code was; None without code."""
    logs: tuple[LogRecord, ...]
    files: tuple[FileRecord, ...]
    metrics: tuple[MetricRecord, ...]
    points: tuple[PointsRecord, ...]
    models: tuple[str, ...]
    """`name:version` of the models that it made. They are not in the folder."""
    children: int
    """Runs below it when it was exported."""
    threads: str | None = None
    """How many its script had, for people."""
    sweep: SweepRecord | None = None
    comments: tuple[CommentView, ...] = ()
    """What people said of it, the oldest first."""
    """Of a sweep: what was searched, and its trials, whose runs are among those below it."""


def place_of_points(attempt: int, source: str) -> str:
    return f"metrics/attempt-{attempt}.{source}.spool"


def read_manifest(data: bytes, where: str) -> Manifest:
    """Raises UserErrorException naming what cannot be: a path that leaves the folder, one that is there twice, …"""
    head = decode(data, ManifestHead, where)
    if head.format != FORMAT:
        raise UserErrorException(
            f"{where} is not the manifest of an exported run: its format is {head.format[:40]!r}."
        )
    if head.version != VERSION:
        raise UserErrorException(
            f"{where} has version {head.version}, written by faena {head.faena[:40]}; this Faena reads version "
            f"{VERSION}. Install a newer Faena."
        )
    found = decode(data, Manifest, where)
    if len(found.files) > MOST_FILES:
        raise UserErrorException(
            f"{where} names {len(found.files):,} files; a run may have {MOST_FILES:,}. It cannot be a run's."
        )
    seen: set[str] = set()
    for file in found.files:
        check_place(file.path, where)
        if file.path in seen:
            raise UserErrorException(f"{where} names {file.path[:200]!r} twice. Export the run anew.")
        seen.add(file.path)
        digests.check(file.sha256)
    if RECORD not in seen:
        raise UserErrorException(f"{where} names no {RECORD}. Export the run anew.")
    return found


def check_place(path: str, where: str) -> None:
    """Raises UserErrorException for what is no plain relative path in the folder."""
    try:
        check_path(path)
        path.encode()
    except (SnapshotException, UnicodeEncodeError) as error:
        raise UserErrorException(
            f"{where} names the file {path[:200]!a}, which does not lie in its folder. Export the run anew."
        ) from error
    if path.split("/")[0] in (CHILDREN, MANIFEST, UNFINISHED):
        raise UserErrorException(f"{where} names {path[:200]!r}, which is no file of the run itself.")


def decode(data: bytes, kind: type[T], where: str) -> T:
    """Raises UserErrorException naming the file, and the field where one is wrong."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserErrorException(f"{where} cannot be read: {error}. Export the run anew.") from error
