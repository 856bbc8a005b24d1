"""Why uv failed, read from what it said, and what to do about it."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name

from faena.environments.frameworks import FRAMEWORKS

_UNREACHED = re.compile(
    r"Failed to (?:fetch|download)[^\n]{0,200}?:? `?(https?://\S+?)`?(?:\s|$)", re.IGNORECASE
)
_STATUS = re.compile(r"HTTP status (?:client|server) error \((\d{3}) ([^)]{0,200})\)")
_UNASKED = re.compile(r"An index(?: URL)? \(([^\s()]+)\)[^\n]{0,300}?(40[137])")
_OFFLINE = re.compile(r"network (?:was|is) disabled")
_UNREAD = re.compile(r"Failed to read `--find-links` (?:directory|URL): (\S+)")
_TOLD = re.compile(r"^[ \t]*+(?:cause|Caused by): (.+)$", re.MULTILINE | re.IGNORECASE)
_LACKING = re.compile(r"\b([A-Za-z0-9][\w.-]{0,120}) was not found in the (?:package registry|provided)")
_NO_VERSION = re.compile(r"there is no version of ([A-Za-z0-9][\w.-]{0,120})==([\w.+!*]{1,60})")
_WHEELS = re.compile(
    r"only found wheels for `([\w.-]{1,120})` \(v([\w.+!]{1,60})\) with the following Python"
)
_TAG = re.compile(r"`cp3(\d{1,2})[a-z]{0,2}`")
_BUILT = re.compile(r"Failed to build `([\w.-]{1,120})==([\w.+!]{1,60})`")
_UNREAD_METADATA = re.compile(r"Because ([A-Za-z0-9][\w.-]{0,120})==([\w.+!]{1,60}) has invalid metadata")
_OLDEST = 8
"""The minor version of the oldest Python 3 that a script runs on whose packages have no date."""


def of_a_package(tail: str) -> str:
    """Which package cannot be had and what to ask for instead; empty: none is known to be at fault alone."""
    said = " ".join(tail.split())
    if found := _LACKING.search(said):
        return f"The package index has no {found[1]}: look at its name."
    if found := _WHEELS.search(said):
        minors = [int(minor) for minor in _TAG.findall(said, found.end())]
        newest = max(minors, default=0)
        name = f"{found[1]} {found[2]}"
        if newest < _OLDEST:
            return (
                f"{name} is for Pythons before 3.{_OLDEST}: ask for it as of its time (as_of='auto', --as-of auto; "
                f"docs/as-of.md), or for a later version{_known(found[1])}."
            )
        return (
            f"{name} is for Python up to 3.{newest}: ask for that Python (--python 3.{newest}, "
            f"python='3.{newest}'), or for a later version."
        )
    if found := _NO_VERSION.search(said):
        return (
            f"There is no version {found[2]} of {found[1]}: ask for another{_known(found[1])}, or for none."
        )
    if found := _UNREAD_METADATA.search(said):
        return f"What {found[1]} {found[2]} says of itself is in no form of today: ask for a later version."
    if (found := _BUILT.search(said)) and canonicalize_name(found[1]) == "mpi4py":
        return (
            f"mpi4py {found[2]} has no wheel for this Python, and its source could not be built, which needs an MPI "
            "compiler (mpicc): ask for Python 3.8 or newer (--python 3.8, python='3.8'), or give an interpreter that "
            "has mpich and mpi4py (--interpreter), of release 3 or later."
        )
    if found := _BUILT.search(said):
        return (
            f"{found[1]} {found[2]} has no wheel for this Python, and building it from its source failed: ask for a "
            f"later version{_known(found[1])}, or for an older Python (--python 3.8, python='3.8')."
        )
    return ""


def _known(package: str) -> str:
    """The versions of a framework that are had without a date."""
    name = canonicalize_name(package)
    for framework in FRAMEWORKS.values():
        if name in (framework.package, *framework.variants):
            return f", such as {', '.join(each.version for each in framework.releases if not each.came)}"
    return ""


def of_the_index(tail: str) -> str:
    """What kept an index from answering, with the remedy; empty: they answered, and the packages are at fault."""
    if found := _UNASKED.search(tail):
        return _refused(found[1], found[2])
    if _OFFLINE.search(tail):
        return (
            "The package index was not asked, since the network is turned off: unset UV_OFFLINE for whoever starts "
            "the server (`faena server stop` ends the one that runs), or bring the packages in a folder that "
            "UV_FIND_LINKS names."
        )
    if found := _UNREAD.search(tail):
        told = _TOLD.findall(tail)
        why = f": {told[-1].strip().rstrip('.')}" if told else ""
        return (
            f"The place for packages {found[1]} cannot be read{why}. It is asked for by --find-links, UV_FIND_LINKS, "
            "PIP_FIND_LINKS or pip's settings: bring it back, or take it away there."
        )
    found = _UNREACHED.search(tail)
    if found is None:
        return ""
    url = found[1]
    if status := _STATUS.search(tail):
        if status[1] in ("401", "403", "407"):
            return _refused(url, status[1])
        if status[1] == "404":
            return f"{url} is not there any more ({status[1]} {status[2]}). Look at the address, and submit again."
        answer = f"{status[1]} {status[2]}"
        return f"The package index {_place(url)} is out of order: it answers {answer}. Submit again later."
    told = _TOLD.findall(tail)
    why = told[-1].strip().rstrip(".") if told else "it does not answer"
    return (
        f"The package index {_place(url)} cannot be reached: {why}. Check its address, the network and the proxy "
        "(HTTPS_PROXY, NO_PROXY), and submit again."
    )


def _refused(url: str, status: str) -> str:
    if status == "407":
        return f"The proxy on the way to {_place(url)} wants a user and a password (407). Give them in HTTPS_PROXY."
    return (
        f"The package index {_place(url)} refuses to answer ({status}). Give a user and a password that may read it: "
        "in the index's URL, in UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD, or in ~/.netrc."
    )


def _place(url: str) -> str:
    """Scheme and host of a URL that uv printed."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
