"""Finds traces: of an experiment, of a run, by their status or by a text in them; the latest first."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from faena.db import Read
from faena.kernel.errors import NotFound, UserErrorException
from faena.kernel.nearest import nearest
from faena.traces import service, store
from faena.traces.conventions import NAME
from faena.traces.model import Trace, TraceStatus
from faena.traces.store import labels, links, traces
from faena.workspaces import store as workspaces


class Wanted(Struct, frozen=True):
    """What is None does not filter."""

    experiment: str | None = None
    run: str | None = None
    """The run in which they were made, or to which they were put."""
    status: str | None = None
    text: str | None = None
    """In its name, or in the beginnings of what was asked and answered."""


def find(read: Read, wanted: Wanted, limit: int, *, after: str | None = None, start: int = 0) -> list[Trace]:
    """So many at most behind the trace `after`, or behind the `start` first ones.

    Raises NotFound for an experiment or a trace that is not there, UserErrorException for no status.
    """
    where = conditions(read, wanted)
    if after is not None:
        last = service.get(read, after)
        began, name = traces.c.began_at, traces.c.id
        where.append((began < last.began_at) | ((began == last.began_at) & (name > last.id)))
    return store.find(read, where, [traces.c.began_at.desc(), traces.c.id], start, limit)


def count(read: Read, wanted: Wanted) -> int:
    query = sa.select(sa.func.count()).select_from(traces).where(*conditions(read, wanted))
    return int(read.execute(query).scalar() or 0)


def is_any(read: Read, wanted: Wanted) -> bool:
    query = sa.select(traces.c.id).where(*conditions(read, wanted)).limit(1)
    return read.execute(query).first() is not None


def conditions(read: Read, wanted: Wanted) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = [store.is_there()]
    if wanted.experiment is not None:
        found.append(traces.c.experiment_id == _number(read, wanted.experiment))
    if wanted.run is not None:
        put = sa.select(links.c.trace_id).where(links.c.run_id == wanted.run)
        found.append((traces.c.run_id == wanted.run) | traces.c.id.in_(put))
    if wanted.status is not None:
        found.append(traces.c.status == _status(wanted.status).value)
    if wanted.text:
        found.append(_having(wanted.text))
    return found


def _having(text: str) -> sa.ColumnElement[bool]:
    is_name = (labels.c.kind == store.TAG) & (labels.c.key == NAME)
    named = sa.select(labels.c.trace_id).where(is_name, _contains(labels.c.value, text))
    columns: tuple[sa.ColumnElement[Any], ...] = (traces.c.request, traces.c.response)
    return sa.or_(traces.c.id.in_(named), *(_contains(column, text) for column in columns))


def _contains(column: sa.ColumnElement[Any], text: str) -> sa.ColumnElement[bool]:
    return sa.func.lower(column).contains(text.lower(), autoescape=True)


def _status(given: str) -> TraceStatus:
    try:
        return TraceStatus(given.strip().lower())
    except ValueError:
        known = ", ".join(repr(each.value) for each in TraceStatus)
        raise UserErrorException(f"{given[:80]!r} is no status of a trace. Use one of {known}.") from None


def _number(read: Read, name: str) -> int:
    found = workspaces.get_experiment(read, name)
    if found is not None:
        return found.id or 0
    near = nearest(name, [each.name for each in workspaces.list_experiments(read)])
    hint = f" There is {' and '.join(map(repr, near))}." if near else ""
    raise NotFound(f"There is no experiment {name[:80]!r}.{hint} `faena runs` shows those that there are.")
