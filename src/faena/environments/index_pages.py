"""What package indexes say of a package's files: when they came, and which Pythons its wheels are for.

uv reads the same pages, and tells of them only what it chose. They are asked for here where a Python is to be chosen,
or a date: a few packages, side by side, each page within bounds.
"""

from __future__ import annotations

import base64
import datetime as dt
import netrc
import platform
import re
import ssl
import sys
import urllib.request
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from http.client import HTTPException
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version

_UPLOAD_TIME = '"upload-time"'
_FORM = "application/vnd.pypi.simple.v1+json"
_MOST = 64 << 20
_SECONDS = 10.0
_GZIP = 31
"""zlib's word for gzip's header."""
_TOGETHER = 8
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


class Index(NamedTuple):
    url: str
    credentials: tuple[str, str] | None = None


Indexes = Callable[[], list[Index]]


def of(names: Iterable[str], indexes: Sequence[Index]) -> dict[str, list[File]]:
    """The files of each package, of all indexes together; names that no index answered for are missing."""
    wanted = [(name, index) for name in dict.fromkeys(names) for index in indexes]
    found: dict[str, list[File]] = {}
    if not wanted:
        return found
    with ThreadPoolExecutor(min(_TOGETHER, len(wanted))) as threads:
        for (name, _), files in zip(wanted, threads.map(_asked, wanted), strict=True):
            if files is not None:
                found.setdefault(name, []).extend(files)
    return found


def dated(files: Iterable[File], day: dt.date, versions: SpecifierSet | None = None) -> list[File]:
    """Those that were there at the end of the day, of the versions; pre-releases where they are named."""
    return [
        each
        for each in files
        if each.day is not None and each.day <= day and (versions is None or versions.contains(each.version))
    ]


def minors_of(files: Iterable[File]) -> set[int] | None:
    """Minor versions that there are wheels for; None: all of them. Empty: there are only source distributions."""
    binary = [each for each in files if each.is_binary or each.pure]
    if any(each.any_minor or each.pure for each in binary):
        return None
    return {minor for each in binary for minor in each.minors or ()}


def _asked(wanted: tuple[str, Index]) -> list[File] | None:
    name, index = wanted
    if (data := _body(name, index)) is None:
        return None
    try:
        page = msgspec.json.decode(data, type=_Page)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None  # it has no such form, and so no dates
    return [file for entry in page.files if (file := _file(entry)) is not None]


@cache
def _opener() -> urllib.request.OpenerDirector:
    """One for all pages: to read the machine's certificates takes longer than a page."""
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=ssl.create_default_context()))


def _body(name: str, index: Index) -> bytes | None:
    """An index's page of a package; None where it does not answer: uv says what is wrong."""
    if not index.url.startswith(("https://", "http://")):
        return None  # a folder tells no dates
    request = urllib.request.Request(
        f"{index.url.rstrip('/')}/{canonicalize_name(name)}/",
        headers={"Accept": f"{_FORM}, text/html;q=0.1", "Accept-Encoding": "gzip", "User-Agent": "faena"},
    )
    if credentials := index.credentials or _of_netrc(index.url):
        code = base64.b64encode(":".join(credentials).encode()).decode()
        request.add_header("Authorization", f"Basic {code}")
    try:
        with _opener().open(request, timeout=_SECONDS) as answer:
            data: bytes = answer.read(_MOST)
            packed = answer.headers.get("Content-Encoding") == "gzip"
        return zlib.decompressobj(_GZIP).decompress(data, _MOST) if packed else data
    except (OSError, HTTPException, ValueError, zlib.error):
        return None


def that_lists(filename: str, name: str, indexes: Sequence[Index]) -> str:
    """The address of the index whose page of the package has the file without a date; empty: none that answers."""
    pages = ((index.url, _text(name, index)) for index in indexes)
    return next((url for url, page in pages if filename in page and _UPLOAD_TIME not in page), "")


def _text(name: str, index: Index) -> str:
    if index.url.startswith("file:"):
        page = Path(unquote(urlsplit(index.url).path)) / canonicalize_name(name) / "index.html"
        try:
            return page.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""
    return (_body(name, index) or b"").decode("utf-8", "replace")


def _file(entry: _Entry) -> File | None:
    day = _day(entry.upload_time)
    try:
        if not entry.filename.endswith(".whl"):
            return File(parse_sdist_filename(entry.filename)[1], day, None)
        _, version, _, tags = parse_wheel_filename(entry.filename)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None
    here = [tag for tag in tags if _is_for_here(tag.platform)]
    minors: set[int] = set()
    for tag in here:
        if found := _CPYTHON.fullmatch(tag.interpreter):
            first = int(found[1])
            minors |= set(range(first, 100)) if tag.abi == "abi3" else {first}
    any_minor = any(tag.interpreter == "py3" for tag in here)
    pure = any(tag.interpreter == "py3" and tag.platform == "any" for tag in tags)
    return File(version, day, frozenset(minors) if minors else None, any_minor, pure)


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


def _of_netrc(url: str) -> tuple[str, str] | None:
    try:
        found = netrc.netrc().authenticators(urlsplit(url).hostname or "")
    except (OSError, netrc.NetrcParseError):
        return None
    return (found[0], found[2]) if found else None


def of_uv(text: str, variables: Mapping[str, str], credentials: Mapping[str, Any]) -> list[Index]:
    """The indexes that uv asks, as it prints them with `--emit-index-url`."""
    urls = re.findall(r"^--(?:extra-)?index-url (\S+)$", text, re.MULTILINE)
    names = {url: name for name, url in _named(variables)}
    found: list[Index] = []
    for url in urls:
        prefix = f"UV_INDEX_{names.get(url, '').upper()}"
        user, word = (credentials.get(f"{prefix}_{kind}", "") for kind in ("USERNAME", "PASSWORD"))
        found.append(Index(url, (user, word) if user or word else None))
    return found


def _named(variables: Mapping[str, str]) -> list[tuple[str, str]]:
    listed = f"{variables.get('UV_INDEX', '')} {variables.get('UV_DEFAULT_INDEX', '')}".split()
    return [(name, url) for each in listed for name, equals, url in (each.partition("="),) if equals]
