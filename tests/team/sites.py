"""Sites of the kill campaign that two processes serve, on PostgreSQL and a bucket: the server that dies leads."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

from faena.testing import s3
from faena.testing.kills.ground import Case
from faena.testing.postgresql_pair import Pair
from faena.testing.waiting import until
from tests.faults.ground import Site
from tests.team.ground import Team


class SharedSite(Site):
    def __init__(self, folder: Path, links: Path, team: Team) -> None:
        self._team = team
        team.start()
        until(lambda: team.leader, "one leads", seconds=60)
        super().__init__(folder, links=links, project=team.local.files.path.parent)

    def case(self) -> Case:
        """Once both are there again: what is measured is how soon the other leads, not how soon one starts."""
        until(lambda: all(place.answers() for place in self._team.places), "both answer", seconds=120)
        return super().case()

    def close(self) -> None:
        self._team.close()


def opening(servers: Pair, bucket: s3.S3Server) -> Callable[[Path, Path], Site]:
    """Each site has a database and a prefix of its own."""
    numbers = count()

    def opened(folder: Path, links: Path) -> Site:
        name = f"team{next(numbers)}"
        made = Team(folder.parent / name, servers, bucket.address, name=name)
        return SharedSite(folder.parent / "sites" / name, links, made)

    return opened
