"""A run of one question to a language model, as MLflow's page keeps those that were tried on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from faena.mlflow import logging, runs
from faena.mlflow.artifacts import answers as artifacts
from faena.mlflow.errors import MlflowError
from faena.mlflow.requests import ById
from faena.mlflow.services import Services
from faena.mlflow.words import Pair

_TABLE = "eval_results_table.json"
_REQUIRED = (
    *("experiment_id", "prompt_template", "prompt_parameters", "model_route", "model_input"),
    "mlflow_version",
)


class Create(Struct):
    experiment_id: str | None = None
    run_name: str | None = None
    tags: list[Pair] = []
    prompt_template: str | None = None
    prompt_parameters: list[Pair] | None = None
    model_route: str | None = None
    model_parameters: list[Pair] = []
    model_input: str | None = None
    model_output: str | None = None
    model_output_parameters: list[Pair] = []
    mlflow_version: str | None = None
    user_id: str | None = None
    start_time: int | None = None


async def create(services: Services, asked: Create) -> Any:
    """Raises MlflowError in the words that MLflow's tests look for."""
    for name in _REQUIRED:
        if not getattr(asked, name):
            raise MlflowError(f"CreatePromptlabRun request must specify {name}.")
    prompt = asked.prompt_parameters or []
    logged = logging.LogBatch(
        params=[
            *asked.model_parameters,
            Pair("model_route", asked.model_route),
            Pair("prompt_template", asked.prompt_template),
        ],
        tags=[
            Pair("mlflow.loggedArtifacts", f'[{{"path": "{_TABLE}", "type": "table"}}]'),
            Pair("mlflow.runSourceType", "PROMPT_ENGINEERING"),
        ],
    )
    made = await runs.create(
        services,
        runs.Create(
            asked.experiment_id, asked.user_id or "unknown", asked.run_name, asked.start_time, asked.tags
        ),
    )
    run_id = made["run"]["info"]["run_id"]
    try:
        logged.run_id = run_id
        await logging.log_batch(services, logged)
        await artifacts.put_bytes(services, run_id, _TABLE, _table(prompt, asked))
    except BaseException:
        await runs.update(services, runs.Update(run_id, status="FAILED"))
        raise
    await runs.update(services, runs.Update(run_id, status="FINISHED"))
    return await runs.get(services, ById(run_id))


def _table(prompt: Sequence[Pair], asked: Create) -> bytes:
    """One row of what went in and what came out."""
    given = {
        **{each.key or "": each.value for each in prompt},
        "prompt": asked.model_input,
        "output": asked.model_output,
        **{each.key or "": each.value for each in asked.model_output_parameters},
    }
    return msgspec.json.encode({"columns": list(given), "data": [list(given.values())]})
