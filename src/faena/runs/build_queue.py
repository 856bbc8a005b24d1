"""What waits for environments that are being made, by the builds that make them; read out of an index."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from faena.db import Read
from faena.db.prepared import Prepared
from faena.runs.store import UNPREPARED, runs


def unprepared(read: Read, cluster: str, most: int) -> tuple[list[str], int]:
    """Runs whose environment is being made: the ids of the oldest, and how many there are."""
    mine = sa.select(runs.c.id).where(UNPREPARED, runs.c.cluster == cluster)
    # a sum, which no index of all runs is in the order of: where none waits, all of them would be looked at
    oldest = mine.order_by(runs.c.created_at + 0, runs.c.id).limit(most)
    count = sa.select(sa.func.count()).select_from(mine.subquery())
    return list(read.execute(oldest).scalars()), int(read.execute(count).scalar_one())


_BUILDS = sa.select(sa.func.min(runs.c.build).label("build")).where(UNPREPARED).cte("builds", recursive=True)
_BUILDS = _BUILDS.union_all(
    sa.select(
        sa.select(sa.func.min(runs.c.build))
        .where(UNPREPARED, runs.c.build > _BUILDS.c.build)
        .correlate_except(runs)
        .scalar_subquery()
    ).where(_BUILDS.c.build.is_not(None))
)
_ALL_BUILDS = Prepared(sa.select(_BUILDS.c.build))
_UNSORTED = Prepared(
    sa.select(runs.c.id).where(UNPREPARED, runs.c.build.is_(None)).limit(sa.bindparam("most"))
)
_FOR_BUILD = (
    sa.select(runs.c.id)
    .where(UNPREPARED, runs.c.build == sa.bindparam("of_build"))
    .order_by(runs.c.created_at, runs.c.id)
)


def builds(read: Read) -> list[str]:
    """The builds that runs wait for: a step through the index each, however many those are."""
    return [row.build for row in read.execute(_ALL_BUILDS) if row.build is not None]


def without_build(read: Read, most: int) -> list[str]:
    """Runs whose environment is being made and of which nobody has found out yet which build that is."""
    return read.execute(_UNSORTED, {"most": most}).scalars()


def for_build(read: Read, build: str, most: int) -> list[str]:
    """The runs that have waited longest for a build."""
    return list(read.execute(_FOR_BUILD.limit(most), {"of_build": build}).scalars())


def among(read: Read, build: str, run_ids: Sequence[str]) -> list[str]:
    """Those of these runs that wait for a build."""
    statement = _FOR_BUILD.where(runs.c.id.in_(run_ids))
    return list(read.execute(statement, {"of_build": build}).scalars())
