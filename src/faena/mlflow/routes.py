"""All routes that are answered, as a table: what a request is read as, and what answers it."""

from __future__ import annotations

from msgspec import Struct

from faena.mlflow import (
    experiments,
    histories,
    in_runs,
    inputs,
    logged_models,
    logging,
    promptlab,
    registry_routes,
    runs,
    server_info,
)
from faena.mlflow.artifacts import answers as artifacts
from faena.mlflow.in_runs import Answer, InRun
from faena.mlflow.requests import ById
from faena.mlflow.tracing import routes as tracing


class Route(Struct, frozen=True):
    """`answer` may raise MlflowError; what it gives is encoded as JSON, nothing as `{}`."""

    method: str
    path: str
    """Below `/api`; a part in braces is any one."""
    request: type[Struct]
    answer: Answer
    in_run: InRun | None = None
    """What answers the token of a run. None: `answer` does, where the request names that run or one below it, or
    a logged model or trace of these (see `callers.check_named`), and nothing is allowed where it names none."""


def _routes() -> list[Route]:
    made: list[Route] = []

    def add(
        methods: str,
        path: str,
        request: type[Struct],
        answer: Answer,
        in_run: InRun | None = None,
        *,
        version: str = "2.0",
    ) -> None:
        made.extend(
            Route(method, f"/{version}/mlflow/{path}", request, answer, in_run) for method in methods.split()
        )

    add("POST", "experiments/create", experiments.Create, experiments.create, in_runs.create_experiment)
    add("GET", "experiments/get", experiments.ById, experiments.get, in_runs.experiment)
    add(
        "GET",
        "experiments/get-by-name",
        experiments.ByName,
        experiments.get_by_name,
        in_runs.experiment_by_name,
    )
    add("GET POST", "experiments/search", experiments.Search, experiments.search, in_runs.search_experiments)
    add("POST", "experiments/delete", experiments.ById, experiments.delete)
    add("POST", "experiments/restore", experiments.ById, experiments.restore)
    add("POST", "experiments/update", experiments.Rename, experiments.rename)
    add("POST", "experiments/set-experiment-tag", experiments.SetTag, experiments.set_tag)
    add("POST", "experiments/delete-experiment-tag", experiments.SetTag, experiments.delete_tag)
    add("POST", "runs/create", runs.Create, runs.create, in_runs.create_run)
    add("POST", "runs/create-promptlab-run", promptlab.Create, promptlab.create)
    add("GET", "runs/get", ById, runs.get)
    add("POST", "runs/update", runs.Update, runs.update)
    add("POST", "runs/delete", ById, runs.delete)
    add("POST", "runs/restore", ById, runs.restore)
    add("POST", "runs/search", runs.Search, runs.search, in_runs.search_runs)
    add("POST", "runs/log-metric", logging.LogMetric, logging.log_metric)
    add("POST", "runs/log-parameter", logging.LogParam, logging.log_param)
    add("POST", "runs/log-batch", logging.LogBatch, logging.log_batch)
    add("POST", "runs/set-tag", logging.SetTag, logging.set_tag)
    add("POST", "runs/delete-tag", logging.DeleteTag, logging.delete_tag)
    add("GET", "metrics/get-history", histories.History, histories.of_run)
    add("POST", "runs/log-inputs", inputs.LogInputs, inputs.log_inputs)
    add("POST", "runs/log-model", inputs.LogModel, inputs.log_model)
    add("POST", "runs/outputs", inputs.LogOutputs, inputs.log_outputs)
    add("GET", "metrics/get-history-bulk", histories.Bulk, histories.of_runs)
    add("GET", "metrics/get-history-bulk-interval", histories.Interval, histories.sampled)
    add("POST", "experiments/search-datasets", inputs.SearchDatasets, inputs.search_datasets)
    add("GET", "artifacts/list", artifacts.ListRun, artifacts.of_run)
    add("POST", "logged-models", logged_models.Create, logged_models.create, in_runs.create_logged_model)
    add(
        "POST",
        "logged-models/search",
        logged_models.Search,
        logged_models.search,
        in_runs.search_logged_models,
    )
    add("GET", "logged-models/{model_id}", logged_models.ById, logged_models.get)
    add("PATCH", "logged-models/{model_id}", logged_models.Finish, logged_models.finish)
    add("DELETE", "logged-models/{model_id}", logged_models.ById, logged_models.delete)
    add("PATCH", "logged-models/{model_id}/tags", logged_models.SetTags, logged_models.set_tags)
    add(
        "DELETE", "logged-models/{model_id}/tags/{tag_key}", logged_models.DeleteTag, logged_models.delete_tag
    )
    add("POST", "logged-models/{model_id}/params", logged_models.LogParams, logged_models.log_params)
    add(
        "GET",
        "logged-models/{model_id}/artifacts/directories",
        artifacts.ListModel,
        artifacts.of_logged_model,
    )
    registry_routes.add_to(add)
    tracing.add_to(add)
    add(
        "GET",
        "server-info",
        server_info.Nothing,
        server_info.get,
        in_runs.as_usual(server_info.get),
        version="3.0",
    )
    return made


ROUTES = _routes()
