"""Use cases of registered environments: a name, versions from 1 up, a new one when the definition changes."""

from __future__ import annotations

from typing import Any

import msgspec

from faena.db import Read, Write
from faena.environments import service, store
from faena.environments.redaction import redacted
from faena.environments.schemas import EnvironmentDefinition, EnvironmentView
from faena.kernel import ids
from faena.kernel.clock import Micros
from faena.kernel.errors import NotFound, UserErrorException

_RESERVED = "azureml-"
_MAX_BYTES = 1 << 20


def register(write: Write, name: str, definition: EnvironmentDefinition, now: Micros) -> EnvironmentView:
    """The version that holds the definition: the latest if it does already, else a new one.

    Raises UserErrorException for a name that cannot be one, or naming what in the definition cannot be used.
    """
    check_name(name)
    _check_variables(definition.environment_variables)
    service.refuse_impossible(service.spec_of(definition.request))
    kept = msgspec.structs.replace(
        definition,
        request=service.kept(definition.request),
        sections=_without_credentials(definition.sections),
    )
    if len(msgspec.json.encode(kept)) > _MAX_BYTES:
        raise UserErrorException(f"The definition of environment {name!r} has more than 1 MiB. Shorten it.")
    latest = store.version(write, name, None)
    if latest is not None and latest.definition == kept:
        return latest
    made = EnvironmentView(name, 1 if latest is None else latest.version + 1, now, kept)
    store.add_version(write, made)
    return made


def get(read: Read, name: str, version: int | None) -> EnvironmentView:
    """A version, the latest when None. Raises NotFound."""
    found = store.version(read, name, version)
    if found is None:
        wanted = name if version is None else f"{name}:{version}"
        known = sorted({each.name for each in store.versions(read)})
        shown = ", ".join(known[:20]) or "none yet"
        raise NotFound(
            f"No environment {wanted[:300]!r} is registered in this workspace. Registered: {shown}."
        )
    return found


def check_name(name: str) -> str:
    """Raises UserErrorException for what cannot be a name; those of v1's curated environments are not free."""
    ids.check_environment_name(name)
    if name.lower().startswith(_RESERVED):
        raise UserErrorException(
            f"Names that start with 'AzureML-' belong to curated environments. Give {name[:80]!r} another name: "
            "clone the environment under it."
        )
    return name


def _without_credentials(sections: dict[str, Any]) -> dict[str, Any]:
    """v1's sections hold an index as the line `--index-url https://user:password@host`."""
    text = redacted(msgspec.json.encode(sections).decode(), mark="")
    return msgspec.json.decode(text, type=dict[str, Any])


def _check_variables(variables: dict[str, str]) -> None:
    for name, value in variables.items():
        if not name or "=" in name or "\0" in name + value:
            raise UserErrorException(
                f"{name[:80]!r} cannot be an environment variable. Use names without '=' and no NUL bytes."
            )
