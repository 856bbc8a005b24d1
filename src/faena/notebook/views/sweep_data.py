"""A sweep as the server gives it for charts, those of its page and these."""

from __future__ import annotations

from msgspec import Struct


class History(Struct, frozen=True):
    """What each trial came to, by number, and the best until then."""

    numbers: list[float]
    values: list[float | None]
    best_numbers: list[float]
    best_values: list[float | None]
    last: float
    """Number of the latest trial."""


class ParameterAxis(Struct, frozen=True):
    """`kind`: number, log or options; the values of options are places among them."""

    name: str
    kind: str
    options: list[str]
    values: list[float | None]


class SweepData(Struct, frozen=True):
    """As the server gives it for charts: `/ui/runs/{id}/sweep/data`."""

    metric: str
    goal: str
    total: int
    valued: int
    history: History
    numbers: list[int]
    values: list[float]
    axes: list[ParameterAxis]
    more_axes: int


class TrialCurve(Struct, frozen=True):
    number: int
    is_live: bool
    x: list[float]
    y: list[float | None]


class TrialCurves(Struct, frozen=True):
    """Likewise: `/ui/runs/{id}/sweep/curves`."""

    metric: str
    best: int | None
    total: int
    curves: list[TrialCurve]
