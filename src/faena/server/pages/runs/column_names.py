"""Names of what runs have, for whoever chooses columns: some of the first, and those that begin with what was typed."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from faena.db import Read
from faena.db.prepared import Prepared
from faena.runs import record_store
from faena.server.pages.runs.columns import quoted
from faena.tracking.store.metrics import series

_RUN = ("experiment", "status", "created", "started", "ended", "duration", "user", "target", "number", "type")
_RUN_TOO = ("id", "reason", "parent", "git.branch", "git.commit")
_STEPS = 1_000
"""Names that are looked at from the first on, each found by one step in an index."""
_NEAR = 100
MOST = 200


def _next(column: sa.ColumnElement[str]) -> Prepared:
    return Prepared(sa.select(sa.func.min(column)).where(column > sa.bindparam("last")))


_NAMES = {
    "metrics": _next(series.c.name),
    "parameters": _next(record_store.parameters.c.name),
    "tags": _next(record_store.tags.c.key),
}


def fields(read: Read, text: str) -> list[str]:
    """As the filter language writes them; what has the text somewhere in its name."""
    wanted = text.lower()
    found = [name for name in (*_RUN, *_RUN_TOO) if wanted in name]
    for kind, statement in _NAMES.items():
        known = dict.fromkeys(_walk(read, statement, "", _STEPS))
        if len(known) == _STEPS and text:
            known |= dict.fromkeys(_walk(read, statement, text, _NEAR))
        found += [quoted(kind, name) for name in known if wanted in name.lower() or wanted in kind]
    return found[:MOST]


def _walk(read: Read, statement: Prepared, last: str, most: int) -> Iterator[str]:
    for _ in range(most):
        name = read.execute(statement, {"last": last}).scalar()
        if name is None:
            return
        last = str(name)
        yield last
