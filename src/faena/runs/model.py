"""Where a run is, why it ended, and which moves are allowed. No I/O."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from msgspec import Struct

from faena.kernel.clock import Micros
from faena.runs.submission_schemas import EXTERNAL as EXTERNAL
from faena.runs.submission_schemas import (
    HYPERDRIVE as HYPERDRIVE,  # with the wire types, which handles load without these
)
from faena.runs.submission_schemas import INTERACTIVE as INTERACTIVE
from faena.runs.submission_schemas import SCRIPT_RUN as SCRIPT_RUN


class RunStatus(StrEnum):
    NOT_STARTED = "NotStarted"
    """Accepted; nothing was done yet."""
    PREPARING = "Preparing"
    """Its environment is resolved and built, or found."""
    QUEUED = "Queued"
    """Its environment is ready; it waits for nodes."""
    STARTING = "Starting"
    """Nodes have it: the snapshot is staged, the script is started."""
    RUNNING = "Running"
    """The script runs."""
    FINALIZING = "Finalizing"
    """The script ended; what it left goes into the run history."""
    COMPLETED = "Completed"
    """The script ended with exit code 0 and everything that it left is kept."""
    FAILED = "Failed"
    """It did not complete; `reason` says why."""
    CANCELED = "Canceled"
    """Somebody asked it to stop, and it stopped."""

    def is_terminal(self) -> bool:
        return self in (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELED)


CANCEL_REQUESTED = "CancelRequested"
"""Shown instead of the phase while a cancel is on its way to the script."""
NOT_RESPONDING = "NotResponding"
"""Shown instead of the phase while nothing is heard of a node that has the run, and it is not lost yet."""


class EndReason(StrEnum):
    COMPLETED = "completed"
    CANCELED = "canceled"
    EXIT_CODE = "exit_code"
    """The script ended by itself with an exit code other than 0."""
    SIGNAL = "signal"
    """A signal killed the script that nobody here sent."""
    OUT_OF_MEMORY = "out_of_memory"
    """The kernel killed the script for want of memory."""
    TIME_LIMIT = "time_limit"
    """It ran longer than max_run_duration_seconds."""
    NODE_LOST = "node_lost"
    """The node's runner died while the script ran, and the script was ended with it."""
    ENVIRONMENT = "environment"
    """Its environment could not be made."""
    REPORTED = "reported"
    """The process that started the run said that it failed."""
    PROCESS_ENDED = "process_ended"
    """The process that started the run ended without a word about it."""
    RESTORED = "restored"
    """The workspace was restored from a backup that was made while the run had not ended."""
    SWEEP = "sweep"
    """A sweep that cannot go on: its trials fail, or none can be drawn."""
    NOT_STARTED = "not_started"
    """The script could not be started: it or the interpreter is missing, the disk is full…"""

    @property
    def status(self) -> RunStatus:
        if self is EndReason.COMPLETED:
            return RunStatus.COMPLETED
        return RunStatus.CANCELED if self is EndReason.CANCELED else RunStatus.FAILED


class Outcome(Struct, frozen=True):
    """How an attempt ended. `message` is for people and says what to do where something can be done."""

    reason: EndReason
    message: str = ""
    exit_code: int | None = None
    signal: int | None = None
    rank: int | None = None
    """Of several processes, the one that failed first: its log tells why."""


_NEXT: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.NOT_STARTED: frozenset({RunStatus.PREPARING, RunStatus.QUEUED}),
    RunStatus.PREPARING: frozenset({RunStatus.QUEUED}),
    RunStatus.QUEUED: frozenset({RunStatus.STARTING}),
    RunStatus.STARTING: frozenset({RunStatus.RUNNING, RunStatus.FINALIZING, RunStatus.QUEUED}),
    RunStatus.RUNNING: frozenset({RunStatus.FINALIZING}),
    RunStatus.FINALIZING: frozenset({RunStatus.QUEUED}),
}


def refuse_move(current: RunStatus, target: RunStatus) -> str | None:
    """Why a run may not go from `current` to `target`; None when it may."""
    if current.is_terminal():
        return f"the run has ended ({current})"
    if target.is_terminal() or target in _NEXT[current]:
        return None
    return f"a run that is {current} cannot become {target}"


class Run(Struct, frozen=True):
    """A row of the run history."""

    id: str
    experiment: str
    number: int
    status: RunStatus
    version: int
    user: str
    cluster: str
    node_count: int
    snapshot: str
    submission: bytes
    created_at: Micros
    parent: str | None
    type: str
    name: str | None = None
    commit: str | None = None
    branch: str | None = None
    attempt: int = 0
    queued_at: Micros | None = None
    started_at: Micros | None = None
    ended_at: Micros | None = None
    cancel_requested_at: Micros | None = None
    reserved: bool = False
    reason: EndReason | None = None
    message: str | None = None
    last_lines: bytes | None = None
    exit_code: int | None = None
    signal: int | None = None
    lock: str | None = None
    python: str | None = None
    description: str | None = None
    archived_at: Micros | None = None
    deletion: int | None = None
    threads: str | None = None
    """How many threads the script of the latest attempt has, for people."""
    gpu: str = "none"
    """As submitted: none, auto or require."""
    build: str | None = None
    """The build that it waits for, by its key; None once its environment is ready."""
    silent_since: Micros | None = None
    """When nothing more was heard of a node of it, while that is so."""

    @property
    def shown_status(self) -> str:
        if self.cancel_requested_at is not None and not self.status.is_terminal():
            return CANCEL_REQUESTED
        if self.silent_since is not None and not self.status.is_terminal():
            return NOT_RESPONDING
        return self.status.value


class AttemptState(StrEnum):
    GIVEN = "given"
    """A node has it; the script did not start."""
    STARTED = "started"
    """The script started."""
    ENDED = "ended"
    """The script ended; its remains are being kept."""
    CLOSED = "closed"
    """Nothing more comes."""


class Attempt(Struct, frozen=True):
    """One try of a run on one node."""

    run_id: str
    attempt: int
    rank: int
    node: str
    state: AttemptState
    outcome: Outcome | None
    machine: str | None = None
    """The machine whose node it is; None: the server's own host."""


_SEVERITY = (
    EndReason.OUT_OF_MEMORY,
    EndReason.SIGNAL,
    EndReason.EXIT_CODE,
    EndReason.TIME_LIMIT,
    EndReason.NODE_LOST,
    EndReason.ENVIRONMENT,
    EndReason.NOT_STARTED,
    EndReason.SWEEP,
    EndReason.RESTORED,
    EndReason.REPORTED,
    EndReason.PROCESS_ENDED,
    EndReason.CANCELED,
    EndReason.COMPLETED,
)


def combine(outcomes: list[Outcome], *, canceled: bool) -> Outcome:
    """The outcome of a run from those of its ranks: the worst that was not caused by stopping the others."""
    worst = min(outcomes, key=lambda outcome: _SEVERITY.index(outcome.reason))
    if canceled and worst.reason is not EndReason.COMPLETED:
        by_cancel = [outcome for outcome in outcomes if outcome.reason is EndReason.CANCELED]
        return by_cancel[0] if by_cancel else worst
    return worst


def git_text(git: dict[str, Any] | None, key: str, longest: int = 4096) -> str | None:
    """What was said of the code's git: by whoever submitted the run, so that it may be anything."""
    said = (git or {}).get(key)
    return said[:longest] if isinstance(said, str) else None
