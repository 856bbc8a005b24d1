"""Where an experiment wants the files of the runs that MLflow's clients make in it: here, or at an address of its own.

Such an address is kept as a tag of the experiment. Clients write there themselves, and nothing of it lies here.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from faena.mlflow.errors import MlflowError, invalid_value
from faena.workspaces.schemas import LOCATION_TAG, ExperimentView

TAG = LOCATION_TAG
LONGEST = 2000
"""Characters."""
_DECODED = 5
_NO_STORES = frozenset({"runs", "models", "javascript", "data"})


def checked(given: str, folder: Path) -> str:
    """The address as it is kept: a relative path counts from `folder`, which is where the workspace lies.

    Raises MlflowError for what is no address of a place for files.
    """
    if len(given) > LONGEST:
        raise MlflowError(
            f"Invalid artifact path length. The length of the artifact path is {len(given)}, but it cannot be greater "
            f"than {LONGEST} characters."
        )
    try:
        parts = urlsplit(given)
    except ValueError:
        raise invalid_value("artifact_location", given, "an address") from None
    if parts.fragment or ";" in parts.path:
        raise MlflowError("'artifact_location' URL can't include fragments or params.")
    query = parts.query
    for _ in range(_DECODED):
        if ".." in query:
            raise MlflowError("Invalid query string")
        query = unquote(query)
    if (
        "\0" in given
        or ".." in unquote(parts.path).replace("\\", "/").split("/")
        or parts.scheme in _NO_STORES
    ):
        raise invalid_value("artifact_location", given, "an absolute path, or the address of a store")
    return _absolute(given, parts, folder).rstrip("/") or "/"


def _absolute(given: str, parts: SplitResult, folder: Path) -> str:
    if not parts.scheme:
        return given if given.startswith("/") else f"{folder.as_posix()}/{given}"
    if parts.scheme == "file" and not parts.netloc and not parts.path.startswith("/"):
        return urlunsplit(("file", "", f"{folder.as_posix()}/{parts.path}", parts.query, ""))
    return given


def of_experiment(experiment: ExperimentView) -> str:
    return experiment.tags.get(TAG) or f"mlflow-artifacts:/{experiment.id}"


def below(root: str, path: str) -> str:
    """The address of a path below another one, whose query stays at the end."""
    address, mark, query = root.partition("?")
    return f"{address.rstrip('/')}/{path}{mark}{query}"


def is_within(source: str, root: str) -> bool:
    """Whether a path of this machine lies in a folder of it."""
    inner, outer = (each.removeprefix("file://").rstrip("/").split("/") for each in (source, root))
    return root[:1] in "/f" and not {"", ".", ".."} & set(inner[1:]) and inner[: len(outer)] == outer
