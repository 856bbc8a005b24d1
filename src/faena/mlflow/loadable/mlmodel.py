"""The text of MLmodel: what MLflow's clients read to load a model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import yaml

from faena.kernel import digests
from faena.mlflow.loadable import packages
from faena.mlflow.loadable.formats import OURS, Found, NotLoadable
from faena.models.model import ModelVersion

FILE = "MLmodel"
OURS_FLAVOR = "faena"
_PYFUNC = "python_function"
_VERSIONED = {
    "sklearn": ("scikit-learn", "sklearn_version"),
    "onnx": ("onnx", "onnx_version"),
    "xgboost": ("xgboost", "xgb_version"),
    "lightgbm": ("lightgbm", "lgb_version"),
    "torch": ("torch", "pytorch_version"),
}
"""Packages, and what MLflow calls their versions."""


def text(
    version: ModelVersion, found: Found, requirements: list[str], python: str, module: str, code: str
) -> bytes:
    """`module`: what is sent loads it by; `code`: the folder that this and the source of its run lie in."""
    identity = [version.name, version.version, [(file.path, file.digest) for file in version.files]]
    written: dict[str, Any] = {
        "artifact_path": "model",
        "flavors": _flavors(found, requirements, python, module, code),
        "model_size_bytes": sum(file.size for file in version.files),
        "model_uuid": digests.of_value(identity)[:32],
        "run_id": version.run_id,
        "utc_time_created": f"{datetime.fromtimestamp(version.created_at / 1e6, UTC):%Y-%m-%d %H:%M:%S.%f}",
    }
    made: str = yaml.safe_dump(written, sort_keys=True, default_flow_style=False, allow_unicode=True)
    return made.encode()


def _flavors(found: Found, requirements: list[str], python: str, module: str, code: str) -> dict[str, Any]:
    if isinstance(found, NotLoadable):
        return {
            _PYFUNC: {"loader_module": module, "code": code},
            OURS_FLAVOR: {"cannot_be_loaded": found.why},
        }
    pyfunc: dict[str, Any] = {
        "loader_module": found.module or module,
        "env": {"conda": packages.CONDA, "virtualenv": packages.PYTHON},
        **({"python_version": python} if python else {}),
        **({"code": code} if code else {}),
    }
    flavors: dict[str, Any] = {_PYFUNC: pyfunc}
    if found.module == OURS:
        flavors[OURS_FLAVOR] = {"kind": found.kind, "data": found.file, "options": dict(found.options)}
    elif found.file:
        pyfunc["model_path" if found.kind == "sklearn" else "data"] = found.file
    package, word = _VERSIONED.get(found.kind, ("", ""))
    release = packages.version_of(requirements, package) or ("unknown" if found.kind == "torch" else "")
    for name, given in found.flavors.items():
        said = {word: release} if word and release else {}  # MLflow looks for PyTorch's in any case
        flavors[name] = {**given, **said, **({"code": code} if code else {})}
    return flavors
