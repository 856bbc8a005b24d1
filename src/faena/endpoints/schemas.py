"""Wire types of endpoints."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

from faena.environments.schemas import EnvironmentRequest
from faena.kernel.hidden import hiding
from faena.kernel.on_host import HostFile

State = Literal["Transitioning", "Healthy", "Unhealthy", "Failed", "Deleting"]
"""v1's words. Transitioning: nothing answers yet, something is about to; Failed: nothing answers, nor will."""

RevisionState = Literal["Preparing", "Starting", "Healthy", "Unhealthy", "Failed", "Retired"]
"""Preparing: its environment and folder are made. Retired: it answered, and is kept to be rolled back to."""


class ModelUse(Struct, frozen=True, forbid_unknown_fields=True):
    """A version of a registered model."""

    name: str
    version: int


class Workers(Struct, frozen=True, forbid_unknown_fields=True):
    """The processes that score for one revision, and what each may take."""

    count: int = 1
    threads: int = 0
    """Of each, for numerical libraries; 0: the machine's cores shared among the workers."""
    max_batch_size: int = 1
    """Rows that a call of the script gets at once."""
    max_latency_ms: float = 0.0
    """What a request waits for others to make a batch with; 0: what waits goes when a worker falls free."""
    max_requests: int | None = None
    """After so many a worker is replaced by a new one."""
    max_memory_bytes: int | None = None
    """A worker that has more is replaced by a new one."""


Kind = Literal["chainer", "sklearn", "onnx", "mlflow"]
"""What is served without a script."""


class RevisionSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """What answers: models, a scoring script in a snapshot, an environment. Never changed once it is deployed."""

    models: tuple[ModelUse, ...]
    snapshot: str
    entry: str = ""
    """The scoring script, relative to the snapshot; empty where `kind` needs none."""
    kind: Kind | None = None
    options: dict[str, Any] = field(default_factory=dict)
    """Of the kind: `link` ("module:Class") of Chainer's, `trust` for what is loaded by pickle."""
    environment: EnvironmentRequest = field(default_factory=EnvironmentRequest)
    environment_name: str = ""
    """`name:version` where it has one; what counts is `environment`."""
    lock: str = ""
    """Digest of a lock that a run of this workspace has, which counts instead of `environment`."""
    environment_variables: dict[str, str] = field(default_factory=dict)
    inherited_variables: dict[str, str] = field(default_factory=dict)
    """What the process passes on that deploys; `environment_variables` win over it."""
    workers: Workers = field(default_factory=Workers)
    sample: str | None = None
    """A body that the new revision must answer before it takes over; None: that it has started is enough."""
    description: str = ""


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """What an endpoint takes in; each has its status and a message that names it."""

    body_bytes: int = 100 << 20
    header_bytes: int = 64 << 10
    queue: int = 1000
    """Requests that wait for a worker."""
    connections: int = 4096
    timeout_seconds: float = 60.0
    """What a request may take before its worker is killed, and the request is answered with 504."""
    init_timeout_seconds: float = 600.0
    """What `init()` may take."""


class Tls(Struct, frozen=True, forbid_unknown_fields=True):
    """Files of the server's host, in PEM."""

    certificate: HostFile
    key: HostFile


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """What belongs to the endpoint, whichever revision answers."""

    auth_enabled: bool = True
    host: str = "127.0.0.1"
    port: int = 0
    """0: one that is free, which is kept."""
    limits: Limits = field(default_factory=Limits)
    cors_origins: tuple[str, ...] = ()
    sticky_header: str | None = None
    """Requests with the same value of it go to the same revision, while the weights stay."""
    tls: Tls | None = None
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    keep_requests: float = 0.0
    """The share of requests that are kept with their answers; 0: none."""
    compute_type: str = "Local"
    """v1's word for where it was to be: Local, ACI or AKS. It says nothing of where it is served."""
    cluster: str = ""
    node: str = ""
    """Of a joined cluster the machine that it is to be on; empty: any, and without a cluster the server's host."""


class Deployment(Struct, frozen=True, forbid_unknown_fields=True):
    """Deploy a revision: the first one of a new endpoint, or the next one of an endpoint that is there."""

    revision: RevisionSpec
    settings: Settings | None = None
    """None: those that the endpoint has; of a new one, the defaults."""
    onto: Literal["new", "existing", "any"] = "new"
    """Whether the name must be free, must be there, or may be either."""
    percentage: int = 100
    """Of the requests, for the new revision; the others share what is left as they do now."""


class EndpointChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What may change while it answers; None leaves what there is."""

    traffic: dict[str, int] | None = None
    """Weights by revision; one that is not named gets nothing."""
    shadow: int | None = None
    """A revision that is asked as well, whose answers are compared and not sent; 0: none."""
    auth_enabled: bool | None = None
    limits: Limits | None = None
    cors_origins: tuple[str, ...] | None = None
    sticky_header: str | None = None
    """Empty: none any more."""
    keep_requests: float | None = None
    description: str | None = None
    tags: dict[str, str] | None = None
    """Instead of those that it has."""
    add_tags: dict[str, str] = field(default_factory=dict)
    remove_tags: tuple[str, ...] = ()
    add_properties: dict[str, str] = field(default_factory=dict)


class FailureView(Struct, frozen=True):
    """Why a revision does not answer."""

    message: str
    traceback: str = ""
    exit_code: int | None = None
    signal: str | None = None


class WorkerView(Struct, frozen=True):
    number: int
    state: str
    pid: int | None = None
    restarts: int = 0
    memory_bytes: int | None = None
    cpu_seconds: float | None = None
    """As it is now, where that was asked for; `cpu`: cores that it used in the last two seconds."""
    cpu: float | None = None


class RevisionView(Struct, frozen=True):
    number: int
    state: RevisionState
    created_at: int
    models: tuple[ModelUse, ...]
    snapshot: str
    entry: str
    """The scoring script; empty for a kind that needs none."""
    kind: str
    environment_name: str
    lock: str | None
    """Digest of its environment's lock, once that is known."""
    python: str | None
    workers: Workers
    weight: int
    """Of the requests, by hundred."""
    error: FailureView | None
    processes: tuple[WorkerView, ...] = ()
    environment_variables: dict[str, str] = field(default_factory=dict)
    """Without what must stay secret."""
    description: str = ""


class ActivityView(Struct, frozen=True):
    """What an endpoint did in the last minute, or since its front was started: requests that ask for an answer."""

    seconds: float
    """That this is of."""
    requests: int
    requests_per_second: float
    errors: int
    """Answers with a status of 400 or more."""
    statuses: dict[str, int]
    """Answers by status."""
    p50: float | None
    """Seconds that half of them took at most, by the counts of `/metrics`; None: there were none."""
    p95: float | None
    p99: float | None
    waiting: int
    """Requests that no worker has yet."""
    connections: int
    shadow: dict[str, int]
    """Shadow requests by how their answers compared: `same`, `different` or `skipped`; since the front was started."""
    revisions: dict[str, int]
    """Answers of the workers of each revision."""


class EndpointView(Struct, frozen=True):
    name: str
    state: State
    version: int
    """Grows with each change."""
    created_at: int
    updated_at: int
    revision: int
    """That which was deployed last."""
    traffic: dict[str, int]
    """Weights of the revisions that answer."""
    shadow: int | None
    is_settled: bool
    """Whether nothing is on its way: what was deployed last answers, or has failed."""
    error: FailureView | None
    """Why the last revision does not answer, or why nothing does."""
    port: int | None
    scoring_uri: str | None
    swagger_uri: str | None
    settings: Settings
    revisions: list[RevisionView]
    machine: str = ""
    """The machine of its cluster that it is on, by name; empty: the server's host, or none yet."""
    activity: ActivityView | None = None
    """Where it was asked for, and a front answers."""


class KeysView(Struct, frozen=True):
    primary: str
    secondary: str

    __repr__ = hiding("primary", "secondary")


class KeptRequest(Struct, frozen=True):
    """A request and its answer. Bodies are cut at 256 KB: what was longer has its length beside it."""

    id: str
    time: float
    """Seconds since the epoch when its first byte came."""
    seconds: float
    """Until it was answered."""
    route: str
    status: int
    method: str = "POST"
    revision: int | None = None
    query: str | None = ""
    content_type: str = ""
    body: str | None = ""
    """None where it is no UTF-8: `body_base64` then."""
    answer_type: str = ""
    answer: str | None = ""
    body_base64: str | None = None
    body_bytes: int | None = None
    answer_base64: str | None = None
    answer_bytes: int | None = None


class TryRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A body for `/score`."""

    body: str


class TryAnswer(Struct, frozen=True):
    status: int
    seconds: float
    """From asking to the whole answer."""
    ran_milliseconds: float | None
    """Of `run()` alone."""
    content_type: str
    request_id: str
    """By which the logs name it."""
    text: str
    """Of a long answer the beginning; what is no UTF-8 is replaced."""
    size: int
    """Bytes of the whole answer, as far as it told."""
    is_cut: bool


class LogView(Struct, frozen=True):
    text: str


class DeploymentView(Struct, frozen=True):
    """The endpoint as it is once a deployment was taken in, and the revision that came of it."""

    endpoint: EndpointView
    revision: int
