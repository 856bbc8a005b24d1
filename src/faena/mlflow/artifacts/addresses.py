"""Addresses of artifacts: whose files, and which of them.

mlflow-artifacts:/EXPERIMENT/RUN/artifacts[/PATH]              files of a run
mlflow-artifacts:/EXPERIMENT/models/MODEL/artifacts[/PATH]     files of a logged model
mlflow-artifacts:/EXPERIMENT/traces/TRACE/artifacts[/PATH]     files of a trace
mlflow-artifacts:/registered/NAME/VERSION[/PATH]               files of a version, read only
"""

from __future__ import annotations

import posixpath
from typing import Any
from urllib.parse import quote, unquote

from faena.mlflow.artifacts.trees import LoggedModelFiles, RegisteredFiles, RunFiles, TraceFiles, Tree
from faena.mlflow.errors import MISSING, MlflowError

SCHEME = "mlflow-artifacts:/"
_LONGEST = 4000
_MOST_DECODINGS = 3


def of_run(experiment: Any, run_id: str) -> str:
    return f"{SCHEME}{experiment}/{run_id}/artifacts"


def of_logged_model(experiment: Any, model_id: str) -> str:
    return f"{SCHEME}{experiment}/models/{model_id}/artifacts"


def of_trace(experiment: Any, trace_id: str) -> str:
    return f"{SCHEME}{experiment}/traces/{trace_id}/artifacts"


def of_version(name: str, version: int) -> str:
    return f"{SCHEME}registered/{quote(name, safe='')}/{version}"


def find(path: str) -> tuple[Tree, str]:
    """Whose files, and the path below them; empty: all. Raises MlflowError for other paths."""
    match clean(path).split("/"):
        case [experiment, "models", model_id, "artifacts", *rest] if experiment.isdigit():
            return LoggedModelFiles(model_id), "/".join(rest)
        case [experiment, "traces", trace_id, "artifacts", *rest] if experiment.isdigit():
            return TraceFiles(trace_id), "/".join(rest)
        case [experiment, run_id, "artifacts", *rest] if experiment.isdigit():
            return RunFiles(run_id), "/".join(rest)
        case ["registered", name, version, *rest] if version.isascii() and version.isdigit():
            return RegisteredFiles(unquote(name), int(version[:18])), "/".join(rest)
    raise MlflowError(f"No such artifact: '{path[:200]}'", MISSING)


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
