"""Experiments whose files MLflow's clients put at an address of their own: in no backup, perhaps not there any more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from faena.health import rows
from faena.health.finding import Finding, ok, warning
from faena.health.subject import Subject
from faena.kernel.plural import counted
from faena.workspaces.schemas import LOCATION_TAG

_EXPERIMENTS = "SELECT name, tags FROM experiments WHERE tags IS NOT NULL ORDER BY name"
_MOST_NAMED = 3
_NAME = "artifact locations"


def check_locations(subject: Subject) -> Iterator[Finding]:
    """Those on this host that are not there; else how many experiments have one."""
    found = {name: place for name, tags in rows.read(subject, _EXPERIMENTS) if (place := _location(tags))}
    gone = [name for name, place in found.items() if (path := _path(place)) and not Path(path).is_dir()]
    for name in gone[:_MOST_NAMED]:
        yield warning(
            _NAME,
            f"{found[name]}, where MLflow's clients put files of the experiment {name!r}, is not there",
            "mount it, or bring it back: Faena has none of these files",
        )
    if found and not gone:
        named = ", ".join(f"{name} at {place}" for name, place in list(found.items())[:_MOST_NAMED])
        more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
        said = f"{counted(len(found), 'experiment')} with files elsewhere, which no backup has: {named}{more}"
        yield ok(_NAME, said)


def _location(tags: bytes | str) -> str:
    try:
        found = json.loads(tags).get(LOCATION_TAG, "")
    except (ValueError, AttributeError, RecursionError):
        return ""
    return found if isinstance(found, str) else ""


def _path(place: str) -> str:
    """Of a folder of this host; empty for an address of another kind."""
    if place.startswith("/"):
        return place
    try:
        parts = urlsplit(place)
    except ValueError:
        return ""
    return unquote(parts.path) if parts.scheme == "file" and not parts.netloc else ""
