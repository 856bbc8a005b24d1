"""What uv's own files say of `exclude-newer`: a project's, the user's and the machine's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from faena.kernel import dates

_MOST = 1 << 20
_KEY = b"exclude-newer"


def of_project(folder: Path) -> tuple[str, str]:
    """The date, and the name of the file that says it: uv.toml, else pyproject.toml. Both empty where none does."""
    return _first([(folder / "uv.toml", ()), (folder / "pyproject.toml", ("tool", "uv"))])


def of_user(variables: Mapping[str, str]) -> tuple[str, str]:
    """Likewise, with the file's path: the user's, else the machine's."""
    named = bool(variables.get("UV_CONFIG_FILE"))
    for place in places(variables):
        date, name = _first([(place, ())])
        if date:
            return date, name if named else str(place)
    return "", ""


def places(variables: Mapping[str, str]) -> list[Path]:
    """Where uv looks for files that always count: the user's, else the machine's. They may not be there."""
    if given := variables.get("UV_CONFIG_FILE"):
        return [Path(given)]
    home = Path(variables.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    machine = (variables.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)
    folders = [home, *(Path(each) for each in machine if each), Path("/etc")]
    return [folder / "uv" / "uv.toml" for folder in folders]


def _first(places: Iterable[tuple[Path, tuple[str, ...]]]) -> tuple[str, str]:
    for file, tables in places:
        try:
            with file.open("rb") as opened:
                data = opened.read(_MOST)
        except OSError:
            continue
        if _KEY in data and (date := _said(data, tables)):
            return date, file.name
    return "", ""


def _said(data: bytes, tables: tuple[str, ...]) -> str:
    import tomllib  # few have it

    try:
        found = tomllib.loads(data.decode())
    except (ValueError, RecursionError):
        return ""  # uv says what is wrong with it
    for name in tables:
        found = found.get(name, {}) if isinstance(found, dict) else {}
    for table in (found, found.get("pip", {})) if isinstance(found, dict) else ():
        if isinstance(table, dict) and (value := table.get("exclude-newer")) is not None:
            return dates.cutoff_of_uv(str(value))
    return ""
