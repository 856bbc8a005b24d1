"""Addresses of artifacts: whose files, and which of them.

mlflow-artifacts:/EXPERIMENT/RUN/artifacts[/PATH]              files of a run
mlflow-artifacts:/EXPERIMENT/models/MODEL/artifacts[/PATH]     files of a logged model
mlflow-artifacts:/EXPERIMENT/traces/TRACE/artifacts[/PATH]     files of a trace
mlflow-artifacts:/registered/NAME/VERSION[/PATH]               files of a version, read only
mlflow-artifacts:/PATH                                         files of nobody, in the workspace's datastore

Before RUN and models/MODEL there may be another path than EXPERIMENT: what the experiment was given as its location.
"""

from __future__ import annotations

import posixpath
import re
from urllib.parse import quote, unquote

from faena.db import Read
from faena.mlflow.artifacts import locations
from faena.mlflow.artifacts.trees import LoggedModelFiles, RegisteredFiles, RunFiles, TraceFiles, Tree
from faena.mlflow.errors import MlflowError
from faena.models.logged.model import LoggedModel
from faena.runs.model import EXTERNAL, Run
from faena.workspaces import store as workspaces
from faena.workspaces.schemas import ExperimentView

SCHEME = "mlflow-artifacts:/"
_LONGEST = 4000
_MOST_DECODINGS = 3
_OF_MODEL = re.compile(r"(?:[^/]+/)+models/(m-[0-9a-f]{32})/artifacts(?:/(.*)|\Z)", re.DOTALL)
_OF_RUN = re.compile(r"(?:[^/]+/)+([0-9a-f]{32})/artifacts(?:/(.*)|\Z)", re.DOTALL)


def of_run(experiment: ExperimentView | None, run: Run) -> str:
    """Files of runs that were submitted here lie here, wherever their experiment wants those of others."""
    if experiment is None or run.type != EXTERNAL:
        return f"{SCHEME}{experiment.id if experiment else ''}/{run.id}/artifacts"
    return locations.below(locations.of_experiment(experiment), f"{run.id}/artifacts")


def of_logged_model(read: Read, model: LoggedModel) -> str:
    experiment = workspaces.experiment_by_id(read, model.experiment_id)
    root = locations.of_experiment(experiment) if experiment else f"{SCHEME}{model.experiment_id}"
    return locations.below(root, f"models/{model.id}/artifacts")


def of_trace(experiment: object, trace_id: str) -> str:
    return f"{SCHEME}{experiment}/traces/{trace_id}/artifacts"


def of_version(name: str, version: int) -> str:
    return f"{SCHEME}registered/{_spelled(name)}/{version}"


def find(path: str) -> tuple[Tree | None, str]:
    """Whose files, and the path below them; empty: all. None: nobody's, with the whole path."""
    plain = clean(path)
    match plain.split("/"):
        case [experiment, "models", model_id, "artifacts", *rest] if experiment.isdigit():
            return LoggedModelFiles(model_id), "/".join(rest)
        case [experiment, "traces", trace_id, "artifacts", *rest] if experiment.isdigit():
            return TraceFiles(trace_id), "/".join(rest)
        case [experiment, run_id, "artifacts", *rest] if experiment.isdigit():
            return RunFiles(run_id), "/".join(rest)
        case ["registered", name, version, *rest] if version.isascii() and version.isdigit():
            return RegisteredFiles(_read(name), int(version[:18])), "/".join(rest)
    if model := _OF_MODEL.match(plain):
        return LoggedModelFiles(model[1]), model[2] or ""
    if run := _OF_RUN.match(plain):
        return RunFiles(run[1]), run[2] or ""
    return None, plain


def _spelled(name: str) -> str:
    """As the part of an address that stays the same however often it is decoded, which depends on who asks."""
    return quote(name, safe="").replace("~", "%7E").replace("%", "~")


def _read(part: str) -> str:
    return unquote(part.replace("~", "%"), errors="strict")


def clean(path: str) -> str:
    """The path in its normal form; empty: the folder itself.

    Raises MlflowError for what leads out of the folder, or would if it were decoded once more.
    """
    plain = path
    for _ in range(_MOST_DECODINGS):
        parts = plain.replace("\\", "/").split("/")
        if (
            len(plain) > _LONGEST
            or "\0" in plain
            or ".." in parts
            or (plain and not parts[0])
            or "://" in plain
        ):
            raise MlflowError("Invalid path")
        if (decoded := unquote(plain)) == plain:
            break
        plain = decoded
    normal = posixpath.normpath(path) if path else ""
    return "" if normal == "." else normal
