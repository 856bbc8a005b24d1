"""Groups of the table of runs: each of all runs that are meant, with how many it has; rows of those that are open."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from faena.db import Read
from faena.kernel.clock import Micros
from faena.kernel.plural import counted
from faena.runs.model import Run
from faena.runs.search import Wanted
from faena.search import groups as search_groups
from faena.search import language, service
from faena.search.groups import FoundGroup
from faena.server.pages import words
from faena.server.pages.runs.asked import Asked
from faena.server.pages.runs.columns import Shown

MOST_OPEN = 10
_TOGETHER = 50
"""Groups of a page."""
_ROWS = 20
"""Of a group where several are open."""
_LONGEST = 100
_LARGER = re.compile(r"acc|auc|\bap\b|bleu|dice|f1|iou|precision|r2|recall|reward|score", re.IGNORECASE)
_SMALLER = re.compile(r"err|loss", re.IGNORECASE)


class Group(Struct, frozen=True):
    title: str
    key: str
    count: str
    figures: str
    """The best and the mean of a metric; empty where there is none."""
    toggle: str
    """The address of the page on which it is shut, or open."""
    is_open: bool
    runs: list[Run]
    next: str
    """The address of more of its runs; empty after the last."""
    first: str
    """The address of its first runs; empty there."""


class Grouped(Struct, frozen=True):
    groups: list[Group]
    total: int
    """Of all pages; `search.groups.MOST` at most."""
    open_all: str
    shut_all: str
    before: str
    """The address of groups before these; empty at the beginning."""
    after: str


def build(read: Read, wanted: Wanted, asked: Asked, now: Micros, by: Shown, metric: Shown | None) -> Grouped:
    """`metric`: by which groups are compared. Raises UserErrorException."""
    field = language.parse_field(by.field)
    best = "" if metric is None else _best(asked, metric)
    found = search_groups.groups(
        read,
        wanted,
        now,
        by=field,
        text=asked.filter,
        metric=None if metric is None else language.parse_field(metric.field),
        best=best if metric is not None and asked.sort.lstrip("-") == metric.field else "",
    )
    here = found[asked.groups : asked.groups + _TOGETHER]
    column = search_groups.of(field)

    def rows(value: str | None) -> service.Page:
        is_alone = len(asked.open) == 1
        return service.find(
            read,
            wanted,
            now,
            text=asked.filter,
            sort=asked.sort or None,
            after=(asked.after or None) if is_alone else None,
            limit=asked.rows if is_alone else _ROWS,
            within=service.Within(column, value),
        )

    shown = [_group(asked, each, by, metric, best, rows) for each in here]
    last = asked.groups + len(here)
    return Grouped(
        shown,
        len(found),
        replace(asked, open=tuple(each.key for each in shown[:MOST_OPEN]), after="").address(),
        replace(asked, open=(), after="").address(),
        replace(asked, groups=max(0, asked.groups - _TOGETHER), open=(), after="").address()
        if asked.groups
        else "",
        replace(asked, groups=last, open=(), after="").address() if last < len(found) else "",
    )


def _group(
    asked: Asked,
    found: FoundGroup,
    by: Shown,
    metric: Shown | None,
    best: str,
    rows: Callable[[str | None], service.Page],
) -> Group:
    key = _key(found.value)
    is_open = key in asked.open[:MOST_OPEN]
    others = tuple(each for each in asked.open if each != key)
    page = rows(found.value) if is_open else service.Page([], None)
    is_later = is_open and asked.after and not others
    return Group(
        title=f"{by.title}: {_cut(found.value) if found.value is not None else 'none'}",
        key=key,
        count=counted(found.count, "run"),
        figures="" if metric is None else _figures(found, metric, best),
        toggle=replace(asked, open=others if is_open else (*others, key)[-MOST_OPEN:], after="").address(),
        is_open=is_open,
        runs=page.runs,
        next=replace(asked, open=(key,), after=page.next).address() if page.next else "",
        first=replace(asked, open=(key,), after="").address() if is_later else "",
    )


def _key(value: str | None) -> str:
    """Of a group in an address: long values by their digests."""
    if value is None:
        return "-"
    if len(value) <= _LONGEST:
        return f"={value}"
    return f"#{hashlib.sha256(value.encode()).hexdigest()[:32]}"


def _cut(value: str) -> str:
    return value if len(value) <= _LONGEST else f"{value[: _LONGEST - 1]}…"


def _figures(found: FoundGroup, metric: Shown, best: str) -> str:
    value = found.greatest if best == "greatest" else found.least
    if value is None:
        return f"no {metric.title}"
    mean = "" if found.mean is None else f", mean {words.number(found.mean)}"
    return f"{metric.title}: best {words.number(value)}{mean}"


def _best(asked: Asked, metric: Shown) -> str:
    """As the table is sorted by it; else as its name lets one expect."""
    if asked.sort.lstrip("-") == metric.field:
        return "greatest" if asked.sort.startswith("-") else "least"
    return "greatest" if _LARGER.search(metric.name) and not _SMALLER.search(metric.name) else "least"


def compared_by(sort: str, shown: Sequence[Shown]) -> Shown | None:
    """The metric that the table is sorted by, else the first that it shows."""
    metrics = [each for each in shown if each.of == "metrics"]
    return next((each for each in metrics if each.field == sort.lstrip("-")), metrics[0] if metrics else None)
