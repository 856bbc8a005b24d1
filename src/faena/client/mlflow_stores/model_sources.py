"""Where the files of a registered version are among what was brought: those of a run, of a logged model, of another."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from urllib.parse import quote, unquote, urlsplit

import msgspec

from faena.mlflow.moving.schemas import VersionGiven

_RUN = re.compile(r"(?:^|/)([0-9a-f]{32})/artifacts(?:/(.*))?$")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+:")
_BY_ID = re.compile(r"^/*([^/]+)(?:/(.*))?$")
"""Of `runs:/RUN/PATH` and `models:/m-…`."""
_ANY_RUN = re.compile(r"^/[^/]+/([^/]+)/artifacts(?:/(.*))?$")
"""Of our own addresses."""
_LOGGED = re.compile(r"(?:^|/)models/(m-[0-9a-f]{32})/artifacts(?:/(.*))?$")


def placed(version: VersionGiven, known: Collection[str]) -> VersionGiven:
    """The same with its place, where its source names one. `known`: runs and logged models that were read."""
    for address in (version.source, version.storage):
        owner, place = _place(address)
        if place and (owner in known or not is_local(address)):
            return msgspec.structs.replace(version, place=place)
    return version


def is_local(address: str) -> bool:
    """Whether it may be a folder of this machine."""
    return bool(address) and (address.startswith("file:") or _SCHEME.match(address) is None)


def _place(address: str) -> tuple[str, str]:
    """(run or logged model, address of ours); empty: none."""
    if address.startswith(("runs:/", "models:/")):
        return "", address
    path = unquote(urlsplit(address).path)
    if found := _LOGGED.search(path):
        return found[1], f"models:/{found[1]}" + (f"/{found[2]}" if found[2] else "")
    if found := _RUN.search(path):
        return found[1], f"runs:/{found[1]}" + (f"/{found[2]}" if found[2] else "")
    return "", ""


def in_folder(address: str, owners: Mapping[str, str]) -> str:
    """The address in a folder store of what another store's address means; empty: none of what was written there.

    `owners`: where the files of runs and logged models lie there, by their ids.
    """
    path = unquote(urlsplit(address).path)
    patterns = (_BY_ID,) if address.startswith(("runs:/", "models:/")) else (_LOGGED, _ANY_RUN)
    for pattern in patterns:
        if (found := pattern.search(path)) and found[1] in owners:
            return f"{owners[found[1]]}/{quote(found[2])}" if found[2] else owners[found[1]]
    return ""
