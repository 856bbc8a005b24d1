"""What the page of traces shows: a row for each, the latest first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from faena.db import Read
from faena.kernel import durations
from faena.kernel.clock import Micros
from faena.runs import store as runs
from faena.server.pages.addresses import TRACES, trace_address, traces_address
from faena.server.pages.paging import ROWS, Paged
from faena.server.pages.rendering import run_address, with_query
from faena.traces import finding, views
from faena.traces.conventions import told_by_people
from faena.traces.finding import Wanted
from faena.traces.model import TraceStatus
from faena.traces.schemas import AssessmentView, TraceView
from faena.workspaces import store as workspaces

_MOST_TAGS, _MOST_SAID = 6, 4
_LONGEST, _LONGEST_SAID = 160, 40
_CLASSES = {"ok": "Completed", "failed": "Failed", "in progress": "Running"}
"""States of runs that are drawn the same."""


class Row(Struct, frozen=True):
    address: str
    title: str
    status: str
    status_class: str
    began_at: Micros
    took: str
    experiment: str
    experiment_address: str
    run: str
    run_address: str
    request: str
    response: str
    said: list[tuple[str, str]]
    """What was said of it: name and value."""
    more_said: int
    tags: list[tuple[str, str]]
    more_tags: int


class Shown(Struct, frozen=True):
    """Those of a run or an experiment, on a page of something else."""

    rows: list[Row]
    more: bool
    address: str
    """Where all of them are."""


class TraceList(Struct, frozen=True):
    rows: list[Row]
    paged: Paged
    wanted: Wanted
    experiments: list[str]
    statuses: list[str]
    is_empty: bool
    """Whether the workspace has none at all."""


def build(read: Read, wanted: Wanted, start: int) -> TraceList:
    """Raises NotFound and UserErrorException for what names nothing."""
    total = finding.count(read, wanted)
    found = finding.find(read, wanted, ROWS, start=start)
    others = {"experiment": wanted.experiment, "run": wanted.run, "status": wanted.status}
    paged = Paged(
        TRACES,
        total,
        start,
        wanted.text or "",
        others={key: value for key, value in others.items() if value},
    )
    return TraceList(
        rows(read, views.of_many(read, found)),
        paged,
        wanted,
        [each.name for each in workspaces.list_experiments(read)],
        [each.value for each in TraceStatus],
        is_empty=not total and not finding.is_any(read, Wanted()),
    )


def of_run(read: Read, run_id: str, most: int) -> Shown:
    found = finding.find(read, Wanted(run=run_id), most + 1)
    shown = rows(read, views.of_many(read, found[:most]))
    return Shown(shown, len(found) > most, with_query(TRACES, {"run": run_id}))


def rows(read: Read, traces: Sequence[TraceView]) -> list[Row]:
    titles = runs.get_many(read, list({each.run_id for each in traces if each.run_id}))
    found = []
    for each in traces:
        run = titles.get(each.run_id or "")
        tags = list(told_by_people(each.tags).items())
        said = [one for one in each.assessments if one.is_valid]
        found.append(
            Row(
                address=trace_address(each.id),
                title=each.name or each.id,
                status=each.status,
                status_class=status_class(each.status),
                began_at=each.began_at,
                took=took(each.began_at, each.ended_at),
                experiment=each.experiment,
                experiment_address=traces_address(experiment=each.experiment),
                run=(run.name or run.id) if run else each.run_id or "",
                run_address=run_address(each.run_id) if run and each.run_id else "",
                request=short(each.request or "", _LONGEST),
                response=short(each.response or "", _LONGEST),
                said=[(one.name, short(value(one), _LONGEST_SAID)) for one in said[:_MOST_SAID]],
                more_said=max(0, len(said) - _MOST_SAID),
                tags=tags[:_MOST_TAGS],
                more_tags=max(0, len(tags) - _MOST_TAGS),
            )
        )
    return found


def status_class(status: str) -> str:
    return _CLASSES.get(status, "")


def took(began_at: Micros, ended_at: Micros | None) -> str:
    """Nothing for what goes on."""
    return "" if ended_at is None else length((ended_at - began_at) / 1e6)


def length(seconds: float) -> str:
    """`9 ns`, `2.5 µs`, `0.4 ms`, `12 ms`, `1.20 s`: steps are short."""
    if seconds >= 1:
        return durations.shown(seconds)
    if 0 < seconds < 1e-5:
        return f"{seconds * 1e9:.3g} ns" if seconds < 1e-6 else f"{seconds * 1e6:.3g} µs"
    return f"{max(0, seconds) * 1000:.3g} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms"


def value(said: AssessmentView) -> str:
    return plain(said.value) if said.error is None else f"no value: {plain(said.error)}"


def plain(told: Any) -> str:
    """A text as it is, anything else as JSON."""
    return told if isinstance(told, str) else json.dumps(told, ensure_ascii=False)


def short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def pairs(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(told_by_people(labels).items())
