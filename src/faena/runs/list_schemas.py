"""Wire types of many runs at once: rows of lists, curves of charts."""

from __future__ import annotations

import math

from msgspec import Struct


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
    as_of: str = ""
    """The day whose packages it has; empty for none, and where it was not asked for."""
    as_of_from: str = ""
    """`given`, `default` or `auto`: who said that day."""

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


class MetricRange(Struct, frozen=True):
    """What a metric of a run's latest attempt came to. None: it holds no number."""

    name: str
    count: int
    last: float | None
    min: float | None
    max: float | None
