"""Evaluation sets in MLflow's words: data sets of records, which go as JSON within JSON."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Struct

from faena.db import Read, Write
from faena.db.hiding import EVERYTHING
from faena.mlflow import checks, found, paging
from faena.mlflow.errors import MISSING, MlflowError, invalid_value, missing_value
from faena.mlflow.fields import REQUIRED
from faena.mlflow.filters import evaluation_sets as filters
from faena.mlflow.services import Services
from faena.mlflow.words import USER, millis, without_empty
from faena.people import sharing_store
from faena.traces.evaluation_sets import service, store
from faena.traces.evaluation_sets.model import EvaluationSet, Record, Told

_LONGEST_NAME, _LONGEST_KEY, _LONGEST_VALUE = 255, 255, 5000
_DEFAULT, _MOST = 1000, 50_000
_MOST_RECORDS = 10_000
"""Of a page, and of what is added at once."""
_VERSION = "1.0"
_T = TypeVar("_T")


class Create(Struct):
    name: Annotated[str | None, REQUIRED] = None
    experiment_ids: list[str] = []
    tags: str | None = None


class ById(Struct):
    dataset_id: str = ""


class Search(Struct):
    experiment_ids: list[str] = []
    filter_string: str | None = None
    max_results: int | None = None
    order_by: list[str] = []
    page_token: str | None = None


class SetTags(ById):
    tags: Annotated[str | None, REQUIRED] = None


class DeleteTag(ById):
    key: str = ""


class Upsert(ById):
    records: Annotated[str | None, REQUIRED] = None
    updated_by: str | None = None


class Page(ById):
    max_results: int | None = None
    page_token: str | None = None


class DeleteRecords(ById):
    dataset_record_ids: list[str] = []


class Experiments(ById):
    experiment_ids: list[str] = []


def create(services: Services, asked: Create) -> Any:
    name, tags, now = asked.name or "", _tags(asked.tags), services.now()
    if len(name) > _LONGEST_NAME:
        raise invalid_value("name", name, f"at most {_LONGEST_NAME} characters")
    numbers = checks.experiment_ids(asked.experiment_ids)

    def work(write: Write) -> dict[str, Any]:
        made = service.create(write, name, tags, numbers, now, tags.get(USER))
        return {"dataset": {**_shown(made), "experiment_ids": [str(each) for each in made.experiment_ids]}}

    return services.database.write(work)


def get(services: Services, asked: ById) -> Any:
    return services.database.read(lambda read: {"dataset": _shown(service.get(read, asked.dataset_id))})


def delete(services: Services, asked: ById) -> Any:
    return services.database.write(lambda write: store.delete(write, asked.dataset_id))


def search(services: Services, asked: Search) -> Any:
    most = checks.most(asked.max_results or None, _DEFAULT, _MOST)
    first = paging.start(asked.page_token)
    where, order = filters.conditions(asked.filter_string), filters.orders(asked.order_by)
    if asked.experiment_ids:
        numbers = checks.experiment_ids(asked.experiment_ids)
        of = store.experiments.c.experiment_id.in_(numbers)
        where.append(
            store.sets.c.id.in_(
                store.experiments.select().with_only_columns(store.experiments.c.set_id).where(of)
            )
        )

    def work(read: Read) -> dict[str, Any]:
        sets, more = paging.page(store.find(read, where, order, first, most + 1), first, most)
        return {"datasets": [_shown(each) for each in sets], **more}

    return services.database.read(work)


def set_tags(services: Services, asked: SetTags) -> Any:
    tags = _tags(asked.tags)

    def work(write: Write) -> dict[str, Any]:
        service.get(write, asked.dataset_id)
        store.set_tags(write, asked.dataset_id, tags)
        return {"dataset": _shown(service.get(write, asked.dataset_id))}

    return services.database.write(work)


def delete_tag(services: Services, asked: DeleteTag) -> Any:
    def work(write: Write) -> None:
        service.get(write, asked.dataset_id)
        store.remove_tag(write, asked.dataset_id, asked.key)

    return services.database.write(work)


def upsert(services: Services, asked: Upsert) -> Any:
    records, now = _decoded(asked.records or "", list[Told], "records"), services.now()
    if len(records) > _MOST_RECORDS:
        raise invalid_value("records", len(records), f"at most {_MOST_RECORDS:,} at once")
    users = [each.tags[USER] for each in records if each.tags and USER in each.tags]
    by = asked.updated_by or (users[-1] if users else None)

    def work(write: Write) -> dict[str, Any]:
        added, changed = service.add_records(write, asked.dataset_id, records, now, by)
        return {"inserted_count": added, "updated_count": changed}

    return services.database.write(work)


def records(services: Services, asked: Page) -> Any:
    most = checks.most(asked.max_results or None, _DEFAULT, _MOST_RECORDS)
    first = paging.start(asked.page_token)

    def work(read: Read) -> dict[str, Any]:
        service.get(read, asked.dataset_id)
        there = store.records_in_order(read, asked.dataset_id, first, most + 1)
        page, more = paging.page(there, first, most)
        return {"records": msgspec.json.encode([_record(each) for each in page]).decode(), **more}

    return services.database.read(work)


def delete_records(services: Services, asked: DeleteRecords) -> Any:
    def work(write: Write) -> dict[str, Any]:
        service.get(write, asked.dataset_id)
        return {"deleted_count": store.delete_records(write, asked.dataset_id, asked.dataset_record_ids)}

    return services.database.write(work)


def experiment_ids(services: Services, asked: ById) -> Any:
    def work(read: Read) -> dict[str, Any]:
        there = store.find(read, [store.sets.c.id == asked.dataset_id], [], 0, 1)
        return {"experiment_ids": [str(number) for each in there for number in each.experiment_ids]}

    return services.database.read(work)


def add_experiments(services: Services, asked: Experiments) -> Any:
    now = services.now()

    def work(write: Write) -> dict[str, Any]:
        _check(write, asked.dataset_id)
        numbers = [found.experiment(write, each).id or 0 for each in asked.experiment_ids]
        _check_stays(write, numbers)
        store.add_experiments(write, asked.dataset_id, numbers)
        return {"dataset": _shown(service.touch(write, asked.dataset_id, now))}

    return services.database.write(work)


def remove_experiments(services: Services, asked: Experiments) -> Any:
    numbers = checks.experiment_ids(asked.experiment_ids)
    now = services.now()

    def work(write: Write) -> dict[str, Any]:
        _check(write, asked.dataset_id)
        store.remove_experiments(write, asked.dataset_id, numbers)
        return {"dataset": _shown(service.touch(write, asked.dataset_id, now))}

    return services.database.write(work)


def _check_stays(write: Write, numbers: Sequence[int]) -> None:
    """Raises MlflowError where the set would be gone for others: it is there for those who see all its experiments."""
    private = [] if write.view is EVERYTHING else [n for n in numbers if sharing_store.owner(write, n)[1]]
    if private:
        raise MlflowError(
            f"The experiment {private[0]} is private, and the evaluation set would be so, too. Make a set for it.",
            "PERMISSION_DENIED",
        )


def _check(read: Read, set_id: str) -> None:
    if not store.find(read, [store.sets.c.id == set_id], [], 0, 1):
        raise MlflowError(f"Dataset '{set_id[:100]}' not found", MISSING)


def _shown(given: EvaluationSet) -> dict[str, Any]:
    changed = millis(given.changed_at)
    return without_empty(
        {
            "dataset_id": given.id,
            "name": given.name,
            "tags": _json(given.tags),
            "schema": _json({**given.fields, "version": _VERSION}) if given.fields else None,
            "profile": _json({"num_records": given.size}) if given.size else None,
            "digest": hashlib.sha256(f"{given.name}:{changed}".encode()).hexdigest()[:8],
            "created_time": millis(given.created_at),
            "last_update_time": changed,
            "created_by": given.created_by,
            "last_updated_by": given.changed_by,
        }
    )


def _record(given: Record) -> dict[str, Any]:
    source = given.source or {}
    data = source.get("source_data")
    told = data if isinstance(data, dict) else {}
    return without_empty(
        {
            "dataset_record_id": given.id,
            "dataset_id": given.set_id,
            "inputs": given.inputs,
            "outputs": given.outputs,
            "expectations": given.expectations,
            "tags": given.tags,
            "source": given.source,
            "source_id": told.get("trace_id") or told.get("source_id"),
            "source_type": source.get("source_type"),
            "created_time": millis(given.created_at),
            "last_update_time": millis(given.changed_at),
            "created_by": given.created_by,
            "last_updated_by": given.changed_by,
        }
    )


def _tags(text: str | None) -> dict[str, str]:
    given = _decoded(text or "{}", dict[str, Any], "tags")
    if "" in given:
        raise missing_value("key")
    if any(len(key) > _LONGEST_KEY for key in given):
        raise invalid_value("tags", sorted(given), f"keys of at most {_LONGEST_KEY} characters")
    plain = {
        key: value if isinstance(value, str) else _json(value)
        for key, value in given.items()
        if value is not None
    }
    return {key: value[:_LONGEST_VALUE] for key, value in plain.items()}


def _decoded(text: str, kind: type[_T], name: str) -> _T:
    try:
        return msgspec.json.decode(text, type=kind, strict=False)
    except (msgspec.DecodeError, RecursionError) as error:
        raise invalid_value(name, text[:100], f"JSON: {error}") from error


def _json(value: Any) -> str:
    """With the spaces that MLflow's own has."""
    return json.dumps(value)
