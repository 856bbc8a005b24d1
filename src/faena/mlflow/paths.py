"""Which paths are MLflow's. Loads nothing: the gateway asks it of each request with a run's token."""

from __future__ import annotations

WORDS = ("api", "ajax-api", "v1", "health", "version", "get-artifact", "model-versions", "graphql")
"""Their first words."""
_LOOKING = ("graphql", "search", "search-datasets", "get-latest-versions", "batchGetInfos", "batchGet")
"""The last words of those that change nothing, though they are sent by POST."""


def is_one(path: str) -> bool:
    """`path`: of a request, decoded."""
    first = path[1:].partition("/")[0]
    return path.startswith("/") and first in WORDS


def spelled_once(path: str) -> str:
    """With one slash in front where there are several, as MLflow's server has it; other paths are what they are."""
    short = f"/{path.lstrip('/')}"
    return short if path.startswith("//") and is_one(short) else path


def only_looks(method: str, path: str) -> bool:
    """Whether a request that is one of MLflow's changes nothing, though it is sent by POST."""
    return method == "POST" and path.rstrip("/").rpartition("/")[2] in _LOOKING
