"""get_metrics as JSON: the same in pieces as in one."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from faena.tracking import long_metrics
from faena.tracking.long_metrics import LONG, Long
from tests.examples import long_form
from tests.tracking.frames import event, name, number
from tests.tracking.workspace import RUN, TrackedWorkspace, spool

VALUES = [0.1 * place for place in range(LONG + 5)]


def answered(workspace: TrackedWorkspace) -> tuple[Any, int]:
    """(what is answered, metrics that were sent a chunk at a time)."""
    made = workspace.read(
        lambda read: long_metrics.pieces(read, workspace.objects, RUN, None, "script", lambda found: found)
    )
    sent = b"".join(long_metrics.sent(workspace.database, workspace.objects, made))
    return json.loads(sent), sum(isinstance(piece, Long) for piece in made)


@pytest.mark.parametrize("sealed", [False, long_form(True)])
def test_long_and_short_ones_side_by_side(workspace: TrackedWorkspace, sealed: bool) -> None:
    odd = [number(math.nan, time=9), number(2**60 + 1, time=9), number(-math.inf, time=9)]
    workspace.send(spool(), name(0, "long"), name(1, 'sho"rt'), number(1.5, 1), *odd)
    workspace.send(spool(), *(number(value, time=10 + place) for place, value in enumerate(VALUES)))
    if sealed:
        workspace.seal()
    found, long = answered(workspace)
    assert long == 1
    assert repr(found) == repr(workspace.metrics())
    assert len(found["long"]) == len(VALUES) + 3


def test_the_order_of_time_where_two_processes_log(workspace: TrackedWorkspace) -> None:
    half = len(VALUES) // 2
    logged = [number(value, time=place) for place, value in enumerate(VALUES)]
    workspace.send(spool("1-aa"), name(0, "long"), *logged[half:])
    workspace.send(spool("2-bb"), name(0, "long"), *logged[:half])
    assert answered(workspace) == ({"long": VALUES}, 0)


@pytest.mark.long
def test_a_long_one_with_text_and_one_of_rows(workspace: TrackedWorkspace) -> None:
    workspace.send(spool(), name(0, "long"), *(number(value, time=1) for value in VALUES))
    workspace.send(spool(), event("scalar", name="long", value="text", time=2))
    columns = {"a": list(range(30_000)), "b": []}
    workspace.send(spool(), event("table", name="table", columns=columns, time=3))
    found, long = answered(workspace)
    assert (found, long) == (workspace.metrics(), 0)
    assert found["long"][-1] == "text"


def test_nothing_logged(workspace: TrackedWorkspace) -> None:
    assert answered(workspace) == ({}, 0)
