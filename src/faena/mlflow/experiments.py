"""Experiments in MLflow's words."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Struct

from faena.db import Read, Write
from faena.mlflow import checks, found, paging
from faena.mlflow.artifacts import locations
from faena.mlflow.errors import EXISTS, MISSING, MlflowError, invalid_value
from faena.mlflow.fields import REQUIRED
from faena.mlflow.filters import experiments as filters
from faena.mlflow.services import Services
from faena.mlflow.words import ACTIVE, ACTIVE_ONLY, ALL, DELETED, DELETED_ONLY, Pair, lifecycle, millis, pairs
from faena.runs import renaming
from faena.workspaces import service, store
from faena.workspaces.schemas import ExperimentChange, ExperimentView

_MOST = 50_000


class Create(Struct):
    name: Annotated[str | None, REQUIRED] = None
    artifact_location: str | None = None
    tags: list[Pair] = []


class ById(Struct):
    experiment_id: Annotated[str | None, REQUIRED] = None


class ByName(Struct):
    experiment_name: Annotated[str | None, REQUIRED] = None


class Rename(Struct):
    experiment_id: Annotated[str | None, REQUIRED] = None
    new_name: Annotated[str | None, REQUIRED] = None


class SetTag(Struct):
    experiment_id: Annotated[str | None, REQUIRED] = None
    key: Annotated[str | None, REQUIRED] = None
    value: str | None = None


class Search(Struct):
    max_results: int | None = None
    page_token: str | None = None
    filter: str | None = None
    order_by: list[str] = []
    view_type: str | int | None = None


def create(services: Services, asked: Create) -> Any:
    name = checks.experiment_name(asked.name or "")
    tags = {_tag_key(tag.key): (tag.value or "")[: checks.LONGEST_TAG] for tag in checks.given(asked.tags)}
    if asked.artifact_location:
        tags[locations.TAG] = locations.checked(asked.artifact_location, services.folder().path.parent)
    now = services.now()

    def work(write: Write) -> dict[str, Any]:
        if (there := store.get_experiment(write, name)) is not None:
            if there.archived_at is None:
                raise MlflowError(
                    f"Experiment '{name}' already exists. Experiment(name={name}) already exists.", EXISTS
                )
            raise MlflowError(
                f"Experiment '{name}' already exists in deleted state. You can restore the experiment, or permanently "
                "delete it to create a new one.",
                EXISTS,
            )
        store.create_experiment(write, name, now)
        if tags:
            service.change(write, name, ExperimentChange(add_tags=tags), now)
        return {"experiment_id": str(service.get(write, name).id)}

    return services.database.write(work)


def get(services: Services, asked: ById) -> Any:
    return services.database.read(
        lambda read: {"experiment": shown(found.experiment(read, asked.experiment_id))}
    )


def get_by_name(services: Services, asked: ByName) -> Any:
    def work(read: Read) -> dict[str, Any]:
        name = asked.experiment_name or ""
        if (there := store.get_experiment(read, name)) is None:
            raise MlflowError(f"Could not find experiment with name '{name[:500]}'", MISSING)
        return {"experiment": shown(there)}

    return services.database.read(work)


def delete(services: Services, asked: ById) -> Any:
    return _change(services, asked, ExperimentChange(archived=True))


def restore(services: Services, asked: ById) -> Any:
    return _change(services, asked, ExperimentChange(archived=False))


def _change(services: Services, asked: ById, change: ExperimentChange) -> Any:
    now = services.now()

    def work(write: Write) -> None:
        there = found.experiment(write, asked.experiment_id)
        if (there.archived_at is not None) is change.archived:
            state = DELETED if change.archived is False else ACTIVE
            raise MlflowError(
                f"No Experiment with id={there.id} exists that is {state}: it is {lifecycle(there.archived_at)}.",
                MISSING,
            )
        service.change(write, there.name, change, now)

    return services.database.write(work)


def rename(services: Services, asked: Rename) -> Any:
    name = checks.experiment_name(asked.new_name or "")
    now = services.now()

    def work(write: Write) -> None:
        there = found.experiment(write, asked.experiment_id)
        if there.archived_at is not None:
            raise MlflowError("Cannot rename a non-active experiment.")
        renaming.rename(write, there.name, name, now)

    return services.database.write(work)


def set_tag(services: Services, asked: SetTag) -> Any:
    key = _tag_key(asked.key)
    now = services.now()

    def work(write: Write) -> None:
        there = found.active_experiment(write, asked.experiment_id)
        tags = {key: (asked.value or "")[: checks.LONGEST_TAG]}
        service.change(write, there.name, ExperimentChange(add_tags=tags), now)

    return services.database.write(work)


def delete_tag(services: Services, asked: SetTag) -> Any:
    now = services.now()

    def work(write: Write) -> None:
        there = found.active_experiment(write, asked.experiment_id)
        if asked.key == locations.TAG or asked.key not in there.tags:
            raise MlflowError(f"No tag with name: {asked.key} in experiment with id {there.id}", MISSING)
        service.change(write, there.name, ExperimentChange(remove_tags=(asked.key or "",)), now)

    return services.database.write(work)


def search(services: Services, asked: Search, only: int | None = None) -> Any:
    """`only`: the one that may be found; None: all."""
    if asked.max_results is None or asked.max_results == 0:
        raise checks.not_positive("max_results", 0)
    most = checks.most(asked.max_results, _MOST, _MOST)
    first = paging.start(asked.page_token)
    view = view_type(asked.view_type)
    where = filters.conditions(asked.filter)
    if view != ALL:
        archived = store.experiments.c.archived_at
        where.append(archived.is_(None) if view == ACTIVE_ONLY else archived.is_not(None))
    if only is not None:
        where.append(store.experiments.c.id == only)
    order = filters.orders(asked.order_by)

    def work(read: Read) -> dict[str, Any]:
        rows = store.find_experiments(read, where, order, first, most + 1)
        shown_ones, more = paging.page(rows, first, most)
        return {"experiments": [shown(each) for each in shown_ones], **more}

    return services.database.read(work)


def view_type(given: str | int | None) -> str:
    """By its name or its number. Raises MlflowError for another one."""
    if given is None or given == "":
        return ACTIVE_ONLY
    known = (ACTIVE_ONLY, DELETED_ONLY, ALL)
    if given in known:
        return str(given)
    if str(given) in ("1", "2", "3"):
        return known[int(given) - 1]
    raise invalid_value("view_type", given, f"one of {', '.join(known)}")


def shown(experiment: ExperimentView) -> dict[str, Any]:
    return {
        "experiment_id": str(experiment.id),
        "name": experiment.name,
        "artifact_location": locations.of_experiment(experiment),
        "lifecycle_stage": lifecycle(experiment.archived_at),
        "creation_time": millis(experiment.created_at),
        "last_update_time": millis(experiment.changed_at or experiment.created_at),
        "tags": pairs({key: value for key, value in experiment.tags.items() if key != locations.TAG}),
    }


def _tag_key(given: str | None) -> str:
    if given == locations.TAG:
        raise invalid_value(
            "key", given, "a key of your own: an experiment's location stays what it was made with"
        )
    return checks.key("tag", given)
