"""What a run used and made: data sets and logged models, in MLflow's words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from faena.db import Read, Write
from faena.mlflow import checks, found
from faena.mlflow.errors import MlflowError, missing_value
from faena.mlflow.fields import REQUIRED
from faena.mlflow.services import Services
from faena.mlflow.words import Pair, pairs, without_empty
from faena.models.logged import service as logged_models
from faena.models.logged import uses
from faena.models.logged.uses import MADE, READ, Use
from faena.runs import record, record_store, transitions, used_datasets
from faena.runs.used_datasets import UsedDataset

_MOST = 1000
_MOST_EXPERIMENTS = 20
_LONGEST = {
    "name": 500,
    "digest": 36,
    "source_type": 36,
    "source": 65_535,
    "schema": 1_048_575,
    "profile": 16_777_215,
}
"""Characters, as MLflow has them."""
LOGGED_MODELS = "mlflow.log-model.history"
_OF_A_MODEL = frozenset({"artifact_path", "flavors", "utc_time_created", "run_id"})


class Dataset(Struct):
    name: str | None = None
    digest: str | None = None
    source_type: str | None = None
    source: str | None = None
    schema: str | None = None
    profile: str | None = None


class DatasetInput(Struct):
    dataset: Dataset | None = None
    tags: list[Pair] = []


class ModelInput(Struct):
    model_id: str | None = None


class ModelOutput(Struct):
    model_id: str | None = None
    step: int = 0


class SearchDatasets(Struct):
    experiment_ids: list[str] = []


class LogInputs(Struct):
    run_id: Annotated[str | None, REQUIRED] = None
    datasets: list[DatasetInput] = []
    models: list[ModelInput] = []


class LogOutputs(Struct):
    run_id: Annotated[str | None, REQUIRED] = None
    models: list[ModelOutput] = []


class LogModel(Struct):
    run_id: Annotated[str | None, REQUIRED] = None
    model_json: Annotated[str | None, REQUIRED] = None


def log_inputs(services: Services, asked: LogInputs) -> Any:
    if not asked.datasets and not asked.models:
        raise missing_value("datasets")
    used = [_dataset(place, each) for place, each in enumerate(asked.datasets[: _MOST + 1])]
    if len(used) > _MOST:
        raise MlflowError(f"At most {_MOST} data sets can be logged at once.")
    return _keep(services, asked.run_id or "", used, [Use(_id(each.model_id), READ) for each in asked.models])


def log_outputs(services: Services, asked: LogOutputs) -> Any:
    made = [Use(_id(each.model_id), MADE, each.step) for each in asked.models]
    return _keep(services, asked.run_id or "", [], made)


def log_model(services: Services, asked: LogModel) -> Any:
    """How clients before 3.0 say that a model lies among a run's files: a tag holds what each of them was."""
    run_id, given = asked.run_id or "", asked.model_json or ""
    try:
        model = msgspec.json.decode(given, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise MlflowError(f"Malformed model info. \n {given[:200]} \n is not a valid JSON.") from error
    if missing := sorted(_OF_A_MODEL - model.keys()):
        raise MlflowError(f"Model json is missing mandatory fields: {missing}")

    def work(write: Write) -> None:
        found.active_run(write, run_id)
        told = record_store.list_tags(write, [run_id])[run_id].get(LOGGED_MODELS, "[]")
        try:
            before = msgspec.json.decode(told, type=list[Any])
        except msgspec.DecodeError:
            before = []  # somebody wrote something else there
        value = json.dumps([*before, model])
        if len(value) > checks.LONGEST_TAG:
            raise MlflowError(
                f"Tag value exceeds the maximum length of {checks.LONGEST_TAG}: it would have {len(value)}."
            )
        record.set_tags(write, run_id, {LOGGED_MODELS: value})

    return services.database.write(work)


def search_datasets(services: Services, asked: SearchDatasets) -> Any:
    """Names, digests and uses of the data sets of runs of some experiments, each once."""
    if not asked.experiment_ids:
        raise MlflowError("SearchDatasets request must specify at least one experiment_id.")
    if len(asked.experiment_ids) > _MOST_EXPERIMENTS:
        raise MlflowError(
            f"SearchDatasets request cannot specify more than {_MOST_EXPERIMENTS} experiment_ids. "
            f"Received {len(asked.experiment_ids)} experiment_ids."
        )

    def work(read: Read) -> dict[str, Any]:
        told = []
        for number in asked.experiment_ids:
            experiment = found.experiment(read, number)
            for name, digest, context in used_datasets.of_experiment(read, experiment.name, _MOST):
                told.append({"experiment_id": number, "name": name, "digest": digest, "context": context})
        return {"dataset_summaries": told[:_MOST]}

    return services.database.read(work)


def _keep(services: Services, run_id: str, used: list[UsedDataset], models: list[Use]) -> Any:
    def work(write: Write) -> None:
        found.active_run(write, run_id)
        for use in models:
            logged_models.get(write, use.model_id)
        used_datasets.add(write, run_id, used)
        uses.add(write, run_id, models)
        write.notify(transitions.topic(run_id))

    return services.database.write(work)


def shown(read: Read, run_ids: Sequence[str]) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """(inputs, outputs) by run, of those that have any."""
    of_models = uses.ask_of_runs(read, run_ids)
    datasets, models = used_datasets.of_runs(read, run_ids), uses.by_run(of_models)
    made: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    for run_id in {*datasets, *models}:
        inputs: dict[str, Any] = {}
        if told := datasets.get(run_id):
            inputs["dataset_inputs"] = [{"tags": pairs(each.tags), "dataset": _told(each)} for each in told]
        if read_ones := [{"model_id": use.model_id} for use in models.get(run_id, ()) if use.role == READ]:
            inputs["model_inputs"] = read_ones
        outputs = [
            {"model_id": use.model_id, "step": use.step} for use in models.get(run_id, ()) if use.role == MADE
        ]
        made[run_id] = inputs, {"model_outputs": outputs} if outputs else {}
    return made


def _told(dataset: UsedDataset) -> dict[str, Any]:
    return without_empty(
        {
            "name": dataset.name,
            "digest": dataset.digest,
            "source_type": dataset.source_type,
            "source": dataset.source,
            "schema": dataset.schema,
            "profile": dataset.profile,
        }
    )


def _dataset(place: int, given: DatasetInput) -> UsedDataset:
    """Raises MlflowError naming what is missing or too long."""
    where = f"datasets[{place}]"
    told = given.dataset
    if told is None:
        raise missing_value(f"{where}.dataset")
    for name in ("name", "digest", "source_type", "source"):
        if not getattr(told, name):
            raise missing_value(f"{where}.dataset.{name}")
    for name, most in _LONGEST.items():
        if len(getattr(told, name) or "") > most:
            raise MlflowError(f"{where}.dataset.{name} exceeds the maximum length of {most}")
    tags: dict[str, str] = {}
    for tag in given.tags:
        if not tag.key:
            raise missing_value(f"{where}.tags.key")
        tags[tag.key[:255]] = (tag.value or "")[:500]
    return UsedDataset(
        told.name or "",
        told.digest or "",
        told.source_type or "",
        told.source or "",
        told.schema,
        told.profile,
        tags,
    )


def _id(model_id: str | None) -> str:
    if not model_id:
        raise missing_value("models.model_id")
    return model_id
