"""What happens to a team's server while its clients work on, and a row of a table for each."""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from faena.testing.waiting import until
from tests.team.ground import Place, Team
from tests.team.running import Runs
from tests.team.true_client import VARIABLE, TrueClient
from tests.team.work import Files, Points, Versions, Worker, working

_NUMBER = re.compile(r"\d+(\.\d+)? s\b")
BEFORE_S, AFTER_S = 3.0, 3.0
"""Seconds for which clients work before it happens, and after."""
HEAD = "what happens                       for s  points  files  vers.  runs  MLflow longest s  told wrong"

Weather = Callable[[Team, float], None]


@dataclass
class Row:
    what: str
    seconds: float
    counts: dict[str, int] = field(default_factory=dict)
    longest: float = 0.0
    told: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        numbers = [self.counts.get(kind, 0) for kind in ("points", "files", "versions", "runs", "MLflow")]
        widths = (7, 6, 6, 5, 7)
        shown = " ".join(f"{number:>{width}}" for number, width in zip(numbers, widths, strict=True))
        return (
            f"{self.what:<34} {self.seconds:>5g} {shown} {self.longest:>9.1f} {len(self.told):>5} "
            f"{len(self.wrong):>5}"
        )


def _leader(team: Team) -> Place:
    found = until(lambda: team.leader, "one leads", seconds=60)
    assert found is not None
    return found


def _wait(seconds: float) -> None:
    time.sleep(seconds)  # what is tried is how long it takes


def one_away(number: signal.Signals, *, leads: bool) -> Weather:
    def happen(team: Team, seconds: float) -> None:
        leader = _leader(team)
        place = leader if leads else next(each for each in team.places if each is not leader)
        place.stop(number, again=not seconds)
        _wait(seconds)
        place.start()

    return happen


def all_away(number: signal.Signals) -> Weather:
    def happen(team: Team, seconds: float) -> None:
        for place in team.places:
            place.stop(number, again=not seconds)
        _wait(seconds)
        for place in team.places:
            place.start()

    return happen


def database_away(team: Team, seconds: float) -> None:
    """As for a new setting of it."""
    team.servers.primary.stop()
    _wait(seconds)
    team.servers.primary.start()


def database_killed(team: Team, seconds: float) -> None:
    team.servers.primary.kill()
    _wait(seconds)
    team.servers.primary.start()


def replica_takes_its_place(team: Team, seconds: float) -> None:
    team.servers.primary.kill()
    _wait(seconds)
    team.servers.replica.promote()


def bucket_killed(team: Team, seconds: float) -> None:
    assert team.bucket is not None
    team.bucket.kill()
    _wait(seconds)
    team.bucket.start()


WEATHERS: dict[str, Weather] = {
    "the leader is told to leave": one_away(signal.SIGTERM, leads=True),
    "the leader is killed": one_away(signal.SIGKILL, leads=True),
    "the other is killed": one_away(signal.SIGKILL, leads=False),
    "both are told to leave": all_away(signal.SIGTERM),
    "both are killed": all_away(signal.SIGKILL),
    "PostgreSQL is stopped": database_away,
    "PostgreSQL is killed": database_killed,
    "the bucket's server is killed": bucket_killed,
}


def crew(team: Team, who: int) -> list[Worker]:
    found: list[Worker] = [Points(team, who), Files(team, who), Versions(team, who), Runs(team, who)]
    return [*found, TrueClient(team, who)] if VARIABLE in os.environ else found


def endured(team: Team, what: str, weather: Weather, seconds: float, who: int) -> Row:
    """`who`: a number that no other row of the team has."""
    row = Row(what, seconds)
    workers = crew(team, who)
    with working(workers):
        for worker in workers:
            until(lambda: _begun(worker), f"{worker.kind} has begun", seconds=180)  # noqa: B023  at once
        _wait(BEFORE_S)
        weather(team, seconds)
        before = {worker: worker.acknowledged for worker in workers if worker.kind in ("points", "files")}
        _wait(AFTER_S)
        for worker, done in before.items():
            until(lambda: worker.acknowledged > done, f"{worker.kind} go on", seconds=120)  # noqa: B023  at once
    for worker in workers:
        row.counts[worker.kind] = worker.acknowledged
        row.longest = max(row.longest, worker.longest) if worker.kind != "runs" else row.longest
        row.told += worker.told
        row.wrong += worker.found()
        worker.close()
    return row


def _begun(worker: Worker) -> bool:
    if isinstance(worker, TrueClient):
        return worker.begun()
    return worker.acknowledged > 0 or worker.kind == "runs"


def render(rows: Sequence[Row]) -> str:
    lines = [HEAD, *map(str, rows)]
    for row in rows:
        told = Counter(_NUMBER.sub("…", text) for text in row.told)
        lines += [
            f"TOLD {row.what} ({row.seconds:g} s), {times} times: {text}" for text, times in told.items()
        ]
        lines += [f"WRONG {row.what} ({row.seconds:g} s): {text}" for text in row.wrong]
    return "\n".join(lines)
