"""What a model was made with, as MLflow lists it: requirements.txt, python_env.yaml, conda.yaml."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import yaml

from faena.environments import lock_text
from faena.environments.model import Lock

REQUIREMENTS, PYTHON, CONDA = "requirements.txt", "python_env.yaml", "conda.yaml"
_CLIENTS = ("mlflow", "mlflow-skinny")


def of_lock(lock: Lock | None, package: str, version: str) -> tuple[list[str], str]:
    """Requirements, and the version of Python (empty: not known), of a run whose environment this was.

    Without a lock, or of an interpreter that was used as it is: `package` at `version`, as far as that is known.
    """
    python = "" if lock is None else lock.interpreter.version
    if lock is None or not lock.built:
        found = [f"{package}=={version}" if version else package]
    else:
        found = [_requirement(block) for block in lock_text.blocks(lock.requirements)]
    if not any(re.split(r"[=\[ ;@]", each)[0].lower() in _CLIENTS for each in found):
        found.append("mlflow")
    return found, python


def files(requirements: Sequence[str], python: str) -> dict[str, bytes]:
    """By name."""
    listed = "".join(f"{each}\n" for each in requirements).encode()
    version = {"python": python} if python else {}
    interpreter: dict[str, Any] = {**version, "dependencies": [f"-r {REQUIREMENTS}"]}
    conda = [*([f"python={python}"] if python else []), "pip", {"pip": list(requirements)}]
    return {
        REQUIREMENTS: listed,
        PYTHON: _text(interpreter),
        CONDA: _text({"name": "mlflow-env", "channels": ["conda-forge"], "dependencies": conda}),
    }


def version_of(requirements: Sequence[str], package: str) -> str:
    """Empty where it is not among them, or without a version."""
    for each in requirements:
        name, _, version = each.partition("==")
        if re.sub(r"[-_.]+", "-", name).lower() == package and version:
            return version.partition(" ")[0]
    return ""


def _requirement(block: str) -> str:
    """Without its hashes, which say where files are from and not which version it is."""
    return re.split(r"\s+\\?\s*--hash|\s*\\\n", block, maxsplit=1)[0].strip()


def _text(value: Any) -> bytes:
    text: str = yaml.safe_dump(value, sort_keys=False, default_flow_style=False, allow_unicode=True)
    return text.encode()
