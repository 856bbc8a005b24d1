"""Wire types of environments."""

from __future__ import annotations

import sys

from msgspec import Struct, field


class IndexRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A package index that is asked before the default one. Credentials in `url` serve the build and are kept
    nowhere; `name` names the variables `UV_INDEX_<NAME>_USERNAME` and `_PASSWORD` that may hold them instead."""

    url: str
    name: str = ""


def _running() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


class EnvironmentRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What an environment is asked to be; the fields are those of `faena.environments.model.EnvironmentSpec`.

    It is checked by the server, so that a client need not load what checks it.
    """

    python: str | None = None
    packages: tuple[str, ...] = ()
    framework: str | None = None
    framework_version: str | None = None
    interpreter: str | None = None
    conda_packages: tuple[str, ...] = ()
    index_urls: tuple[IndexRequest, ...] = ()
    client_python: str = field(default_factory=_running)
    """Minor version of whoever makes the request."""
