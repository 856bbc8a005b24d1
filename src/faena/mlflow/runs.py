"""Runs in MLflow's words: begun, changed, ended, deleted, found."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import Struct

from faena.db import Read, Write
from faena.mlflow import checks, experiments, found, paging, run_views
from faena.mlflow.errors import MlflowError
from faena.mlflow.filters import runs as filters
from faena.mlflow.requests import ById
from faena.mlflow.services import Services
from faena.mlflow.words import (
    ACTIVE_ONLY,
    ALL,
    NOTE,
    PARENT,
    RUN_NAME,
    USER,
    Pair,
    micros,
    state,
)
from faena.runs import external, run_names, service, store, transitions
from faena.runs.external import ExternalRun
from faena.workspaces import store as workspaces

_DEFAULT, _MOST = 1000, 50_000


class Create(Struct):
    experiment_id: str | None = None
    user_id: str | None = None
    run_name: str | None = None
    start_time: int | None = None
    tags: list[Pair] = []


class Update(ById):
    status: str | int | None = None
    end_time: int | None = None
    run_name: str | None = None


class Search(Struct):
    experiment_ids: list[str] = []
    filter: str | None = None
    run_view_type: str | int | None = None
    max_results: int | None = None
    order_by: list[str] = []
    page_token: str | None = None


def create(services: Services, asked: Create) -> Any:
    now = services.now()
    tags = {
        checks.key("tag", tag.key): (tag.value or "")[: checks.LONGEST_TAG]
        for tag in checks.given(asked.tags)
    }
    named = tags.pop(RUN_NAME, None)
    if asked.run_name and named and asked.run_name != named:
        raise MlflowError(
            f"Both 'run_name' argument and '{RUN_NAME}' tag are specified, but with different values "
            f"(run_name='{asked.run_name}', {RUN_NAME}='{named}')."
        )
    given = ExternalRun(
        id=os.urandom(16).hex(),
        experiment="",
        started_at=micros(asked.start_time, "start_time") if asked.start_time else now,
        user=asked.user_id or tags.get(USER, ""),
        name=asked.run_name or named or run_names.new(),
        description=tags.pop(NOTE, None),
        tags=tags,
    )

    def work(write: Write) -> dict[str, Any]:
        experiment = found.active_experiment(write, asked.experiment_id or "0")
        parent = tags.get(PARENT)
        known = parent if parent and store.get(write, parent) is not None else None
        made = external.start(
            write, msgspec.structs.replace(given, experiment=experiment.name, parent=known), now
        )
        return {"run": run_views.just_begun(made, experiment, dict(sorted(tags.items())))}

    return services.database.write(work)


def get(services: Services, asked: ById) -> Any:
    run_id = asked.id
    return services.database.read(lambda read: {"run": run_views.shown(read, [found.run(read, run_id)])[0]})


def update(services: Services, asked: Update) -> Any:
    run_id, now = asked.id, services.now()
    wanted = state(str(asked.status)) if asked.status else None
    ended = micros(asked.end_time, "end_time") if asked.end_time else now

    def work(write: Write) -> dict[str, Any]:
        run = found.active_run(write, run_id)
        if asked.run_name:
            service.check_name(asked.run_name)
            store.update(write, run_id, {"name": asked.run_name})
            write.notify(transitions.topic(run_id))
        if wanted is not None:
            external.say_status(write, run, wanted, ended, is_told=bool(asked.end_time))
        there = found.run(write, run_id)
        return {"run_info": run_views.info(there, workspaces.get_experiment(write, there.experiment))}

    return services.database.write(work)


def delete(services: Services, asked: ById) -> Any:
    return _archive(services, asked.id, archived=True)


def restore(services: Services, asked: ById) -> Any:
    return _archive(services, asked.id, archived=False)


def _archive(services: Services, run_id: str, *, archived: bool) -> Any:
    now = services.now()

    def work(write: Write) -> None:
        run = found.run(write, run_id)
        if (run.archived_at is not None) is not archived:
            store.update(write, run_id, {"archived_at": now if archived else None})
            write.notify(transitions.topic(run_id))

    return services.database.write(work)


def search(services: Services, asked: Search, within: sa.CompoundSelect[Any] | None = None) -> Any:
    """`within`: the ids of those that may be found; None: all."""
    most = checks.most(asked.max_results, _DEFAULT, _MOST)
    first = paging.start(asked.page_token)
    view = experiments.view_type(asked.run_view_type)
    where = [store.runs.c.deletion.is_(None), *filters.conditions(asked.filter)]
    if within is not None:
        where.append(store.runs.c.id.in_(within))
    wanted = checks.experiment_ids(asked.experiment_ids)

    def work(read: Read) -> dict[str, Any]:
        among = _among(read, wanted, view)
        statement = filters.ordered(sa.select(store.runs.c.id).where(*where, among), asked.order_by)
        # the rows themselves are wide: a database would sort them whole
        ids = list(read.execute(statement.offset(first).limit(most + 1)).scalars())
        page, more = paging.page(ids, first, most)
        there = store.all_of(read, page)
        return {"runs": run_views.shown(read, [there[run_id] for run_id in page]), **more}

    return services.database.read(work)


def _among(read: Read, numbers: Sequence[int], view: str) -> sa.ColumnElement[bool]:
    """The runs of these experiments that are active, deleted or either: those of a deleted experiment are deleted."""
    table, runs = workspaces.experiments.c, store.runs.c
    there = workspaces.find_experiments(read, [table.id.in_(numbers)], [table.name], 0, len(numbers))
    active = [each.name for each in there if each.archived_at is None]
    if view == ACTIVE_ONLY:
        return _of(active) & runs.archived_at.is_(None)
    every = _of([each.name for each in there])
    return every if view == ALL else every & (runs.archived_at.is_not(None) | runs.experiment.not_in(active))


def _of(experiments: Sequence[str]) -> sa.ColumnElement[bool]:
    """Of one it is spelled so that the database goes by the index of its runs' times."""
    column = store.runs.c.experiment
    return column == experiments[0] if len(experiments) == 1 else column.in_(experiments)
