"""Wire types of what is asked to run, and of runs that a process of the user's own starts."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Struct, field

from faena.data.datasets.schemas import Source
from faena.environments.schemas import EnvironmentRequest
from faena.kernel.on_host import HERE_ONLY, HostFolder, OnHost
from faena.kernel.user_names import UserName

SCRIPT_RUN = "azureml.scriptrun"
"""The type of a run whose script a node starts; v1's word for it."""
INTERACTIVE = "interactive"
EXTERNAL = "external"
"""A run of a process that nobody here knows, which is logged by request."""
"""The type of a run that a process of the user's own has started and ends: a notebook, or a script with children."""
HYPERDRIVE = "hyperdrive"
"""The type of a sweep, whose trials are its children; v1's word for it. No node has it."""

TRIAL = "faena.trial"
"""The property of a run that says which trial of its parent, a sweep, it is."""
RERUN_OF = "faena.rerun_of"
"""The tag and the property that name the run that another one repeats."""


class DataInput(Struct, frozen=True, forbid_unknown_fields=True):
    """Data that a script gets as a folder or file on its node.

    Exactly one of `datastore`, `dataset`, `sources` and `run` is given. `token` is what stands for the path in the
    script's arguments; the node replaces it, and sets the environment variable `variable` to the same path.
    """

    name: str
    token: str
    variable: str
    mode: Literal["mount", "download", "upload", "direct"]
    datastore: str = ""
    path: str = ""
    """Within the datastore, where empty is all of it; or among the files of the run."""
    dataset: str = ""
    """Id of a registered or anonymous dataset version."""
    sources: tuple[Source, ...] = ()
    """Of a dataset that nobody registered."""
    tabular: dict[str, Any] | None = None
    """How such a dataset is read as a table; None for one of files."""
    path_on_compute: str = ""
    overwrite: bool = False
    run: str = ""
    """One that has ended, and left files."""
    digest: str = ""
    """Of the names and bytes of those files."""

    @property
    def left_by(self) -> str:
        """Which files of which run, in the words of the command line; empty where it is no run's."""
        return f"run:{self.run}/{self.path}" if self.run else ""


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


class Distributed(Struct, frozen=True, forbid_unknown_fields=True):
    """Which processes the script runs in: docs/distributed.md."""

    kind: Literal["mpi", "torch", "tensorflow"]
    process_count_per_node: int = 1
    """Of MPI and torch."""
    worker_count: int = 0
    """Of TensorFlow, on all nodes together."""
    parameter_server_count: int = 0

    def told(self) -> str:
        """For people: what each node has, or, of TensorFlow, all of them."""
        if self.kind == "tensorflow":
            return f"TensorFlow: {self.worker_count} workers, {self.parameter_server_count} parameter servers"
        name = {"mpi": "MPI", "torch": "torch"}[self.kind]
        return f"{name}: {self.process_count_per_node} on each node"


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
    user: UserName = ""
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
    distributed: Distributed | None = None
    """None: one process on each node, which are told of each other by FAENA_RANK and FAENA_NODE_COUNT."""
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
    user: UserName = ""
    git: dict[str, Any] | None = None


class StartRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """All runs or none are started; they end with `process` at the latest."""

    process: Annotated[
        LivingProcess, OnHost(f"Submit a script, or start the run there. {HERE_ONLY}", what="a process")
    ]
    runs: tuple[StartedRun, ...]
