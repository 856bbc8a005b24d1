"""Wire types of quotas."""

from __future__ import annotations

from msgspec import Struct


class Amounts(Struct, frozen=True):
    """Of what somebody may use, or uses."""

    nodes: float | None = None
    """At once, on all clusters together."""
    node_hours: float | None = None
    """Of one node, in this calendar month of UTC; runs that go on count as far as they are."""
    bytes: float | None = None
    """Kept of runs: files, logs, metrics and models, each object once. Counted only where a quota limits them."""


class QuotaChange(Struct, frozen=True, forbid_unknown_fields=True):
    """Of one of `person`, `experiment` and `everybody`."""

    set: dict[str, float] = {}
    """Limits by their names: `nodes`, `node_hours`, `bytes`. Those that are not named stay."""
    lift: list[str] = []
    """Names of limits that are no more."""
    person: str = ""
    experiment: str = ""
    everybody: bool = False
    """Of each person, as far as they have no limit of their own."""


class QuotaView(Struct, frozen=True):
    """Somebody who has a quota, or uses something that one may limit."""

    kind: str
    """`person` or `experiment`."""
    name: str
    """Empty: of everybody, as far as they have no limit of their own."""
    limits: Amounts
    """What the quota says; none: as much as there is."""
    applies: Amounts
    """The limits that count: of a person those of everybody, too."""
    used: Amounts
    month: str
    """Whose node-hours are meant, such as `2026-11`."""
