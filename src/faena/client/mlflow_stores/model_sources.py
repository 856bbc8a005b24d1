"""Where the files of a registered version are among what was brought: those of a run, of a logged model, of another."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote, urlsplit

import msgspec

from faena.mlflow.moving.schemas import VersionGiven

_RUN = re.compile(r"(?:^|/)([0-9a-f]{32})/artifacts(?:/(.*))?$")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]+:")
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
