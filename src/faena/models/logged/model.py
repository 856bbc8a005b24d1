"""A logged model as a frozen value. No I/O."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct, field

from faena.kernel.clock import Micros


class LoggedStatus(StrEnum):
    PENDING = "pending"
    """Its files are on their way."""
    READY = "ready"
    FAILED = "failed"
    """They did not all come; `message` may say why."""


class LoggedModel(Struct, frozen=True):
    id: str
    """`m-` and 32 hexadecimal digits."""
    experiment_id: int
    name: str
    created_at: Micros
    changed_at: Micros
    run_id: str | None = None
    told_run: str = ""
    """The run that whoever logged it named, where there is none of that id here."""
    kind: str = ""
    """What whoever logged it calls its kind, such as a class of agents."""
    status: LoggedStatus = LoggedStatus.PENDING
    message: str = ""
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    deleted_at: Micros | None = None


class ModelMetric(Struct, frozen=True):
    """The latest value of a metric that was measured of a logged model, on a data set or on none."""

    run_id: str
    name: str
    value: float | None
    """None: it is no number."""
    time: Micros
    step: int
    dataset: str = ""
    dataset_digest: str = ""
