"""All numbers of a metric, while others are logged."""

from __future__ import annotations

import numpy as np
import pytest

from faena.tracking import stream
from tests.databases import on_sqlite_alone
from tests.tracking.frames import event, name, number
from tests.tracking.workspace import RUN, TrackedWorkspace, spool


def values(frames: list[bytes]) -> list[float]:
    found: list[float] = []
    for frame in frames:
        count = int.from_bytes(frame[:4], "little")
        found += np.frombuffer(frame, "<f8", count, 4 + 16 * count).tolist()
    return found


def test_a_tail_that_becomes_a_chunk_meanwhile_is_neither_lost_nor_doubled(
    workspace: TrackedWorkspace,
) -> None:
    logged = [number(float(place), 1, time=place) for place in range(9000)]
    workspace.send(spool(), name(0, "other"), name(1, "mine"), number(-1.0, 0), *logged[:5000])
    frames = stream.frames(workspace.database, workspace.objects, RUN, "mine")
    # the rows of the tail go, and their numbers are given to rows of another metric
    workspace.send(spool(), number(-2.0, 0), *logged[5000:])
    assert values(list(frames)) == [float(place) for place in range(5000)]


@pytest.mark.long
@on_sqlite_alone
def test_a_seal_in_between_changes_nothing(workspace: TrackedWorkspace) -> None:
    workspace.send(spool(), name(0, "mine"), event("scalar", name="mine", value="text"))
    for first in range(0, 600_000, 100_000):
        workspace.send(
            spool(), *(number(float(place), time=place) for place in range(first, first + 100_000))
        )
    frames = stream.frames(workspace.database, workspace.objects, RUN, "mine")
    begun = [next(frames) for _ in range(3)]
    workspace.seal()
    assert values([*begun, *frames]) == [float(place) for place in range(600_000)]
