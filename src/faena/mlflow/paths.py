"""Which paths are MLflow's. Loads nothing: the gateway asks it of each request with a run's token."""

from __future__ import annotations

WORDS = ("api", "ajax-api", "v1", "health", "version", "get-artifact", "model-versions", "graphql")
"""Their first words."""


def is_one(path: str) -> bool:
    """`path`: of a request, decoded."""
    first = path[1:].partition("/")[0]
    return path.startswith("/") and first in WORDS
