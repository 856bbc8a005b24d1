"""Disks that fill, and a bucket that takes nothing more, while clients work."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from faena.testing import s3
from faena.testing.kills.evidence import after
from faena.testing.waiting import until
from tests.faults.full_disk import Ballast, mounted
from tests.team import days
from tests.team.ground import Team, team

FULL_S = 5.0
_OF_WORKSPACE, _OF_DATABASE = "150m", "250m"


@contextmanager
def _workspace(folder: Path) -> Iterator[tuple[Team, days.Weather]]:
    folder.mkdir(parents=True)
    with mounted(folder / "team", _OF_WORKSPACE) as disk, team(folder) as made:
        yield made, lambda _, seconds: _fill(disk, seconds)


@contextmanager
def _database(folder: Path) -> Iterator[tuple[Team, days.Weather]]:
    """PostgreSQL may end where its log has no room, and is started again once there is some."""

    def happen(made: Team, seconds: float) -> None:
        _fill(place / "disk", seconds)
        if not made.servers.primary.lives:
            made.servers.primary.start()

    with tempfile.TemporaryDirectory(prefix="faena-pg-", dir="/tmp") as name:
        place = Path(name)
        place.chmod(0o755)  # PostgreSQL runs as nobody
        with mounted(place / "disk", _OF_DATABASE) as disk, team(folder, place_of_database=disk) as made:
            yield made, happen


_Place = Callable[[Path], AbstractContextManager[tuple[Team, days.Weather]]]


def _bucket(status: int) -> _Place:
    @contextmanager
    def made(folder: Path) -> Iterator[tuple[Team, days.Weather]]:
        def happen(_: Team, seconds: float) -> None:
            way.spoil = lambda verb, _: status if verb in ("PUT", "POST") else 0
            until(after(seconds), "it was full for a while", seconds=seconds + 60)
            way.spoil = lambda verb, path: 0

        with s3.running(folder / "s3") as server, s3.way_to(server) as way:
            address = server.address.replace(server.endpoint, way.endpoint)
            with team(folder, objects=address) as found:
                yield found, happen

    return made


PLACES: dict[str, _Place] = {
    "the workspace's disk is full": _workspace,
    "PostgreSQL's disk is full": _database,
    "the bucket is full (507)": _bucket(507),
    "the bucket refuses (403)": _bucket(403),
}


def filled(folder: Path, what: str) -> days.Row:
    """What our client is told meanwhile is no fault: it says what is full."""
    with PLACES[what](folder) as (made, weather):
        return days.endured(made, what, weather, FULL_S, 0)


def _fill(disk: Path, seconds: float) -> None:
    ballast = Ballast(disk / "ballast")
    try:
        over = after(seconds)

        def grow() -> bool:
            ballast.grow()
            return over()

        until(grow, "the disk was full for a while", seconds=seconds + 60)
    finally:
        ballast.drop()
