"""Registered models in MLflow's words: made, renamed, described, found, deleted; their tags and aliases."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Struct

from faena.db import Read, Write
from faena.mlflow import checks, paging, registry_checks, registry_views
from faena.mlflow.errors import EXISTS, MISSING, MlflowError
from faena.mlflow.fields import REQUIRED
from faena.mlflow.filters import registry as filters
from faena.mlflow.services import Services
from faena.mlflow.words import Pair
from faena.models import alias_store, name_store, names, renaming, service, store
from faena.models.model import RegisteredModel
from faena.tidying import deleting
from faena.tidying.schemas import DeletionRequest

_DEFAULT, _MOST = 100, 1000
_TRUE = "true"


class Create(Struct):
    name: Annotated[str | None, REQUIRED] = None
    tags: list[Pair] = []
    description: str | None = None


class ByName(Struct):
    name: Annotated[str | None, REQUIRED] = None


class Rename(Struct):
    name: Annotated[str | None, REQUIRED] = None
    new_name: Annotated[str | None, REQUIRED] = None


class Update(Struct):
    name: Annotated[str | None, REQUIRED] = None
    description: str | None = None


class Search(Struct):
    filter: str | None = None
    max_results: int | None = None
    order_by: list[str] = []
    page_token: str | None = None


class Latest(Struct):
    name: Annotated[str | None, REQUIRED] = None
    stages: list[str] = []


class SetTag(Struct):
    name: Annotated[str | None, REQUIRED] = None
    key: Annotated[str | None, REQUIRED] = None
    value: str | None = None


class Alias(Struct):
    name: Annotated[str | None, REQUIRED] = None
    alias: Annotated[str | None, REQUIRED] = None


class SetAlias(Struct):
    name: Annotated[str | None, REQUIRED] = None
    alias: Annotated[str | None, REQUIRED] = None
    version: Annotated[str | int | None, REQUIRED] = None


def create(services: Services, asked: Create) -> Any:
    name = registry_checks.new_name(asked.name)
    tags = registry_checks.tags(asked.tags)
    description = registry_checks.description(asked.description)
    now = services.now()

    def work(write: Write) -> dict[str, Any]:
        if (there := names.find(write, name)) is not None:
            raise _taken(there, tags)
        return _answer(write, names.create(write, name, now, description=description, tags=tags))

    return services.database.write(work)


def get(services: Services, asked: ByName) -> Any:
    name = registry_checks.name(asked.name)
    return services.database.read(lambda read: _answer(read, found(read, name)))


def rename(services: Services, asked: Rename) -> Any:
    name, wanted = registry_checks.name(asked.name), registry_checks.new_name(asked.new_name, "new_name")
    now = services.now()

    def work(write: Write) -> dict[str, Any]:
        found(write, name)
        if wanted != name and names.find(write, wanted) is not None:
            raise MlflowError(f"Registered Model (name={wanted}) already exists.", EXISTS)
        with registry_checks.kept_ones():
            return _answer(write, renaming.rename(write, name, wanted, now))

    return services.database.write(work)


def update(services: Services, asked: Update) -> Any:
    name, now = registry_checks.name(asked.name), services.now()
    description = registry_checks.description(asked.description)

    def work(write: Write) -> dict[str, Any]:
        found(write, name)
        return _answer(write, names.describe(write, name, description, now))

    return services.database.write(work)


def delete(services: Services, asked: ByName) -> Any:
    """With all its versions and aliases; for a day it can be had again by our words."""
    name, now = registry_checks.name(asked.name), services.now()

    def work(write: Write) -> None:
        found(write, name)
        for alias in alias_store.of_models(write, [name]).get(name, {}):
            alias_store.remove(write, name, alias, None)
        with registry_checks.kept_ones():
            deleting.make(write, [], DeletionRequest(models=(name,)), now)

    return services.database.write(work)


def search(services: Services, asked: Search) -> Any:
    most = checks.most(asked.max_results, _DEFAULT, _MOST)
    first = paging.start(asked.page_token)
    where = filters.of_models(asked.filter)
    order = filters.orders_of_models(asked.order_by)

    def work(read: Read) -> dict[str, Any]:
        query = name_store.names.select().where(names.IS_SHOWN, *where).order_by(*order)
        rows = read.execute(query.offset(first).limit(most + 1)).all()
        page, more = paging.page(rows, first, most)
        shown = registry_views.models_shown(read, names.of_rows(read, page))
        return {"registered_models": shown, **more} if shown else {}

    return services.database.read(work)


def latest_versions(services: Services, asked: Latest) -> Any:
    """Of each stage, or of those that are named, by their numbers."""
    name = registry_checks.name(asked.name)
    stages = {registry_checks.stage(each) for each in asked.stages}

    def work(read: Read) -> dict[str, Any]:
        found(read, name)
        there = sorted(store.latest_of_stages(read, [name])[name], key=lambda each: each.version)
        wanted = [each for each in there if not stages or (each.stage or registry_views.NO_STAGE) in stages]
        return {"model_versions": registry_views.versions_shown(read, wanted)} if wanted else {}

    return services.database.read(work)


def set_tag(services: Services, asked: SetTag) -> Any:
    name = registry_checks.name(asked.name)
    tags = registry_checks.tags([Pair(asked.key, asked.value)])

    def work(write: Write) -> None:
        found(write, name)
        names.set_tags(write, name, tags)

    return services.database.write(work)


def delete_tag(services: Services, asked: SetTag) -> Any:
    name, key = registry_checks.name(asked.name), checks.key("tag", asked.key)

    def work(write: Write) -> None:
        found(write, name)
        names.remove_tags(write, name, [key])

    return services.database.write(work)


def delete_alias(services: Services, asked: Alias) -> Any:
    name, alias = registry_checks.name(asked.name), registry_checks.alias(asked.alias)

    def work(write: Write) -> None:
        found(write, name)
        alias_store.remove(write, name, alias, None)

    return services.database.write(work)


def get_by_alias(services: Services, asked: Alias) -> Any:
    name, alias = registry_checks.name(asked.name), registry_checks.alias(asked.alias)

    def work(read: Read) -> dict[str, Any]:
        found(read, name)
        if alias.lower() == "latest":
            if (latest := store.latest(read, name)) is None:
                raise MlflowError(f"Latest version not found for model {name}.", MISSING)
            return {"model_version": registry_views.versions_shown(read, [latest])[0]}
        version = alias_store.version_of(read, name, alias)
        if version is None:
            raise MlflowError(f"Registered model alias {alias} not found.")
        return {"model_version": registry_views.versions_shown(read, [service.get(read, name, version)])[0]}

    return services.database.read(work)


def found(read: Read, name: str) -> RegisteredModel:
    """Raises MlflowError where there is none of that name."""
    if (there := names.find(read, name)) is None:
        raise MlflowError(f"Registered Model with name={name} not found", MISSING)
    return there


def _answer(read: Read, model: RegisteredModel) -> dict[str, Any]:
    return {"registered_model": registry_views.models_shown(read, [model])[0]}


def _taken(there: RegisteredModel, tags: dict[str, str]) -> MlflowError:
    old, new = (
        "Prompt" if given.get(filters.IS_PROMPT, "").lower() == _TRUE else "Registered Model"
        for given in (there.tags, tags)
    )
    if old == new:
        return MlflowError(f"{new} (name={there.name}) already exists.", EXISTS)
    return MlflowError(
        f"Tried to create a {new.lower()} with name {there.name!r}, but the name is already taken by a {old.lower()}. "
        "MLflow does not allow creating a model and a prompt with the same name.",
        EXISTS,
    )
