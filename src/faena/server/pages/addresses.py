"""Where the pages of things are that other pages name. No I/O."""

from __future__ import annotations

from urllib.parse import quote

from faena.server.pages.rendering import with_query

MODELS = "/ui/models"
DATA = "/ui/data"
ENVIRONMENTS = "/ui/environments"
TRACES = "/ui/traces"
EVALUATION_SETS = "/ui/evaluation-sets"


def model_address(name: str, version: int | None = None) -> str:
    """`version` None: the latest."""
    path = f"{MODELS}/{quote(name, safe='')}"
    return with_query(path, {"version": None if version is None else str(version)})


def model_file_address(name: str, version: int, path: str) -> str:
    return f"{MODELS}/{quote(name, safe='')}/{version}/files/{quote(path)}"


def dataset_address(dataset_id: str) -> str:
    return f"{DATA}/sets/{quote(dataset_id, safe='')}"


def datastore_address(name: str) -> str:
    return f"{DATA}/stores/{quote(name, safe='')}"


def environment_address(digest: str) -> str:
    return f"{ENVIRONMENTS}/{quote(digest, safe='')}"


def named_environment_address(name: str, version: int | None = None) -> str:
    """`version` None: the latest."""
    path = f"{ENVIRONMENTS}/named/{quote(name, safe='')}"
    return with_query(path, {"version": None if version is None else str(version)})


def trace_address(trace_id: str) -> str:
    return f"{TRACES}/{quote(trace_id, safe='')}"


def traces_address(**wanted: str) -> str:
    """Those of an `experiment`, of a `run`, of a `status`."""
    return with_query(TRACES, wanted)


def evaluation_set_address(set_id: str) -> str:
    return f"{EVALUATION_SETS}/{quote(set_id, safe='')}"
