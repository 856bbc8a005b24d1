"""SQL of the queues: found by a partial index of the rows that wait, a step each, however long the queues are."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from faena.compute import store as compute
from faena.compute.waiting import Gpu
from faena.db.prepared import Prepared
from faena.runs.store import QUEUED, RESERVED, UNPREPARED, runs
from faena.workspaces.store import experiments

in_cluster: sa.BindParameter[str] = sa.bindparam("in_cluster")
_most: sa.BindParameter[int] = sa.bindparam("most")
_LIGHT = (runs.c.id, runs.c.experiment, runs.c.node_count, runs.c.queued_at, runs.c.gpu, runs.c.user)


def _first(column: sa.ColumnElement[str], *conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[Any]:
    """The least of those that queue: a step through the index."""
    return sa.select(sa.func.min(column)).where(QUEUED, *conditions).correlate_except(runs).scalar_subquery()


def _people() -> sa.CTE:
    """Each cluster, kind and person of whom something queues: a step through the index each."""
    kinds = sa.union_all(*(sa.select(sa.literal_column(f"'{kind}'").label("gpu")) for kind in Gpu)).subquery()
    names = compute.clusters.c.name
    of_kind = (runs.c.cluster == names, runs.c.gpu == kinds.c.gpu)
    found = (
        sa.select(names.label("cluster"), kinds.c.gpu, _first(runs.c.user, *of_kind).label("user"))
        .join_from(compute.clusters, kinds, sa.true())
        .cte("people_who_wait", recursive=True)
    )
    place = (runs.c.cluster == found.c.cluster, runs.c.gpu == found.c.gpu)
    following = _first(runs.c.user, *place, runs.c.user > found.c.user)
    return found.union_all(
        sa.select(found.c.cluster, found.c.gpu, following).where(found.c.user.is_not(None))
    )


def _lines() -> sa.CTE:
    """The same of each of their experiments."""
    people = _people()
    of_person = (
        runs.c.cluster == people.c.cluster,
        runs.c.gpu == people.c.gpu,
        runs.c.user == people.c.user,
    )
    found = (
        sa.select(
            people.c.cluster,
            people.c.gpu,
            people.c.user,
            _first(runs.c.experiment, *of_person).label("experiment"),
        )
        .where(people.c.user.is_not(None))
        .cte("lines", recursive=True)
    )
    place = (runs.c.cluster == found.c.cluster, runs.c.gpu == found.c.gpu, runs.c.user == found.c.user)
    following = _first(runs.c.experiment, *place, runs.c.experiment > found.c.experiment)
    return found.union_all(
        sa.select(found.c.cluster, found.c.gpu, found.c.user, following).where(
            found.c.experiment.is_not(None)
        )
    )


def _heads() -> sa.Select[Any]:
    lines = _lines()

    def head(column: sa.ColumnElement[Any]) -> sa.ScalarSelect[Any]:
        mine = (
            runs.c.cluster == lines.c.cluster,
            runs.c.gpu == lines.c.gpu,
            runs.c.user == lines.c.user,
            runs.c.experiment == lines.c.experiment,
        )
        found = sa.select(column).where(QUEUED, *mine).order_by(runs.c.queued_at, runs.c.id).limit(1)
        return found.correlate(lines).scalar_subquery()

    columns = [head(column).label(column.name) for column in (runs.c.id, runs.c.node_count, runs.c.queued_at)]
    return sa.select(
        *(lines.c[name] for name in ("cluster", "gpu", "user", "experiment")), experiments.c.served, *columns
    ).join_from(lines, experiments, experiments.c.name == lines.c.experiment)


HEADS = Prepared(_heads())
AFTER = Prepared(
    sa.select(*_LIGHT)
    .where(
        QUEUED,
        runs.c.cluster == in_cluster,
        runs.c.gpu == sa.bindparam("kind"),
        runs.c.user == sa.bindparam("of_user"),
        runs.c.experiment == sa.bindparam("of_experiment"),
        sa.tuple_(runs.c.queued_at, runs.c.id) > sa.tuple_(sa.bindparam("at"), sa.bindparam("after")),
    )
    .order_by(runs.c.queued_at, runs.c.id)
    .limit(_most)
)
HOLD_RESERVATIONS = Prepared(sa.select(runs.c.cluster, *_LIGHT).where(RESERVED, QUEUED))


def _nodes_of(*conditions: Any) -> sa.ScalarSelect[Any]:
    some = (
        sa.select(runs.c.node_count).where(*conditions, runs.c.cluster == in_cluster).limit(_most).subquery()
    )
    return sa.select(sa.func.coalesce(sa.func.sum(some.c.node_count), 0)).scalar_subquery()


WANTED = Prepared(
    sa.select(
        _nodes_of(QUEUED, runs.c.gpu == sa.literal_column("'none'")).label("none"),
        _nodes_of(QUEUED, runs.c.gpu == sa.literal_column("'auto'")).label("auto"),
        _nodes_of(UNPREPARED).label("unprepared"),
        _nodes_of(QUEUED, runs.c.gpu == sa.literal_column("'require'")).label("required"),
    )
)

NODES_OF_LINE = Prepared(
    sa.select(
        _nodes_of(
            QUEUED,
            runs.c.gpu == sa.bindparam("kind"),
            runs.c.user == sa.bindparam("of_user"),
            runs.c.experiment == sa.bindparam("of_experiment"),
        )
    )
)
_SOME_UNPREPARED = (
    sa.select(runs.c.user, runs.c.experiment, runs.c.node_count)
    .where(UNPREPARED, runs.c.cluster == in_cluster)
    .limit(_most)
    .subquery()
)
UNPREPARED_BY_LINE = Prepared(
    sa.select(
        _SOME_UNPREPARED.c.user,
        _SOME_UNPREPARED.c.experiment,
        sa.func.sum(_SOME_UNPREPARED.c.node_count).label("nodes"),
    ).group_by(_SOME_UNPREPARED.c.user, _SOME_UNPREPARED.c.experiment)
)
SIZES = Prepared(
    sa.select(runs.c.node_count, runs.c.user, runs.c.experiment)
    .where(sa.or_(QUEUED, UNPREPARED), runs.c.cluster == in_cluster)
    .order_by(runs.c.queued_at.is_(None), runs.c.queued_at, runs.c.id)
    .limit(_most)
)


ANY = Prepared(sa.select(runs.c.id).where(QUEUED).limit(1))
