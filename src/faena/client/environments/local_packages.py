"""Packages named by where they lie: `./pkg`, `-e .[dev]`, `pkg @ file:///srv/pkg`, `dist/pkg-1.0-py3-none-any.whl`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from faena.client.environments.pip_lines import refuse, split

_NAMED = re.compile(r"([A-Za-z0-9][\w.-]*) ?(?:\[([\w\s,.-]*)\])? ?@ ?(\S.*)", re.ASCII)
_EXTRAS = re.compile(r"(.+?)\[([\w\s,.-]*)\]", re.ASCII)
_PATH = re.compile(
    r"(?:file:|\.{1,2}(?:[/\\\[]|$)|/|~|[\w.+-]+[/\\])[^;\s]*|[\w.+!-]+\.(?:whl|zip|tgz|tar\.gz|tar\.bz2|tar\.xz)"
)


class Local(NamedTuple):
    path: str
    """As it was written, or of the file URL."""
    name: str = ""
    extras: tuple[str, ...] = ()
    marker: str = ""

    def line(self, place: Path) -> str:
        """The same package in a line that means it wherever it stands."""
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        marker = f" ; {self.marker}" if self.marker else ""
        url = place.as_uri()
        return f"{self.name}{extras} @ {url}{marker}" if self.name else f"{url}{extras}{marker}"


def parse(requirement: str) -> Local | None:
    """None for what names no place on this machine. Raises UserErrorException for a file URL of another one."""
    text, _, marker = requirement.partition(" ; ") if " ; " in requirement else requirement.partition("; ")
    name, extras, place = "", "", text.strip()
    if named := _NAMED.fullmatch(place):
        name, extras, place = named[1], named[2] or "", named[3].strip()
    elif inner := _EXTRAS.fullmatch(place):
        place, extras = inner[1].strip(), inner[2]
    if "://" in place and not place.startswith("file:"):
        return None
    if not _PATH.fullmatch(place) or "\x00" in place:
        return None
    return _local(requirement, place, name, extras, marker)


def of_editable(value: str) -> Local:
    """What stands behind `-e`, which is a place whatever it looks like. Raises UserErrorException as `parse`."""
    found = _EXTRAS.fullmatch(value)
    return _local(value, found[1] if found else value, "", found[2] if found else "", "")


def _local(text: str, place: str, name: str, extras: str, marker: str) -> Local:
    if place.startswith("file:"):
        parts = split(place, text)
        if parts.netloc not in ("", "localhost"):
            refuse(
                text,
                f"it names a file of the host {parts.netloc}. Bring the file here, or give its https URL",
            )
        place = unquote(parts.path)
        if "\0" in place:
            refuse(text, "its URL cannot be read: it holds a NUL")
    elif "\\" in place:
        refuse(text, "folders are separated by '/' here")
    listed = tuple(each.strip() for each in extras.split(",") if each.strip())
    return Local(place, name, listed, marker.strip())


def find(local: Local, folders: Iterable[Path], text: str) -> Path:
    """Where it is: in the first of `folders` that has it. Raises UserErrorException naming what was looked for."""
    from faena.environments.archives import PROJECT_FILES, SUFFIXES, is_installable

    given = expanded(local.path)
    looked = [Path(folder) / given for folder in folders]
    for place in looked:
        if exists(place) and is_installable(place):
            return place.absolute()
    there = next((place for place in looked if exists(place)), None)
    if there is None:
        looked_for = ", no ".join(dict.fromkeys(str(place)[:300] for place in looked))
        why = f"there is no {looked_for}. Give the path of a folder or a wheel"
    elif there.is_dir():
        why = f"the folder {there} holds no package: it has none of {', '.join(PROJECT_FILES)}"
    else:
        why = f"{there} is no package: its name ends in none of {', '.join(SUFFIXES)}"
    return refuse(text, why)


def expanded(path: str) -> Path:
    """With the home folder in place of `~`; as it is where there is no such user."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def exists(path: Path) -> bool:
    """Also False for what can be no path, such as one that is too long."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False
