"""Asks package indexes for their pages, side by side, each within bounds."""

from __future__ import annotations

import base64
import netrc
import ssl
import urllib.request
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from http.client import HTTPException
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name

from faena.environments.package_index import Index

_FORM = "application/vnd.pypi.simple.v1+json"
_MOST = 64 << 20
_SECONDS = 10.0
_GZIP = 31
"""zlib's word for gzip's header."""
_TOGETHER = 8


def bodies(wanted: Sequence[tuple[str, Index]]) -> list[bytes | None]:
    """Of each package and index, as `body`."""
    if len(wanted) == 1:
        return [body(*wanted[0])]
    with ThreadPoolExecutor(min(_TOGETHER, len(wanted))) as threads:
        return list(threads.map(lambda each: body(*each), wanted))


def body(name: str, index: Index) -> bytes | None:
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


@cache
def _opener() -> urllib.request.OpenerDirector:
    """One for all pages: to read the machine's certificates takes longer than a page."""
    return urllib.request.build_opener(urllib.request.HTTPSHandler(context=ssl.create_default_context()))


def _of_netrc(url: str) -> tuple[str, str] | None:
    try:
        found = netrc.netrc().authenticators(urlsplit(url).hostname or "")
    except (OSError, netrc.NetrcParseError):
        return None
    return (found[0], found[2]) if found else None
