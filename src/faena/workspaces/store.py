"""SQL of experiments, and the table of saved views, whose SQL is in `view_store`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from faena.db import BigInteger, Integer, Read, String, Text, Write, metadata, partial_index, upsert
from faena.db.hiding import ASKER
from faena.db.prepared import Prepared
from faena.db.schema import OF_PLACE
from faena.kernel.clock import Micros
from faena.kernel.errors import WorkspaceException
from faena.workspaces import visibility
from faena.workspaces.schemas import LOCATION_TAG, ExperimentView

PRIVATE: sa.ColumnElement[bool] = sa.literal_column("private_at IS NOT NULL")

experiments = sa.Table(
    "experiments",
    metadata,
    sa.Column("name", String(255), primary_key=True),
    sa.Column("created_at", BigInteger, nullable=False),
    sa.Column("runs", Integer, nullable=False, default=0),  # numbers given so far
    sa.Column("served", BigInteger, nullable=False, default=0),  # when it last had its turn
    sa.Column("archived_at", BigInteger),
    sa.Column("tags", sa.LargeBinary),  # a JSON object; null: none
    sa.Column("id", Integer, nullable=False, unique=True),
    sa.Column("changed_at", BigInteger),
    sa.Column("owner", String(64)),
    sa.Column("private_at", BigInteger),
    partial_index("private_experiments", "id", where=PRIVATE),
)
"""`id`: for clients that know experiments by numbers, MLflow's among them; 0 is `DEFAULT`'s. `changed_at`: its name,
its tags or whether it is archived; null: never. `owner`: the person who made it; null: somebody of the server's
host. `private_at`: since when they keep it to themselves; null: it is there for all.
"""

SMALL = 2**31 - 1
"""Numbers that are given here are less; those that MLflow's file stores gave have 18 digits, which SQLite can keep."""

DEFAULT = "Default"
"""The experiment of runs that name none; of our own words each run names one."""

views = sa.Table(
    "saved_views",
    metadata,
    sa.Column("id", Integer, primary_key=True),
    sa.Column("page", String(20), nullable=False),
    sa.Column("name", String(120), nullable=False),
    sa.Column("query", Text, nullable=False),
    sa.Column("changed_at", BigInteger, nullable=False),
    sa.UniqueConstraint("page", "name"),
)
"""`page`: what the address is of, `runs` or `compare`; `query`: what stands behind its question mark."""

claims = sa.Table("workspace_claims", metadata, sa.Column("id", String(64), primary_key=True), info=OF_PLACE)
"""The id of the workspace whose database this is, where it does not lie in its folder."""


def claim_database(write: Write, workspace: str) -> None:
    """Raises WorkspaceException where the database is another workspace's."""
    owner = write.execute(sa.select(claims.c.id)).scalar()
    if owner is None:
        write.execute(claims.insert().values(id=workspace))
    elif owner != workspace:
        raise WorkspaceException(
            f"The database is that of another workspace ({owner}), not of this one ({workspace}). Give each workspace "
            "a database of its own."
        )


def create_experiment(write: Write, name: str, now: Micros, number: int | None = None) -> None:
    """Idempotent. `number`: one that nobody has; None: the next one.

    Raises Conflict where there is one that somebody else keeps to themselves.
    """
    if write.execute(_ID, {"of": name}).first() is not None:
        visibility.ask_for_new_run(write, name)
        return
    if number is None:
        number = 0 if name == DEFAULT else int(write.execute(_NEXT_ID).scalar())
    made = {"name": name, "created_at": now, "runs": 0, "served": 0, "id": number}
    if (asker := ASKER.get()) is not None and name != DEFAULT:  # which is everybody's, whoever comes first
        made["owner"] = asker.person
    upsert(write, experiments, made)


_ID = Prepared(sa.select(experiments.c.id).where(experiments.c.name == sa.bindparam("of")))
_BY_NAME = Prepared(experiments.select().where(experiments.c.name == sa.bindparam("of")))
_BY_NUMBER = Prepared(experiments.select().where(experiments.c.id == sa.bindparam("number")))
_NEXT_ID = Prepared(
    sa.select(sa.func.coalesce(sa.func.max(experiments.c.id), 0) + 1).where(
        experiments.c.id < sa.literal_column(str(SMALL))
    )
)


_NEXT_NUMBER = Prepared(
    experiments.update()
    .where(experiments.c.name == sa.bindparam("of"))
    .values(runs=experiments.c.runs + 1)
    .returning(experiments.c.runs)
)


def next_run_number(write: Write, experiment: str) -> int:
    """1 for the first run of an experiment, and so on without holes. Raises as `number_of_new_run`."""
    visibility.ask_for_new_run(write, experiment)
    return int(write.execute(_NEXT_NUMBER, {"of": experiment}).scalar())


def number_of_new_run(write: Write, experiment: str, now: Micros) -> int:
    """The same, of one that may have to be made. Raises Conflict, NotAllowed where it is not for whoever asks."""
    visibility.ask_for_new_run(write, experiment)
    number = write.execute(_NEXT_NUMBER, {"of": experiment}).scalar()
    if number is not None:
        return int(number)
    create_experiment(write, experiment, now)
    return next_run_number(write, experiment)


def mark_served(write: Write, in_turn: Sequence[str]) -> None:
    """These experiments had their turns, one after the other. `served` is when each last had it: a growing number."""
    if not in_turn:
        return
    latest = int(write.execute(_LATEST_SERVED).scalar() or 0)
    at = {name: latest + place for place, name in enumerate(in_turn, 1)}
    rows = [{"experiment": name, "turn": turn} for name, turn in at.items()]
    write.execute(_SERVED, rows)


_LATEST_SERVED = Prepared(sa.select(sa.func.max(experiments.c.served)))
_SERVED = Prepared(
    experiments.update()
    .where(experiments.c.name == sa.bindparam("experiment"))
    .values(served=sa.bindparam("turn"))
)


def archive_experiment(write: Write, name: str, at: Micros | None) -> None:
    """None: show it again."""
    write.execute(experiments.update().where(experiments.c.name == name).values(archived_at=at))


def set_tags(write: Write, name: str, tags: Mapping[str, str]) -> None:
    """In the place of those that it has."""
    kept = msgspec.json.encode(tags) if tags else None
    write.execute(experiments.update().where(experiments.c.name == name).values(tags=kept))


def delete_experiment(write: Write, name: str) -> None:
    write.execute(experiments.delete().where(experiments.c.name == name))


def get_experiment(read: Read, name: str) -> ExperimentView | None:
    return ask_experiment(read, name)()


def ask_experiment(read: Read, name: str) -> Callable[[], ExperimentView | None]:
    """To be read later: see `Read.ask`."""
    found = read.ask(_BY_NAME, {"of": name})

    def asked() -> ExperimentView | None:
        row = found.first()
        return None if row is None or not visibility.is_there(read, row.name) else _view(row)

    return asked


def experiment_by_id(read: Read, number: int) -> ExperimentView | None:
    row = read.execute(_BY_NUMBER, {"number": number}).first()
    return None if row is None or not visibility.is_there(read, row.name) else _view(row)


def find_experiments(
    read: Read,
    where: Sequence[sa.ColumnElement[bool]],
    order: Sequence[sa.ColumnElement[Any]],
    first: int,
    most: int,
) -> list[ExperimentView]:
    """So many at most behind the `first` ones."""
    statement = experiments.select().where(*where).order_by(*order).offset(first).limit(most)
    return [_view(row) for row in read.execute(statement)]


def mark_changed(write: Write, name: str, now: Micros) -> None:
    write.execute(experiments.update().where(experiments.c.name == name).values(changed_at=now))


def copy_as(write: Write, name: str, new_name: str, now: Micros) -> None:
    """The same under another name. Until the first one is deleted it has the number of nobody."""
    row = write.execute(experiments.select().where(experiments.c.name == name)).one()
    freed = experiments.update().where(experiments.c.name == name).values(id=-1 - row.id)
    write.execute(freed)
    write.execute(experiments.insert().values({**row._mapping, "name": new_name, "changed_at": now}))


def list_experiments(read: Read) -> list[ExperimentView]:
    """By name."""
    return [_view(row) for row in read.execute(experiments.select().order_by(experiments.c.name))]


def locations(read: Read) -> dict[str, str]:
    """Where the files of experiments are that lie nowhere here, by their names."""
    tagged = experiments.select().where(experiments.c.tags.is_not(None)).order_by(experiments.c.name)
    views = [_view(row) for row in read.execute(tagged)]
    return {each.name: each.tags[LOCATION_TAG] for each in views if LOCATION_TAG in each.tags}


def _view(row: Any) -> ExperimentView:
    tags = {} if row.tags is None else msgspec.json.decode(row.tags, type=dict[str, str])
    return ExperimentView(row.name, row.created_at, row.runs, row.archived_at, tags, row.id, row.changed_at)
