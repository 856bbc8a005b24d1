"""Files without a date, where packages of a date are asked for: which are let in, and what is said of the others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)

from faena.environments import index_pages
from faena.environments.folders import Log
from faena.kernel.plural import counted

_UNDATED = re.compile(r"warning: `([^`\s]{1,400})` is missing an upload date")
_PASSED_ON = ("warning:", "error:", "hint:")
_MOST_NAMED = 10


class Undated:
    """A log for uv that tells of files without a date once, by index, and not file by file."""

    def __init__(self, log: Log, indexes: index_pages.Indexes) -> None:
        self._log = log
        self._indexes = indexes
        self._files: dict[str, None] = {}

    def __call__(self, line: str) -> None:
        if found := _UNDATED.match(line):
            self._files[found[1]] = None
        elif line.startswith(_PASSED_ON):  # the rest is the lock itself, which uv prints as well
            self._log(line)

    def tell(self) -> str:
        """One line an index to the log; all of them, for an error."""
        by_index: dict[str, list[str]] = {}
        listing: dict[str, str] = {}
        for file in self._files:
            if (name := project_of(file)) and name not in listing:
                listing[name] = index_pages.that_lists(file, name, self._indexes())
            by_index.setdefault(listing.get(name, ""), []).append(file)
        lines = [_line(index, files) for index, files in by_index.items()]
        self._files.clear()
        for line in lines:
            self._log(line)
        return " ".join(lines)


def _line(index: str, files: Sequence[str]) -> str:
    names = list(dict.fromkeys(filter(None, map(project_of, files))))
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return (
        f"The index {index or 'that is asked'} does not say when files came: {counted(len(files), 'file')} of "
        f"{', '.join(names[:_MOST_NAMED])}{more} cannot be used as of a date. undated=[{names[0]!r}] (--undated "
        f"{names[0]}) lets those of a package in."
    )


def project_of(filename: str) -> str:
    """The canonical name of the package that a file is of; empty where it is none's."""
    try:
        if filename.endswith(".whl"):
            return parse_wheel_filename(filename)[0]
        return parse_sdist_filename(filename)[0]
    except (InvalidWheelFilename, InvalidSdistFilename):
        return ""


def let_in(places: str, undated: Iterable[str], folder: Path, log: Log) -> str:
    """The folder, with links to the files of find-links that are named so; empty where there are none.

    `places`: uv's list of them, with commas. A file that lies there has no date, and uv would take it for one of any.
    """
    names = {canonicalize_name(name) for name in undated}
    links = 0
    for place in filter(None, (each.strip() for each in places.split(","))):
        local = _folder(place)
        if local is None:
            log(f"The page {place} is not used as of a date: what it links to has none.")
            continue
        for file in _files(local):
            if project_of(file.name) in names:
                folder.mkdir(mode=0o700, exist_ok=True)
                (folder / file.name).unlink(missing_ok=True)
                (folder / file.name).symlink_to(file)
                links += 1
        if not names:
            log(
                f"Files in {place} are not used as of a date: they have none. undated=[NAME] lets a package's in."
            )
    return str(folder) if links else ""


def _folder(place: str) -> Path | None:
    if place.lower().startswith("file:"):
        return Path(unquote(urlsplit(place).path))
    return Path(place).expanduser() if "://" not in place else None


def _files(folder: Path) -> list[Path]:
    try:
        return [each.absolute() for each in folder.iterdir() if each.is_file()]
    except OSError:
        return []


def of_find_links(variables: Mapping[str, str]) -> str:
    return variables.get("UV_FIND_LINKS", "")
