"""Passwords of package indexes, between the request that brings them and the builder that uses them.

They live in the server's memory alone: nothing that is stored (submission, spec, lock, log) holds them. A server that
came back in between does not know them any more; the build's error names the index then, and the variables
`UV_INDEX_<NAME>_USERNAME` and `UV_INDEX_<NAME>_PASSWORD` or ~/.netrc give them for good.
"""

from __future__ import annotations

from faena.environments.model import EnvironmentSpec

_kept: dict[str, dict[str, str]] = {}


def put(spec: EnvironmentSpec) -> None:
    """Keep the credentials of a spec's indexes, if it has any."""
    if found := spec.credentials():
        _kept[spec.digest] = found


def variables(digest: str) -> dict[str, str]:
    """Environment variables that hand them to uv; empty where there are none."""
    return dict(_kept.get(digest, {}))


def forget(digest: str) -> None:
    _kept.pop(digest, None)
