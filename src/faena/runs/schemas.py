"""Wire types of runs."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from msgspec import Struct, field

from faena.data.datasets.schemas import Source
from faena.environments.schemas import EnvironmentRequest
from faena.kernel.on_host import HERE_ONLY, HostFile, HostFolder, OnHost

SCRIPT_RUN = "azureml.scriptrun"
"""The type of a run whose script a node starts; v1's word for it."""

INTERACTIVE = "interactive"
"""The type of a run that a process of the user's own has started and ends: a notebook, or a script with children."""


HYPERDRIVE = "hyperdrive"
"""The type of a sweep, whose trials are its children; v1's word for it. No node has it."""

TRIAL = "faena.trial"
"""The property of a run that says which trial of its parent, a sweep, it is."""
RERUN_OF = "faena.rerun_of"
"""The tag and the property that name the run that another one repeats."""


class DataInput(Struct, frozen=True, forbid_unknown_fields=True):
    """Data that a script gets as a folder or file on its node.

    Exactly one of `datastore`, `dataset` and `sources` is given. `token` is what stands for the path in the script's
    arguments; the node replaces it, and sets the environment variable `variable` to the same path.
    """

    name: str
    token: str
    variable: str
    mode: Literal["mount", "download", "upload", "direct"]
    datastore: str = ""
    path: str = ""
    """Within the datastore; empty: all of it."""
    dataset: str = ""
    """Id of a registered or anonymous dataset version."""
    sources: tuple[Source, ...] = ()
    """Of a dataset that nobody registered."""
    tabular: dict[str, Any] | None = None
    """How such a dataset is read as a table; None for one of files."""
    path_on_compute: str = ""
    overwrite: bool = False


CHECKPOINTS = "outputs/checkpoints"
"""The folder of a script's checkpoints, unless its submission names another one."""
MAX_NODE_LOSSES = 3


class Checkpoint(Struct, frozen=True, forbid_unknown_fields=True):
    """Files that the script finds in a folder of its own when it starts, and that it may replace.

    They are what run `run` left in the folder of that name; `digest` is that of their names and bytes. Both empty: the
    folder is there, and nothing in it.
    """

    folder: str
    """Below `outputs`, so that the run keeps what the script leaves there."""
    run: str = ""
    digest: str = ""
    attempt: int = 0
    """Of that run, whose checkpoint was taken while it ran; 0: what the run has left when it ended."""


class CheckpointOffer(Struct, frozen=True):
    """`checkpoint`: None where there is none."""

    checkpoint: Checkpoint | None


Entry = Literal["script", "module", "program"]
"""What a run starts: a file of the source folder, a module as `python -m` does, or a program of the machine."""


class Submission(Struct, frozen=True, forbid_unknown_fields=True):
    """What to run. `script` is relative to the snapshot unless `entry` says otherwise.

    `arguments` pass no shell.
    """

    experiment: str
    snapshot: str
    script: str
    cluster: str
    arguments: tuple[str, ...] = ()
    environment: EnvironmentRequest = field(default_factory=EnvironmentRequest)
    environment_variables: dict[str, str] = field(default_factory=dict)
    node_count: int = 1
    max_run_duration_seconds: float | None = None
    grace_seconds: float | None = None
    """Between SIGTERM and SIGKILL, when the script is stopped; None: 30."""
    gpu: Literal["none", "auto", "require"] = "none"
    tags: dict[str, str] = field(default_factory=dict)
    user: str = ""
    git: dict[str, Any] | None = None
    parent: str | None = None
    """The run that this one is a child of."""
    properties: dict[str, str] = field(default_factory=dict)
    inputs: tuple[DataInput, ...] = ()
    environment_name: str = ""
    """`name:version` of the environment, where it has a name; what counts is `environment`."""
    lock: str = ""
    """Digest of a lock of this workspace: the environment is that one, and `environment` is not resolved."""
    name: str = ""
    """For people; empty: none."""
    exact: bool = False
    """With `lock`: the run fails where that one cannot be built. Else `environment` is resolved, which a note tells."""
    entry: Entry = "script"
    inherited_variables: dict[str, str] = field(default_factory=dict)
    """What the submitter's process passes on; `environment_variables` win over it. See `faena.runs.variables`."""
    warm: bool = False
    """Whether the script may start in an interpreter that has its packages loaded: docs/warm-interpreters.md."""
    checkpoint: Checkpoint | None = None
    """What it goes on from."""
    max_retries: int = 0
    """How often it goes again after its script failed, from its checkpoint if there is one."""
    retry_on_exit_codes: tuple[int, ...] = ()
    """Only after these; 128 and its number stand for a signal, 137 for want of memory. Empty: after all."""
    max_node_losses: int | None = None
    """How often it goes again after its node was lost: these are counted apart. None: MAX_NODE_LOSSES times where a
    checkpoint was taken of it or it has `max_retries`, which tell that its script may begin twice; else never."""
    early_signal: str = ""
    """A signal before its time is up, and how many seconds: "USR1@90"."""


class LivingProcess(Struct, frozen=True, forbid_unknown_fields=True):
    """A process of the server's host: its id, and the clock ticks from the host's start to its own."""

    pid: int
    started: int


class StartedRun(Struct, frozen=True, forbid_unknown_fields=True):
    """A run that a process of the user's own starts and ends. `snapshot` and `outputs` may be empty."""

    id: str
    experiment: str
    name: str | None = None
    snapshot: str = ""
    parent: str | None = None
    outputs: HostFolder = ""
    """A folder of the server's host whose files the run keeps when it ends; an absolute path."""
    tags: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    user: str = ""
    git: dict[str, Any] | None = None


class StartRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """All runs or none are started; they end with `process` at the latest."""

    process: Annotated[
        LivingProcess, OnHost(f"Submit a script, or start the run there. {HERE_ONLY}", what="a process")
    ]
    runs: tuple[StartedRun, ...]


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


class CheckpointView(Struct, frozen=True):
    """What was taken of an attempt's checkpoint folder while it ran: the newest set of files."""

    files: int
    size: int
    """Bytes of all of them."""
    taken_at: int


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
    """`azureml.scriptrun`, or `interactive` for one whose process is not ours."""
    properties: dict[str, str]
    inputs: tuple[DataInput, ...]
    name: str | None = None
    """For people; None where nobody gave one."""
    environment: str = ""
    """`name:version` of the environment that it was submitted with."""
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

    attempts: tuple[AttemptView, ...] = ()
    """Of a run that went again, or of which a checkpoint was taken."""

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


class RunRow(Struct, frozen=True):
    """A run in a list."""

    id: str
    experiment: str
    number: int
    status: str
    user: str
    cluster: str
    created_at: int
    started_at: int | None
    ended_at: int | None
    tags: dict[str, str]
    parent: str | None = None
    type: str = ""
    name: str | None = None
    parameters: dict[str, str] | None = None
    """Arguments of its script that have a name; None where they were not asked for."""
    metrics: dict[str, float | None] | None = None
    """The last value of each metric that is a number, None for NaN; None altogether where they were not asked for."""
    archived_at: int | None = None
    infinite: dict[str, bool] | None = None
    """Which of `metrics` are infinite, and whether above zero: JSON has no word for that and says null."""

    def __post_init__(self) -> None:
        """Whoever reads a row finds the infinities among the metrics."""
        for name, above in (self.infinite or {}).items():
            if self.metrics is not None:
                self.metrics[name] = math.inf if above else -math.inf


class Curve(Struct, frozen=True):
    """A metric as a chart; `x` and `y` have one length. `faena/tracking/chart.py` says what they are."""

    axis: str
    x: list[float]
    y: list[float | None]
    """None where a value is infinite or no number."""
    exact: bool
    """Whether these are the points; else the least and the greatest value of each column."""
    count: int
    nans: int
    last: float | None
    origin: int
    """When the first point was logged, in microseconds."""
    infinities: int = 0


class NamedCurve(Struct, frozen=True):
    name: str
    chart: Curve


class Curves(Struct, frozen=True):
    """The first metrics of a run, of `total`."""

    total: int
    charts: list[NamedCurve]


class Emptiness(Struct, frozen=True):
    """Why nothing was found."""

    total: int
    """Runs that there are at all."""
    message: str
    children: int = 0
    """Runs that another run started, left out, which would match."""
    archived: int = 0
    """Archived runs, left out, which would match."""


class RunPage(Struct, frozen=True):
    runs: list[RunRow]
    next: str | None
    """What `after` is to be for the next page; None after the last."""
    empty: Emptiness | None = None
    """Where there is no run on the first page."""
    note: str = ""
    """What was asked for by name, such as a metric to sort by, and no run has."""


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


class PointsEvent(Followed, frozen=True, tag="points"):
    """The run's metrics have more points, or others, than when they were looked at last."""

    count: int


class MetricRange(Struct, frozen=True):
    """What a metric of a run's latest attempt came to. None: it holds no number."""

    name: str
    count: int
    last: float | None
    min: float | None
    max: float | None


class Obstacle(Struct, frozen=True):
    """Something that keeps a run from being had again as it was."""

    what: Literal["snapshot", "environment", "data", "cluster", "gpu"]
    message: str
