"""Dates of an index that cannot be: of days to come, before there was such a Python, or those of a copy.

A mirror may give the day on which it fetched a file, or none that it knows as the first of 1970. Packages of a date are
as good as their dates: so what is seen is said, and nothing is changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from faena.environments import index_pages, python_releases, releases
from faena.environments.index_pages import File
from faena.environments.requirements import name_of

_BETAS = dt.timedelta(days=200)
"""How long before a Python comes wheels for it do."""
_FIRST_INDEX = dt.date(2003, 1, 1)
"""There was no package index."""
_ON_THE_WAY = dt.timedelta(days=1)


def seen(requirements: Iterable[str], pages: Mapping[str, Sequence[File]], today: dt.date) -> list[str]:
    """A sentence for each package of which an index says what cannot be."""
    asked = list(dict.fromkeys(requirements))
    found = [why for each in asked if (why := _of(each, pages.get(name_of(each), ()), today))]
    return [
        f"An index says that {why}. Its dates are not to be relied on: ask one that keeps the days of upload, or give "
        "exact versions (==)."
        for why in found
    ]


def _of(requirement: str, files: Sequence[File], today: dt.date) -> str:
    name = Requirement(requirement).name
    for file in files:
        if file.day is None:
            continue
        came = f"{name} {file.version} came on {file.day}"
        if file.day > today + _ON_THE_WAY:
            return f"{came}, a day that has not come"
        if file.day < _FIRST_INDEX:
            return f"{came}, when there was no index"
        for minor in file.minors or ():
            first = python_releases.RELEASED.get(f"3.{minor}")
            if first is not None and len(file.minors or ()) == 1 and file.day < first - _BETAS:
                return f"{came} for Python 3.{minor}, which came on {first}"
    return _of_a_copy(requirement, files)


def _of_a_copy(requirement: str, files: Sequence[File]) -> str:
    """Of a release whose day is known: it came later, as it does where the files were copied."""
    release = releases.of_its_time(requirement)
    if release is None:
        return ""
    meant = index_pages.of_versions(files, SpecifierSet(f"=={release.version}"))
    days = [each.day for each in meant if each.day is not None]
    known = dt.date.fromisoformat(release.came)
    if not days or min(days) <= known + _ON_THE_WAY:
        return ""
    name = Requirement(requirement).name
    return f"{name} {release.version} came on {min(days)}, and it came on {known}"
