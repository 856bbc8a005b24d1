"""Wire types of runs: what they are, what they left, what became of them."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from faena.kernel.on_host import HostFile
from faena.runs.submission_schemas import EXTERNAL, Checkpoint, DataInput, Distributed, Entry


class PhaseView(Struct, frozen=True):
    """Times are microseconds since the epoch, UTC; `ended_at` None: it lasts."""

    name: str
    attempt: int
    started_at: int
    ended_at: int | None


class NoteView(Struct, frozen=True):
    """Something that the reader of a run must know, such as GPU calls answered on a CPU."""

    code: str
    message: str


class ErrorView(Struct, frozen=True):
    reason: str
    message: str
    exit_code: int | None
    signal: int | None
    last_lines: list[str]
    """Of the driver log, 50 at most."""


class LeftFiles(Struct, frozen=True):
    """What a run has left at a path; `digest` is that of names and bytes."""

    run: str
    path: str
    digest: str
    files: int
    size: int
    """Bytes of all of them."""
    is_file: bool
    """Whether the path is that of one file."""


class CheckpointView(Struct, frozen=True):
    """What was taken of an attempt's checkpoint folder while it ran: the newest set of files."""

    files: int
    size: int
    """Bytes of all of them."""
    taken_at: int


_OF_NODES = {"guard": "guard ended", "runner": "runner died", "node was shut down": "node shut down"}
"""What is told of a node that was not lost as a whole, by words of the message."""


def _who_ended(message: str) -> str:
    first = message.partition(".")[0]
    return next((said for word, said in _OF_NODES.items() if word in first), "")


class AttemptView(Struct, frozen=True):
    """One try of a run. A run has several where it went again after its script failed or its node was lost."""

    number: int
    began_from: int = 0
    """The attempt whose checkpoint it went on from; 0: none of this run."""
    checkpoint: CheckpointView | None = None
    reason: str = ""
    """Why it ended; empty: it goes on."""
    message: str = ""
    exit_code: int | None = None
    signal: int | None = None

    @property
    def ended(self) -> str:
        """How, in few words; empty: it goes on."""
        if self.reason == "exit_code":
            return f"exit code {self.exit_code}"
        if self.reason == "signal":
            return f"signal {self.signal}"
        if self.reason == "node_lost" and (who := _who_ended(self.message)):
            return who
        return self.reason.replace("_", " ")

    def went_on_from(self, given: Checkpoint | None) -> str:
        """In few words. `given`: what the run was submitted with."""
        if self.began_from:
            return f"attempt {self.began_from}"
        return f"run {given.run}" if given is not None and given.run else ""


class RunView(Struct, frozen=True):
    id: str
    experiment: str
    number: int
    status: str
    version: int
    """Grows with each change of the run."""
    user: str
    cluster: str
    node_count: int
    attempt: int
    created_at: int
    started_at: int | None
    ended_at: int | None
    blocker: str | None
    error: ErrorView | None
    exit_code: int | None
    snapshot: str
    script: str
    arguments: list[str]
    lock: str | None
    python: str | None
    tags: dict[str, str]
    notes: list[NoteView]
    phases: list[PhaseView]
    git: dict[str, Any] | None
    parent: str | None
    type: str
    """`azureml.scriptrun`; `interactive`: its process is not ours; `external`: its process is not known here."""
    properties: dict[str, str]
    inputs: tuple[DataInput, ...]
    name: str | None = None
    """For people; None where nobody gave one."""
    environment: str = ""
    """`name:version` of the environment that it was submitted with."""
    as_of: str = ""
    """The day whose packages it has; empty for none."""
    as_of_from: str = ""
    """`given`, `default` or `auto`: who said that day."""
    description: str | None = None
    archived_at: int | None = None
    entry: Entry = "script"
    environment_variables: dict[str, str] = field(default_factory=dict)
    """Those that it was given, without what must stay secret."""
    inherited_variables: dict[str, str] = field(default_factory=dict)
    """Those that its submitter's process passed on, likewise."""
    threads: str = ""
    """How many its script has, such as `2 of 2 cores`; empty before a node has it."""
    position: int | None = None
    """Its place in the queue of its cluster, 1 for the run that comes next; None where it is in none."""
    checkpoint: Checkpoint | None = None
    """What it started from."""
    distributed: Distributed | None = None
    """Which processes its script runs in; None: one on each node."""

    parameters: dict[str, str] = field(default_factory=dict)
    """What was logged as one, and is none of its arguments."""
    attempts: tuple[AttemptView, ...] = ()
    """Of a run that went again, or of which a checkpoint was taken."""

    @property
    def place(self) -> str:
        """Where its process is, or was."""
        if self.type == EXTERNAL:
            return "elsewhere: it is logged from there"
        return self.cluster or "the process that started it"

    @property
    def told_as_of(self) -> str:
        """For people: `2019-10-01 (auto)`."""
        return f"{self.as_of} ({self.as_of_from})" if self.as_of else ""

    @property
    def command(self) -> str:
        """What it runs, for people."""
        words = ["python -m"] if self.entry == "module" else []
        return " ".join([*words, self.script, *self.arguments]).strip()


class RunChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What is not given stays; an empty text takes it away."""

    name: str | None = None
    description: str | None = None
    archived: bool | None = None


class StartedView(Struct, frozen=True):
    """`folder`: the attempt folder, into whose `spool` the process writes."""

    run: RunView
    folder: str


class LocalFile(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of the server's own host, or an object, to be kept under a name: exactly one of both is given."""

    name: str
    path: HostFile = ""
    digest: str = ""


class LocalFiles(Struct, frozen=True, forbid_unknown_fields=True):
    files: list[LocalFile]
    datastore: str | None = None
    """One that gets copies of them, too."""


class TextValue(Struct, frozen=True, forbid_unknown_fields=True):
    value: str


class Failure(Struct, frozen=True, forbid_unknown_fields=True):
    message: str


class SnapshotChoice(Struct, frozen=True, forbid_unknown_fields=True):
    snapshot: str


class FileView(Struct, frozen=True, omit_defaults=True):
    name: str
    size: int
    live: bool = False
    """Of a run that goes on: as it is now where the script writes it, and not kept yet."""


class LogView(Struct, frozen=True):
    name: str
    size: int


class Followed(Struct, frozen=True, tag_field="event"):
    """One event of the stream that follows a run."""


class StatusEvent(Followed, frozen=True, tag="status"):
    run: RunView


class LogEvent(Followed, frozen=True, tag="log"):
    name: str
    offset: int
    """Where the next part of this log starts, in bytes."""
    text: str
    attempt: int = 1
    """Each attempt has a log of its own under the name."""


class PointsEvent(Followed, frozen=True, tag="points"):
    """The run's metrics have more points, or others, than when they were looked at last."""

    count: int


class Obstacle(Struct, frozen=True):
    """Something that keeps a run from being had again as it was."""

    what: Literal["snapshot", "environment", "data", "cluster", "gpu"]
    message: str
