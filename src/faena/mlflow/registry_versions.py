"""Versions of registered models in MLflow's words: made of files, changed, moved between stages, found, deleted."""

from __future__ import annotations

import json
from typing import Annotated, Any

import sqlalchemy as sa
from msgspec import Struct

from faena.db import Read, Write
from faena.kernel import ids
from faena.kernel.clock import Micros
from faena.mlflow import checks, paging, registry_checks, registry_models, registry_sources, registry_views
from faena.mlflow.errors import MISSING, MlflowError
from faena.mlflow.fields import REQUIRED
from faena.mlflow.filters import registry as filters
from faena.mlflow.registry_models import Search, SetAlias
from faena.mlflow.registry_sources import Source
from faena.mlflow.services import Services
from faena.mlflow.words import Pair
from faena.models import alias_store, name_store, service, staging, store
from faena.models.logged import service as logged_models
from faena.models.logged import store as logged_store
from faena.models.model import ModelVersion
from faena.models.schemas import ModelChange
from faena.tidying import deleting
from faena.tidying.schemas import DeletionRequest

_DEFAULT, _MOST = 10_000, 200_000
_VERSIONS = "mlflow.modelVersions"
_ACTIVE = ("Staging", "Production")
"""Stages that others are archived for."""


class Create(Struct):
    name: Annotated[str | None, REQUIRED] = None
    source: Annotated[str | None, REQUIRED] = None
    run_id: str | None = None
    tags: list[Pair] = []
    run_link: str | None = None
    description: str | None = None
    model_id: str | None = None


class ByVersion(Struct):
    name: Annotated[str | None, REQUIRED] = None
    version: Annotated[str | int | None, REQUIRED] = None


class Update(ByVersion):
    description: str | None = None


class Transition(ByVersion):
    stage: Annotated[str | None, REQUIRED] = None
    archive_existing_versions: bool | None = None


class SetTag(ByVersion):
    key: Annotated[str | None, REQUIRED] = None
    value: str | None = None


async def create(services: Services, asked: Create) -> Any:
    name = registry_checks.name(asked.name)
    tags = registry_checks.tags(asked.tags)
    description = registry_checks.description(asked.description)
    given = {registry_views.RUN_LINK: asked.run_link}
    is_prompt = tags.get(filters.IS_PROMPT, "").lower() == "true"

    def find(read: Read) -> Source:
        registry_models.found(read, name)
        if is_prompt:
            return registry_sources.as_placeholder(asked.source or "")
        return registry_sources.find(read, asked.source or "", asked.run_id, asked.model_id)

    def work(write: Write) -> dict[str, Any]:
        now = services.now()
        of = find(write)
        properties = {**given, registry_views.MODEL_ID: of.model_id}
        model = ModelVersion(
            name=name,
            version=0,
            run_id=of.run_id,
            path=of.path,
            created_at=now,
            description=description,
            tags=tags,
            properties={key: value for key, value in properties.items() if value},
            files=of.files,
            source=of.source,
            location=of.location,
            told_run=of.told_run,
        )
        made = service.add(write, model, ids.new_request_id())
        if of.model_id and not is_prompt:
            _tell_logged_model(write, of.model_id, name, made.version, now)
        return _answer(write, service.get(write, name, made.version))

    found = await services.database.read(find)
    await services.objects.check(file.digest for file in found.files)
    return await services.database.write(work)


def _tell_logged_model(write: Write, model_id: str, name: str, version: int, now: Micros) -> None:
    """Which versions were made of it, as a tag: MLflow's clients look for them there."""
    model = logged_store.get(write, model_id)
    if model is None or model.deleted_at is not None:
        return
    try:
        listed = json.loads(model.tags.get(_VERSIONS, "[]"))
    except ValueError:
        listed = []
    told = [*(listed if isinstance(listed, list) else []), {"name": name, "version": version}]
    logged_models.set_tags(write, model_id, {_VERSIONS: json.dumps(told)}, now)


def get(services: Services, asked: ByVersion) -> Any:
    name, version = _named(asked)
    return services.database.read(lambda read: _answer(read, found(read, name, version)))


def update(services: Services, asked: Update) -> Any:
    name, version = _named(asked)
    now = services.now()
    description = registry_checks.description(asked.description)

    def work(write: Write) -> dict[str, Any]:
        found(write, name, version)
        service.change(write, name, version, ModelChange(description=description), now)
        return _answer(write, found(write, name, version))

    return services.database.write(work)


def transition(services: Services, asked: Transition) -> Any:
    name, version = _named(asked)
    stage, now = registry_checks.stage(asked.stage), services.now()
    archive = bool(asked.archive_existing_versions)
    if archive and stage not in _ACTIVE:
        raise MlflowError(
            f"Model version transition cannot archive existing model versions because '{asked.stage}' is not an "
            f"Active stage. Valid stages are {list(_ACTIVE)}"
        )

    def work(write: Write) -> dict[str, Any]:
        found(write, name, version)
        return _answer(write, staging.move(write, name, version, stage, now, archive_others=archive))

    return services.database.write(work)


def delete(services: Services, asked: ByVersion) -> Any:
    """With its aliases; for a day it can be had again by our words. The model stays, also without a version."""
    name, version = _named(asked)
    now = services.now()

    def work(write: Write) -> None:
        there = found(write, name, version)
        for alias in there.aliases:
            alias_store.remove(write, name, alias, version)
        name_store.change(write, name, now, stays=True)
        with registry_checks.kept_ones():
            deleting.make(write, [], DeletionRequest(models=(f"{name}:{version}",)), now)

    return services.database.write(work)


def search(services: Services, asked: Search) -> Any:
    most = checks.most(asked.max_results, _DEFAULT, _MOST)
    first = paging.start(asked.page_token)
    where = filters.of_versions(asked.filter)
    order = filters.orders_of_versions(asked.order_by)

    def work(read: Read) -> dict[str, Any]:
        columns = store.versions.c
        query = sa.select(columns.name, columns.version).where(store.IS_THERE, *where).order_by(*order)
        rows = read.execute(query.offset(first).limit(most + 1)).all()
        page, more = paging.page([(row.name, row.version) for row in rows], first, most)
        shown = registry_views.versions_shown(read, store.several(read, page, with_files=False))
        return {"model_versions": shown, **more} if shown else {}

    return services.database.read(work)


def download_uri(services: Services, asked: ByVersion) -> Any:
    name, version = _named(asked)

    def work(read: Read) -> dict[str, Any]:
        return {"artifact_uri": registry_views.download_address(read, found(read, name, version))}

    return services.database.read(work)


def set_tag(services: Services, asked: SetTag) -> Any:
    name, version = _named(asked)
    tags = registry_checks.tags([Pair(asked.key, asked.value)])

    def work(write: Write) -> None:
        found(write, name, version)
        store.set_labels(write, name, version, store.TAG, tags)

    return services.database.write(work)


def delete_tag(services: Services, asked: SetTag) -> Any:
    name, version = _named(asked)
    key = checks.key("tag", asked.key)

    def work(write: Write) -> None:
        found(write, name, version)
        store.remove_tags(write, name, version, [key])

    return services.database.write(work)


def set_alias(services: Services, asked: SetAlias) -> Any:
    name, alias = registry_checks.name(asked.name), registry_checks.new_alias(asked.alias)
    version, now = registry_checks.version(asked.version), services.now()

    def work(write: Write) -> None:
        found(write, name, version)
        alias_store.put(write, name, alias, version, now)

    return services.database.write(work)


def found(read: Read, name: str, version: int) -> ModelVersion:
    """Raises MlflowError where there is none such."""
    if (there := store.get(read, name, version)) is None:
        raise MlflowError(f"Model Version (name={name}, version={version}) not found", MISSING)
    return there


def asked_for(read: Read, asked: ByVersion) -> ModelVersion:
    """Raises MlflowError where there is none such."""
    return found(read, *_named(asked))


def _named(asked: ByVersion) -> tuple[str, int]:
    return registry_checks.name(asked.name), registry_checks.version(asked.version)


def _answer(read: Read, version: ModelVersion) -> dict[str, Any]:
    return {"model_version": registry_views.versions_shown(read, [version])[0]}
