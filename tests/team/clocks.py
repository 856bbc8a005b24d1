"""Clocks that are off by an hour: of one process, of all, of the database.

Objects are in the folder: S3 refuses whoever is off by a quarter of an hour, and a server says so when it starts.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from faena.people.schemas import TokenIn
from faena.testing.waiting import until
from tests.node.joined.clocks import clock
from tests.people.shared import Caller
from tests.team import days
from tests.team.ground import Team, team

OFF_S = 3600
_NEAR_S = 60
"""Seconds by which a time may be off where nothing but work was in between."""

WHOSE = {
    "one process is an hour ahead": (0, OFF_S, 0),
    "one process is an hour behind": (0, -OFF_S, 0),
    "all processes are an hour ahead": (OFF_S, OFF_S, 0),
    "PostgreSQL is an hour ahead": (0, 0, OFF_S),
}
"""By how much the clocks of both processes are off, and that of the database."""


def off(folder: Path, whose: str) -> days.Row:
    """The leader is killed while clients work; times of all that they made are in the order in which it was made."""
    shift = WHOSE[whose][2]
    with ExitStack() as stack:
        *processes, database = (stack.enter_context(_variables(off)) for off in WHOSE[whose])
        began = time.time()
        made = stack.enter_context(team(folder, more=tuple(processes), objects="", of_database=database))
        row = days.endured(made, whose, days.WEATHERS["the leader is killed"], 0.0, 0)
        row.wrong += [*_times(made, began + shift, shift), *_tokens(made)]
    return row


@contextmanager
def _variables(off: int) -> Iterator[Mapping[str, str]]:
    """Of a process whose clock is off; its files may be read by whoever PostgreSQL runs as."""
    with tempfile.TemporaryDirectory(prefix="faena-clock-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield clock(Path(folder), off) if off else {}


def _times(made: Team, began: float, shift: float) -> list[str]:
    """Of runs and versions, by the clock that all have."""
    wrong: list[str] = []
    ended = time.time() + shift
    workspace = made.connect()
    rows = sorted(workspace.api.listed(experiment="runs-0"), key=lambda row: row.number)
    for row in rows:
        view = workspace.get_run(row.id).refresh()
        times = [view.created_at, view.started_at or 0, view.ended_at or 0]
        seconds = [at / 1e6 for at in times]
        if times != sorted(times):
            wrong.append(f"run {row.number} was made, began and ended at {seconds}")
        if not began - _NEAR_S < seconds[0] <= seconds[-1] < ended + _NEAR_S:
            wrong.append(f"run {row.number}: {seconds}, and all was from {began} to {ended}")
    created = [row.created_at for row in rows]
    if created != sorted(created):
        wrong.append("runs were not made in the order of their numbers")
    return wrong


def _tokens(made: Team) -> list[str]:
    """One that is good for a day is good at each process, and one that is revoked at none."""
    wrong: list[str] = []
    callers = [Caller(place.process.url, made.token) for place in made.places if place.process is not None]
    try:
        for maker in callers:
            token = maker.api.people.new_token("ada", TokenIn(days=1))
            asked = [Caller(caller.url, token.token) for caller in callers]
            if (said := [each.ask("GET", "/me").status for each in asked]) != [200, 200]:
                wrong.append(f"a token for a day is answered {said}")
            maker.ask("DELETE", f"/people/ada/tokens/{token.id}")
            until(
                lambda: [each.ask("GET", "/me").status for each in asked] == [401, 401],  # noqa: B023  at once
                "a revoked token is refused",
                seconds=20,
            )
            for each in asked:
                each.close()
    finally:
        for caller in callers:
            caller.close()
    return wrong
