"""`as_of="auto"`: the date from the versions that are named, and from when the script was last changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from faena.environments import index_pages, releases
from faena.environments.index_pages import File
from faena.environments.package_index import Index
from faena.environments.requirements import name_of
from faena.kernel import dates

_GROWN_UP = dt.timedelta(days=90)
"""After a release its neighbours have releases that go with it."""
_OF_ONE_TIME = dt.timedelta(days=365)
"""A script that was changed later than so after the versions that it names was changed for something else."""
_OLD = dt.timedelta(days=180)
"""Younger versions go with the packages of today."""


class Decided(NamedTuple):
    date: str
    """Empty: packages of today."""
    why: str
    """A sentence for the build log."""


class Named(NamedTuple):
    requirement: str
    """`tensorflow==1.13.1`"""
    day: dt.date
    """When its first file came."""


def decided(
    requirements: Iterable[str], script_date: str, indexes: Sequence[Index], today: dt.date
) -> Decided:
    """The date for requirements of which some name a version. Asks the indexes."""
    asked = list(requirements)
    exact = exact_versions(asked)
    pages = index_pages.of(exact, indexes)
    versions = named(exact, pages)
    told = {each.requirement.partition("==")[0] for each in versions}
    versions += [each for each in _of_its_time(asked) if name_of(each.requirement) not in told]
    unknown = [f"{name}=={version}" for name, version in exact.items() if name not in pages]
    found = rule(versions, dates.parsed(script_date), today)
    if unknown and not found.date:
        return found._replace(why=f"{found.why} No index said when {', '.join(unknown)} came.")
    return found


def rule(versions: Sequence[Named], script: dt.date | None, today: dt.date) -> Decided:
    """Never before the versions that are named existed."""
    newest = max(versions, key=lambda each: each.day, default=None)
    history = f"the script was last changed on {script}"
    if newest is None:
        if script is None or today - script < _OLD:
            return Decided(
                "", "as_of='auto' finds no date: no version is named, and the script's history tells none."
            )
        return Decided(script.isoformat(), f"As of {script} (auto): {history}, and no version is named.")
    came = f"{newest.requirement} came on {newest.day}"
    if today - newest.day < _OLD:
        return Decided("", f"as_of='auto' means packages of today: {came}.")
    if script is not None and newest.day <= script <= newest.day + _OF_ONE_TIME:
        return Decided(script.isoformat(), f"As of {script} (auto): {history}, and {came}.")
    day = newest.day + _GROWN_UP
    if script is None:
        told = "the script's history tells no date"
    else:
        told = f"{history}, {'before that' if script < newest.day else 'more than a year later'}"
    return Decided(
        day.isoformat(), f"As of {day} (auto): {came}, and three months later its neighbours fit; {told}."
    )


def suggestion(requirements: Iterable[str], indexes: Sequence[Index], today: dt.date) -> str:
    """For a build that failed without a date; empty where no old version is named."""
    found = decided(requirements, "", indexes, today)
    if not found.date:
        return ""
    return f" The packages of its time go with it: as_of={found.date!r} (--as-of {found.date})."


def exact_versions(requirements: Iterable[str]) -> dict[str, str]:
    """Name -> version of those that name one."""
    found: dict[str, str] = {}
    for requirement in requirements:
        clauses = [
            each for each in Requirement(requirement).specifier if each.operator in ("==", "===", "~=")
        ]
        if clauses:
            found[name_of(requirement)] = clauses[0].version
    return found


def named(exact: Mapping[str, str], pages: Mapping[str, Sequence[File]]) -> list[Named]:
    """When each version came: `1.13` and `1.13.*` are the first 1.13 there was."""
    found: list[Named] = []
    for name, version in exact.items():
        days = [
            each.day for each in pages.get(name, ()) if each.day is not None and _is(each.version, version)
        ]
        if days:
            found.append(Named(f"{name}=={version}", min(days)))
    return found


def _of_its_time(requirements: Iterable[str]) -> list[Named]:
    """What is known of old releases without an index: `tensorflow<2` means 1.15."""
    found = [(each, releases.of_its_time(each)) for each in requirements]
    return [Named(each, dates.day_of(release.came)) for each, release in found if release is not None]


def _is(version: Version, text: str) -> bool:
    if text.endswith(".*"):
        return f"{version.public}.".startswith(text[:-1])
    try:
        return version == Version(text)
    except InvalidVersion:
        return False
