"""Wire types of histories that come from MLflow. Times are microseconds since 1970, unless their name says `_ms`."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

FLOAT_BYTES = 8

NEW, GROWN, HERE, CHANGED, TAKEN, REFUSED = "new", "grown", "here", "changed", "taken", "refused"
"""What became of something that was given: it is new here; it was brought earlier, had grown there, and is here as it
is there now; it is here already, the same; it was brought earlier and was changed here since; something else has its
id; it cannot be had. Of the last three nothing is changed.
"""


class ExperimentGiven(Struct, frozen=True):
    id: str
    name: str
    created_at: int | None = None
    changed_at: int | None = None
    archived: bool = False
    tags: dict[str, str] = {}


class ExperimentTaken(Struct, frozen=True):
    id: str
    """That it was given with."""
    name: str
    """Under which it is here."""
    number: int
    outcome: str
    notes: list[str] = []


class Points(Struct, frozen=True):
    """Of one metric: arrays of 64-bit little-endian numbers, or the object that holds the three one after the other."""

    count: int
    times_ms: bytes = b""
    steps: bytes = b""
    values: bytes = b""
    object: str | None = None


class FileGiven(Struct, frozen=True):
    digest: str
    """Its bytes are in the object store."""
    size: int


class DatasetGiven(Struct, frozen=True):
    name: str
    digest: str
    source_type: str = ""
    source: str = ""
    schema: str | None = None
    profile: str | None = None
    tags: dict[str, str] = {}


class RunGiven(Struct, frozen=True):
    id: str
    experiment: str
    """As it is called here."""
    status: str
    """MLflow's word."""
    started_ms: int | None = None
    ended_ms: int | None = None
    archived_ms: int | None = None
    """When it was deleted, in MLflow's words; None: it was not."""
    name: str | None = None
    user: str = ""
    params: dict[str, str] = {}
    tags: dict[str, str] = {}
    metrics: dict[str, Points] = {}
    datasets: list[DatasetGiven] = []
    read: list[str] = []
    """Logged models that it used."""
    made: dict[str, int] = {}
    """Logged models that it made, each with its step."""
    files: dict[str, FileGiven] = {}


class Taken(Struct, frozen=True):
    """What became of a run, a logged model, a version, a trace, an evaluation set."""

    id: str
    outcome: str
    notes: list[str] = []
    """What is otherwise here than there, a sentence each."""
    points: int = 0
    """Of metrics, that are here now and were compared."""
    files: int = 0
    size: int = 0
    """Bytes of its files."""
    records: int = 0
    """Of an evaluation set, that are here now and were compared."""


class Runs(Struct, frozen=True):
    source: str
    """Where they come from, for people."""
    runs: list[RunGiven]
    look: bool = False
    """Say what would become of them, and change nothing."""


class ModelMetricGiven(Struct, frozen=True):
    run_id: str
    name: str
    value: float
    time_ms: int
    step: int
    dataset: str = ""
    dataset_digest: str = ""


class LoggedModelGiven(Struct, frozen=True):
    id: str
    experiment: str
    name: str
    status: str
    """MLflow's word."""
    created_ms: int
    changed_ms: int
    run_id: str | None = None
    kind: str = ""
    message: str = ""
    params: dict[str, str] = {}
    tags: dict[str, str] = {}
    metrics: list[ModelMetricGiven] = []
    files: dict[str, FileGiven] = {}
    deleted: bool = False


class LoggedModels(Struct, frozen=True):
    models: list[LoggedModelGiven]
    look: bool = False


class VersionGiven(Struct, frozen=True):
    version: int
    created_ms: int
    changed_ms: int
    description: str = ""
    stage: str = ""
    source: str = ""
    """As it was told."""
    storage: str = ""
    """Where the store keeps its files, where that is another address."""
    place: str = ""
    """The same as an address of what was brought: `runs:/RUN/PATH`, `models:/m-…`, `models:/NAME/VERSION`; or empty."""
    run_id: str | None = None
    run_link: str = ""
    model_id: str | None = None
    status: str = "READY"
    """MLflow's word."""
    tags: dict[str, str] = {}
    files: dict[str, FileGiven] = {}
    """Where `place` is none."""
    deleted: bool = False
    """Its number is not given again."""


class ModelGiven(Struct, frozen=True):
    name: str
    created_ms: int
    changed_ms: int
    description: str = ""
    tags: dict[str, str] = {}
    aliases: dict[str, int] = {}
    versions: list[VersionGiven] = []


class Models(Struct, frozen=True):
    models: list[ModelGiven]
    look: bool = False


class TraceGiven(Struct, frozen=True):
    id: str
    experiment: str
    began_ms: int
    took_ms: int | None = None
    status: str = ""
    run_id: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    request: str | None = None
    """The beginning of what was asked."""
    response: str | None = None
    client_request_id: str | None = None
    spans: list[str] = []
    """JSON, as MLflow's stores have them."""
    told_spans: list[str] = []
    """JSON, as its servers tell them: with OpenTelemetry's names."""
    assessments: list[dict[str, Any]] = []
    """As its protocol has them."""
    files: dict[str, FileGiven] = field(default_factory=dict)


class Traces(Struct, frozen=True):
    traces: list[TraceGiven]
    look: bool = False


class RecordGiven(Struct, frozen=True):
    """One question of an evaluation set."""

    id: str
    inputs: dict[str, Any]
    created_ms: int
    changed_ms: int
    outputs: Any = None
    expectations: dict[str, Any] | None = None
    tags: dict[str, str] = {}
    source: dict[str, Any] | None = None
    created_by: str | None = None
    changed_by: str | None = None


class EvaluationSetGiven(Struct, frozen=True):
    """With some of its records: one with many comes in parts."""

    id: str
    name: str
    created_ms: int
    changed_ms: int
    created_by: str | None = None
    changed_by: str | None = None
    tags: dict[str, str] = {}
    experiments: list[str] = []
    """As they are called here."""
    fields: dict[str, Any] = {}
    """The types of what its records hold, as far as they are known."""
    records: list[RecordGiven] = []


class EvaluationSets(Struct, frozen=True):
    sets: list[EvaluationSetGiven]
    look: bool = False
