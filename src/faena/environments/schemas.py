"""Wire types of environments."""

from __future__ import annotations

from msgspec import Struct


class EnvironmentRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """What an environment is asked to be; the fields are those of `faena.environments.model.EnvironmentSpec`.

    It is checked by the server, so that a client need not load what checks it.
    """

    python: str | None = None
    packages: tuple[str, ...] = ()
    framework: str | None = None
    framework_version: str | None = None
    interpreter: str | None = None
