"""Logged models in MLflow's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import sqlalchemy as sa
from msgspec import Struct

from faena.db import Read, Write
from faena.mlflow import checks, found, paging
from faena.mlflow.artifacts import addresses
from faena.mlflow.errors import MlflowError, invalid_value, missing_value
from faena.mlflow.fields import REQUIRED
from faena.mlflow.filters import logged_models as filters
from faena.mlflow.filters.logged_models import Dataset, OrderBy
from faena.mlflow.services import Services
from faena.mlflow.words import Pair, millis, number, pairs, without_empty
from faena.models.logged import service, store
from faena.models.logged.model import LoggedModel, LoggedStatus
from faena.runs import run_names
from faena.runs import store as runs

_DEFAULT, _MOST = 100, 1000
_LONGEST_TYPE = 500
_LONGEST_ID = 250
STATUS = {
    "LOGGED_MODEL_PENDING": LoggedStatus.PENDING,
    "LOGGED_MODEL_READY": LoggedStatus.READY,
    "LOGGED_MODEL_UPLOAD_FAILED": LoggedStatus.FAILED,
}
_WORDS = {status: word for word, status in STATUS.items()}
_NUMBERED = ["LOGGED_MODEL_STATUS_UNSPECIFIED", *STATUS]


class Create(Struct):
    experiment_id: Annotated[str | None, REQUIRED] = None
    name: str | None = None
    model_type: str | None = None
    source_run_id: str | None = None
    params: list[Pair] = []
    tags: list[Pair] = []


class ById(Struct):
    model_id: str = ""


class Finish(ById):
    status: str | int | None = None


class SetTags(ById):
    tags: list[Pair] = []


class DeleteTag(ById):
    tag_key: str = ""


class LogParams(ById):
    params: list[Pair] = []


class Search(Struct):
    experiment_ids: list[str] = []
    filter: str | None = None
    datasets: list[Dataset] = []
    max_results: int | None = None
    order_by: list[OrderBy] = []
    page_token: str | None = None


def create(services: Services, asked: Create) -> Any:
    params, tags, now = _values(asked.params), _values(asked.tags), services.now()
    name = asked.name or run_names.new()
    if any(letter in name for letter in "/:.\"%'"):
        raise MlflowError(
            f"Invalid model name ({name[:200]!r}) provided. Model name must be a non-empty string and cannot contain "
            "the following characters: ('/', ':', '.', '%', '\"', \"'\")"
        )

    def work(write: Write) -> dict[str, Any]:
        experiment = found.active_experiment(write, asked.experiment_id)
        told = asked.source_run_id or ""
        run = runs.get(write, told) if told else None
        is_here = run is not None and run.deletion is None
        model = LoggedModel(
            service.new_id(),
            experiment.id or 0,
            name[:255],
            now,
            now,
            told if is_here else None,
            "" if is_here else told[:_LONGEST_ID],
            checks.short(asked.model_type, _LONGEST_TYPE, "model_type"),
            params=params,
            tags=tags,
        )
        return {"model": shown(write, [service.add(write, model)])[0]}

    return services.database.write(work)


def get(services: Services, asked: ById) -> Any:
    return services.database.read(lambda read: {"model": shown(read, [service.get(read, asked.model_id)])[0]})


def finish(services: Services, asked: Finish) -> Any:
    word = asked.status
    if isinstance(word, int) and 0 <= word < len(_NUMBERED):
        word = _NUMBERED[word]
    if (status := STATUS.get(str(word))) is None:
        raise invalid_value("status", asked.status, f"one of {', '.join(STATUS)}")
    now = services.now()
    return services.database.write(
        lambda write: {"model": shown(write, [service.finish(write, asked.model_id, status, now)])[0]}
    )


def delete(services: Services, asked: ById) -> Any:
    now = services.now()
    return services.database.write(lambda write: service.delete(write, asked.model_id, now))


def set_tags(services: Services, asked: SetTags) -> Any:
    tags, now = _values(asked.tags), services.now()
    return services.database.write(
        lambda write: {"model": shown(write, [service.set_tags(write, asked.model_id, tags, now)])[0]}
    )


def delete_tag(services: Services, asked: DeleteTag) -> Any:
    now = services.now()

    def work(write: Write) -> None:
        service.remove_tag(write, asked.model_id, asked.tag_key, now)

    return services.database.write(work)


def log_params(services: Services, asked: LogParams) -> Any:
    params, now = _values(asked.params), services.now()

    def work(write: Write) -> None:
        there = service.get(write, asked.model_id).params
        for key, value in params.items():
            if there.get(key, value) != value:
                raise MlflowError(
                    f"Changing param values is not allowed. Param with key='{key}' was already logged with value="
                    f"'{there[key][:200]}' for model ID='{asked.model_id}'. Attempted logging new value "
                    f"'{value[:200]}'."
                )
        service.add_params(write, asked.model_id, params, now)

    return services.database.write(work)


def search(services: Services, asked: Search, within: sa.CompoundSelect[Any] | None = None) -> Any:
    """`within`: the ids of the runs whose models may be found; None: all."""
    if not asked.experiment_ids:
        raise missing_value("experiment_ids")
    if not all(each.dataset_name for each in asked.datasets):
        raise MlflowError("`dataset_name` in the `datasets` clause must be specified.")
    most = checks.most(asked.max_results or None, _DEFAULT, _MOST)
    first = paging.start(asked.page_token)
    experiments = checks.experiment_ids(asked.experiment_ids)
    where = [
        store.models.c.deleted_at.is_(None),
        store.models.c.experiment_id.in_(experiments),
        *filters.conditions(asked.filter, asked.datasets),
    ]
    if within is not None:
        where.append(store.models.c.run_id.in_(within))
    order = filters.order(asked.order_by)

    def work(read: Read) -> dict[str, Any]:
        models, more = paging.page(
            store.find(read, where, order.columns, first, most + 1, order.joins), first, most
        )
        return {"models": shown(read, models), **more}

    return services.database.read(work)


def shown(read: Read, models: Sequence[LoggedModel]) -> list[dict[str, Any]]:
    metrics = store.metrics_of(read, [model.id for model in models])
    return [
        {
            "info": _info(read, model),
            "data": {
                "params": pairs(model.params),
                "metrics": [
                    without_empty(
                        {
                            "key": each.name,
                            "value": number(each.value),
                            "timestamp": millis(each.time),
                            "step": each.step,
                            "dataset_name": each.dataset or None,
                            "dataset_digest": each.dataset_digest or None,
                            "model_id": model.id,
                            "run_id": each.run_id,
                        }
                    )
                    for each in metrics.get(model.id, ())
                ],
            },
        }
        for model in models
    ]


def _info(read: Read, model: LoggedModel) -> dict[str, Any]:
    return without_empty(
        {
            "model_id": model.id,
            "experiment_id": str(model.experiment_id),
            "name": model.name,
            "creation_timestamp_ms": millis(model.created_at),
            "last_updated_timestamp_ms": millis(model.changed_at),
            "artifact_uri": addresses.of_logged_model(read, model),
            "status": _WORDS[model.status],
            "model_type": model.kind or None,
            "source_run_id": model.run_id or model.told_run or None,
            "status_message": model.message or None,
            "tags": pairs(model.tags),
        }
    )


def _values(given: Sequence[Pair]) -> dict[str, str]:
    return {
        checks.key("tag", pair.key): (pair.value or "")[: checks.LONGEST_TAG] for pair in checks.given(given)
    }
