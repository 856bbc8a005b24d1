"""What package indexes say of a package's files: when they came, and which Pythons its wheels are for.

uv reads the same pages, and tells of them only what it chose. They are asked for here where a Python is to be chosen,
or a date: a few packages, side by side, each page within bounds.
"""

from __future__ import annotations

import datetime as dt
import platform
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.tags import parse_tag
from packaging.utils import InvalidSdistFilename, canonicalize_name, parse_sdist_filename
from packaging.version import InvalidVersion, Version

from faena.environments.package_index import Index

_UPLOAD_TIME = '"upload-time"'
_NAMED = re.compile(r"[A-Za-z0-9_-]+")
"""An index's name, before an equals sign; an address has one behind a colon."""
_CPYTHON = re.compile(r"cp3(\d{1,2})")


class _Entry(msgspec.Struct, rename="kebab"):
    filename: str
    upload_time: str = ""
    yanked: bool | str = False


class _Page(msgspec.Struct):
    files: list[_Entry] = []


class File(NamedTuple):
    version: Version
    day: dt.date | None
    """When it came, UTC; None: the index does not say."""
    minors: frozenset[int] | None
    """Of a wheel for this machine's platform alone: minor versions of CPython 3 that it is for, None for all others."""
    any_minor: bool = False
    """A wheel for this platform and every Python 3."""
    pure: bool = False
    """A wheel for every platform and every Python 3."""

    @property
    def is_binary(self) -> bool:
        return self.any_minor or self.minors is not None


Indexes = Callable[[], list[Index]]


def of(names: Iterable[str], indexes: Sequence[Index]) -> dict[str, list[File]]:
    """The files of each package, of all indexes together; names that no index answered for are missing."""
    wanted = [(name, index) for name in dict.fromkeys(names) for index in indexes]
    found: dict[str, list[File]] = {}
    if not wanted:
        return found
    from faena.environments import page_requests  # with ssl: few environments need it

    for (name, _), body in zip(wanted, page_requests.bodies(wanted), strict=True):
        if body is not None and (files := _read(body)) is not None:
            found.setdefault(name, []).extend(files)
    return found


def dated(files: Iterable[File], day: dt.date, versions: SpecifierSet | None = None) -> list[File]:
    """Those that were there at the end of the day, of the versions; pre-releases where they are named."""
    there = [each for each in files if each.day is not None and each.day <= day]
    return there if versions is None else of_versions(there, versions)


def of_versions(
    files: Iterable[File], versions: SpecifierSet, *, prereleases: bool | None = None
) -> list[File]:
    """Those whose version is one of them. Of each version there are dozens, which are asked about once."""
    known: dict[Version, bool] = {}
    found: list[File] = []
    for each in files:
        if (is_one := known.get(each.version)) is None:
            is_one = known[each.version] = versions.contains(each.version, prereleases=prereleases)
        if is_one:
            found.append(each)
    return found


def minors_of(files: Iterable[File]) -> set[int] | None:
    """Minor versions that there are wheels for; None: all of them. Empty: there are only source distributions."""
    binary = [each for each in files if each.is_binary or each.pure]
    if any(each.any_minor or each.pure for each in binary):
        return None
    return {minor for each in binary for minor in each.minors or ()}


def _read(body: bytes) -> list[File] | None:
    try:
        page = msgspec.json.decode(body, type=_Page)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # it has no such form, and so no dates
    return [file for entry in page.files if (file := file_of(entry.filename, entry.upload_time)) is not None]


def that_lists(filename: str, name: str, indexes: Sequence[Index]) -> str:
    """The address of the index whose page of the package has the file without a date; empty: none that answers."""
    nearest_first = sorted(indexes, key=lambda index: not index.url.startswith("file:"))
    pages = ((index.url, _text(name, index)) for index in nearest_first)
    return next((url for url, page in pages if filename in page and _UPLOAD_TIME not in page), "")


def _text(name: str, index: Index) -> str:
    if index.url.startswith("file:"):
        page = Path(unquote(urlsplit(index.url).path)) / canonicalize_name(name) / "index.html"
        try:
            return page.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
    from faena.environments import page_requests

    return (page_requests.body(name, index) or b"").decode("utf-8", "replace")


def file_of(filename: str, came: str) -> File | None:
    """`came`: an ISO moment, empty where the index does not say. None for a name that is no package's."""
    day = _day(came)
    try:
        if not filename.endswith(".whl"):
            return File(parse_sdist_filename(filename)[1], day, None)
        # A page has thousands of files of a few hundred versions and tags.
        _, version, *_, interpreter, abi, platforms = filename[: -len(".whl")].split("-")
        return File(_version(version), day, *_for_here(f"{interpreter}-{abi}-{platforms}"))
    except (InvalidSdistFilename, InvalidVersion, ValueError):
        return None


@lru_cache(maxsize=4096)
def _version(text: str) -> Version:
    return Version(text)


@lru_cache(maxsize=4096)
def _for_here(tags: str) -> tuple[frozenset[int] | None, bool, bool]:
    """The last three of a `File`."""
    parsed = parse_tag(tags)
    here = [tag for tag in parsed if _is_for_here(tag.platform)]
    minors: set[int] = set()
    for tag in here:
        if found := _CPYTHON.fullmatch(tag.interpreter):
            first = int(found[1])
            minors |= set(range(first, 100)) if tag.abi == "abi3" else {first}
    any_minor = any(tag.interpreter == "py3" for tag in here)
    pure = any(tag.interpreter == "py3" and tag.platform == "any" for tag in parsed)
    return frozenset(minors) if minors else None, any_minor, pure


def _is_for_here(tag: str) -> bool:
    """Whether a wheel's platform is this machine's: not `any`."""
    if sys.platform == "darwin":
        return tag.startswith("macosx_") and tag.endswith((platform.machine(), "universal2", "intel"))
    return "linux" in tag and tag.endswith(f"_{platform.machine()}")


def _day(text: str) -> dt.date | None:
    try:
        return dt.datetime.fromisoformat(text).astimezone(dt.UTC).date() if text else None
    except ValueError:
        return None


def printed_by_uv(text: str) -> list[str]:
    """The indexes that uv asks, as it prints them with `--emit-index-url`."""
    return re.findall(r"^--(?:extra-)?index-url (\S+)$", text, re.MULTILINE)


def with_credentials(
    urls: Iterable[str], variables: Mapping[str, str], credentials: Mapping[str, Any]
) -> list[Index]:
    """What uv's variables say for the names that some of them have."""
    names = {url_of(each): name for each in _listed(variables) if (name := _name_of(each))}
    found: list[Index] = []
    for url in urls:
        prefix = f"UV_INDEX_{names.get(url, '').upper()}"
        user, word = (credentials.get(f"{prefix}_{kind}", "") for kind in ("USERNAME", "PASSWORD"))
        found.append(Index(url, (user, word) if user or word else None))
    return found


def url_of(listed: str) -> str:
    """Of `name=url` as of `url`."""
    return listed.removeprefix(f"{_name_of(listed)}=")


def _name_of(listed: str) -> str:
    name, equals, _ = listed.partition("=")
    return name if equals and _NAMED.fullmatch(name) else ""


def _listed(variables: Mapping[str, str]) -> list[str]:
    return f"{variables.get('UV_INDEX', '')} {variables.get('UV_DEFAULT_INDEX', '')}".split()
