"""What is logged to a run by MLflow's words: metrics, parameters, tags."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from faena.db import Write
from faena.mlflow import checks, found
from faena.mlflow.errors import MISSING, MlflowError, invalid_value, missing_value
from faena.mlflow.fields import REQUIRED
from faena.mlflow.requests import ById
from faena.mlflow.services import Services
from faena.mlflow.words import NOTE, RUN_NAME, Pair, micros
from faena.models.logged import service as logged_models
from faena.models.logged.model import ModelMetric
from faena.runs import record, record_store, service, store, transitions
from faena.tracking import logged_points
from faena.tracking.logged_points import Logged

_SPELLED = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class Metric(Struct):
    key: str | None = None
    value: float | str | None = None
    timestamp: int | None = None
    step: int | None = None
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


class LogMetric(Metric):
    run_id: str | None = None
    run_uuid: str | None = None


class LogParam(ById):
    key: Annotated[str | None, REQUIRED] = None
    value: str | None = None


class SetTag(ById):
    key: Annotated[str | None, REQUIRED] = None
    value: str | None = None


class DeleteTag(ById):
    key: Annotated[str | None, REQUIRED] = None


class LogBatch(ById):
    metrics: list[Metric] = []
    params: list[Pair] = []
    tags: list[Pair] = []


def log_metric(services: Services, asked: LogMetric) -> Any:
    run_id = ById(asked.run_id, asked.run_uuid).id
    points = {checks.key("metric", asked.key): [_point(asked)]}
    now = services.now()
    of_models = _of_models(run_id, [asked])

    def work(write: Write) -> None:
        _keep_points(write, services, run_id, points, now)
        logged_models.measure(write, of_models)

    return services.database.write(work)


def log_param(services: Services, asked: LogParam) -> Any:
    run_id = asked.id
    values = _params([Pair(asked.key, asked.value)])

    def work(write: Write) -> None:
        found.active_run(write, run_id)
        _keep_params(write, run_id, values)

    return services.database.write(work)


def set_tag(services: Services, asked: SetTag) -> Any:
    run_id = asked.id
    tags = _tags([Pair(asked.key, asked.value)])

    def work(write: Write) -> None:
        found.active_run(write, run_id)
        _keep_tags(write, run_id, tags)

    return services.database.write(work)


def delete_tag(services: Services, asked: DeleteTag) -> Any:
    run_id, key = asked.id, asked.key or ""

    def work(write: Write) -> None:
        run = found.active_run(write, run_id)
        if key == NOTE and run.description is not None:
            store.update(write, run_id, {"description": None})
            write.notify(transitions.topic(run_id))
            return
        if key not in record_store.tag_keys(write, run_id):
            raise MlflowError(f"No tag with name: {key} in run with id {run_id}", MISSING)
        record.remove_tags(write, run_id, [key])

    return services.database.write(work)


def log_batch(services: Services, asked: LogBatch) -> Any:
    """All or nothing."""
    run_id, now = asked.id, services.now()
    checks.batch(asked.metrics, asked.params, asked.tags)
    _check_complete(asked.metrics)
    points: dict[str, list[Logged]] = defaultdict(list)
    for place, metric in enumerate(asked.metrics):
        points[checks.key("metric", metric.key, f"metrics[{place}].key")].append(_point(metric))
    params, tags = _params(asked.params, "params"), _tags(asked.tags, "tags")
    of_models = _of_models(run_id, asked.metrics)

    def work(write: Write) -> None:
        found.active_run(write, run_id)
        if params:
            _keep_params(write, run_id, params)
        if tags:
            _keep_tags(write, run_id, tags)
        if points:
            _keep_points(write, services, run_id, points, now)
        logged_models.measure(write, of_models)

    return services.database.write(work)


def _point(given: Metric) -> Logged:
    """Raises MlflowError for what is no number, no time, no step."""
    if given.value is None:
        raise missing_value("value")
    if given.timestamp is None:
        raise missing_value("timestamp")
    if bool(given.dataset_name) is not bool(given.dataset_digest):
        raise MlflowError("Both dataset_name and dataset_digest must be provided if one is provided")
    value = given.value
    if isinstance(value, str):
        if value not in _SPELLED:
            try:
                value = float(value)
            except ValueError:
                raise invalid_value("value", value, "a number") from None
        else:
            value = _SPELLED[value]
    step = given.step or 0
    if not -(2**63) < step < 2**63:
        raise invalid_value("step", step, "a whole number of 64 bits")
    return micros(given.timestamp, "timestamp"), step, value


def _check_complete(metrics: Sequence[Metric]) -> None:
    """Raises MlflowError in the words of clients of both kinds."""
    for place, metric in enumerate(metrics):
        for name in ("key", "value", "timestamp"):
            if getattr(metric, name) in (None, ""):
                told = [
                    {k: v for k, v in msgspec.structs.asdict(each).items() if v is not None}
                    for each in metrics
                ]
                missing = missing_value(f"metrics[{place}].{name}").message
                raise MlflowError(f"{missing} {invalid_value('metrics', told).message}")


def _of_models(run_id: str, given: Sequence[Metric]) -> dict[str, list[ModelMetric]]:
    """What was measured of logged models, by model."""
    found: dict[str, list[ModelMetric]] = defaultdict(list)
    for metric in given:
        if metric.model_id:
            time, step, value = _point(metric)
            told = metric.dataset_name or "", metric.dataset_digest or ""
            known = value if math.isfinite(value) else None
            found[metric.model_id].append(ModelMetric(run_id, metric.key or "", known, time, step, *told))
    return found


def _keep_points(
    write: Write, services: Services, run_id: str, points: dict[str, list[Logged]], now: int
) -> None:
    run = found.active_run(write, run_id)
    logged_points.log(write, services.files, run_id, run.attempt or 1, points, now)
    write.notify(transitions.topic(run_id))


def _params(given: Sequence[Pair], where: str = "") -> dict[str, str]:
    """Raises MlflowError for a key that is there twice."""
    made: dict[str, str] = {}
    for place, pair in enumerate(given):
        key = checks.key("param", pair.key, f"{where}[{place}].key" if where else "key")
        value = (pair.value or "")[: checks.LONGEST_PARAM]
        if key in made:
            raise MlflowError(
                f"Duplicate parameter keys have been submitted: ['{key}']. Please ensure the request contains only one "
                "param value per param key."
            )
        made[key] = value
    return made


def _keep_params(write: Write, run_id: str, values: dict[str, str]) -> None:
    there = record_store.list_parameters(write, [run_id])[run_id]
    for key, value in values.items():
        if there.get(key, value) != value:
            raise MlflowError(
                f"Changing param values is not allowed. Param with key='{key}' was already logged with value="
                f"'{there[key][:200]}' for run ID='{run_id}'. Attempted logging new value '{value[:200]}'."
            )
    if new := {key: value for key, value in values.items() if key not in there}:
        record_store.add_parameters(write, run_id, new)
        write.notify(transitions.topic(run_id))


def _tags(given: Sequence[Pair], where: str = "") -> dict[str, str]:
    return {
        checks.key("tag", pair.key, f"{where}[{place}].key" if where else "key"): (pair.value or "")[
            : checks.LONGEST_TAG
        ]
        for place, pair in enumerate(given)
    }


def _keep_tags(write: Write, run_id: str, tags: dict[str, str]) -> None:
    """A run's name and description are tags in MLflow's words."""
    tags = dict(tags)  # a transaction that is tried again is given all of them again
    changes: dict[str, str | None] = {}
    if name := tags.pop(RUN_NAME, None):
        service.check_name(name)
        changes["name"] = name
    if NOTE in tags:
        changes["description"] = tags.pop(NOTE) or None
    if changes:
        store.update(write, run_id, changes)
        write.notify(transitions.topic(run_id))
    if tags:
        record.set_tags(write, run_id, tags)
