"""Which paths are MLflow's. Loads nothing: the gateway asks it of each request with a run's token."""

from __future__ import annotations

WORDS = ("api", "ajax-api", "v1", "health", "version", "get-artifact", "model-versions", "graphql")
"""Their first words."""


def is_one(path: str) -> bool:
    """`path`: of a request, decoded."""
    first = path[1:].partition("/")[0]
    return path.startswith("/") and first in WORDS


def spelled_once(path: str) -> str:
    """With one slash in front where there are several, as MLflow's server has it; other paths are what they are."""
    short = f"/{path.lstrip('/')}"
    return short if path.startswith("//") and is_one(short) else path
