"""Which files of this workspace an address of a model means: those of a run, of a logged model, of a version."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from faena.db import Read
from faena.kernel.errors import FaenaError
from faena.mlflow.artifacts import addresses
from faena.mlflow.artifacts.trees import LoggedModelFiles, RunFiles, Tree
from faena.mlflow.errors import MlflowError

LOGGED_MODEL = re.compile(r"m-[0-9a-f]{32}")
_ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts/"


def find(source: str) -> tuple[Tree, str] | None:
    """Whose files, and the path below them; None: an address of something else. Whether they exist is not asked."""
    parts = urlsplit(source)
    path = re.sub(r"/+", "/", parts.path)
    first, _, rest = path.strip("/").partition("/")
    try:
        if parts.scheme == "runs":
            return RunFiles(first), addresses.clean(unquote(rest))
        if parts.scheme == "models" and LOGGED_MODEL.fullmatch(first):
            return LoggedModelFiles(first), addresses.clean(unquote(rest))
        if parts.scheme == "mlflow-artifacts":
            return _owned(unquote(path.removeprefix(_ARTIFACTS).strip("/")))
        if parts.scheme in ("http", "https") and _ARTIFACTS in path:  # which host it names is not known here
            return _owned(unquote(path.partition(_ARTIFACTS)[2].strip("/")))
    except MlflowError:
        return None
    return None


def _owned(address: str) -> tuple[Tree, str] | None:
    tree, path = addresses.find(address)
    return None if tree is None else (tree, path)


def has_files(read: Read, source: str) -> bool:
    """Whether there are such files now."""
    if (place := find(source)) is None:
        return False
    tree, path = place
    try:
        return any(not path or name == path or name.startswith(f"{path}/") for name in tree.files(read, path))
    except (MlflowError, FaenaError):
        return False
