"""What is said where no Python of a date is here, or none of them fits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from packaging.requirements import Requirement
from packaging.version import Version

from faena.environments import index_pages, interpreters, python_releases
from faena.environments.index_pages import File
from faena.environments.requirements import holds_on, name_of
from faena.kernel import dates
from faena.kernel.errors import EnvironmentBuildException

_NAMED = 12
_LAST_OLD_MPI4PY = "3.1.6"


def refuse_later(
    requirements: Iterable[str],
    pages: Mapping[str, Sequence[File]],
    date: str,
    undated: Iterable[str],
    lies: Iterable[str] = (),
) -> None:
    """Raises EnvironmentBuildException for a package of which all files that are asked for came after the date, or of
    which there never was what is asked for.

    `lies`: sentences on dates of the index that cannot be.
    """
    day = dates.day_of(date)
    for requirement in requirements:
        asked, name = Requirement(requirement), name_of(requirement)
        told = [each for each in pages.get(name, []) if each.day is not None]
        meant = index_pages.of_versions(told, asked.specifier, prereleases=True)
        if asked.marker is not None and not any(
            holds_on(asked.marker, f"{minor}.0") for minor in python_releases.minors_of(day)
        ):
            continue
        if told and name not in undated and _never_was(asked, pages[name]):
            raise EnvironmentBuildException(_no_such(asked, index_pages.dated(told, day), date))
        if name in undated or not meant or any(each.day <= day for each in meant if each.day):
            continue
        first = min(meant, key=lambda each: (each.day or dt.date.max, each.version))
        earlier = [each.version for each in index_pages.dated(told, day) if not each.version.is_prerelease]
        newest = f"The newest of that day is {max(earlier)}." if earlier else ""
        more = "".join(f" {each}" for each in (newest, *lies) if each)
        raise EnvironmentBuildException(
            f"{requirement} was not there on {date}: {asked.name} {first.version} came on {first.day}. Give that day "
            f"or a later one (as_of, --as-of), or ask for an earlier version.{more}"
        )


def _never_was(asked: Requirement, files: Sequence[File]) -> bool:
    """Builds such as 1.2.0+cpu may lie where no page says so."""
    if asked.url is not None or not asked.specifier or any("+" in each.version for each in asked.specifier):
        return False
    return not index_pages.of_versions(files, asked.specifier, prereleases=True)


def _no_such(asked: Requirement, there: Iterable[File], date: str) -> str:
    versions = sorted({each.version for each in there if not each.version.is_prerelease})
    if not versions:
        return (
            f"There is no version {asked.specifier} of {asked.name}, and as of {date} there was none at all."
        )
    named = ", ".join(map(str, versions[-_NAMED:]))
    earlier = " and earlier ones" if len(versions) > _NAMED else ""
    wanted = str(asked.specifier).removeprefix("==").removesuffix(".*")
    return (
        f"There is no version {wanted} of {asked.name}: as of {date} the newest is {versions[-1]}. Ask for one of "
        f"that day: {named}{earlier}; or for none."
    )


def none_here(
    date: str, minors: Sequence[str], requirements: Sequence[str], pages: dict[str, list[File]]
) -> EnvironmentBuildException:
    """`minors`: those that would do, newest first; empty: the date is before all of them."""
    if not minors:
        return EnvironmentBuildException(
            f"as_of is {date}, and no Python that scripts run on is that old: the first is 3.6. Give "
            f"{python_releases.first_day()} or later."
        )
    wanted = " or ".join(minors)
    asked = f" for {', '.join(requirements)}" if requirements else ""
    return EnvironmentBuildException(
        f"Python {wanted} is needed{asked} as of {date}, since packages of that day have wheels for it, and this "
        f"machine has {_here()}. {python_releases.how_to_have(minors[0])}{_nearest(requirements, pages)}"
    )


def refuse_mpi(requirements: Iterable[str], date: str, minors: Sequence[str]) -> None:
    """Raises EnvironmentBuildException where mpi4py 4 is asked for, which has nothing for the Pythons of the day."""
    asked = [Requirement(each) for each in requirements if name_of(each) == "mpi4py"]
    wants_new = any(each.specifier and not each.specifier.contains(_LAST_OLD_MPI4PY) for each in asked)
    if wants_new and not any(map(python_releases.is_brought_by_uv, minors)):
        raise EnvironmentBuildException(python_releases.no_mpi(date))


def no_wheels(
    date: str, minors: Sequence[str], requirements: Sequence[str], pages: dict[str, list[File]]
) -> EnvironmentBuildException:
    """Packages of which no Python of the day, `minors`, has wheels for all."""
    found: list[str] = []
    for requirement in requirements:
        asked = Requirement(requirement)
        files = index_pages.dated(pages.get(name_of(requirement), []), dates.day_of(date), asked.specifier)
        if there := index_pages.minors_of(files):
            found.append(f"{requirement} for {', '.join(f'3.{minor}' for minor in sorted(there))}")
    return EnvironmentBuildException(
        f"As of {date} there is no Python for these packages: scripts can have {' or '.join(minors)} of that day, and "
        f"there are wheels of {'; '.join(found)}. Ask for other versions, or another day."
        f"{_nearest(requirements, pages)}"
    )


def none_fits(
    date: str, requirements: Sequence[str], tried: Iterable[str], pages: dict[str, list[File]], last: str
) -> EnvironmentBuildException:
    """`last`: what the last of those that were `tried` failed with."""
    first, _, output = last.partition("\n")
    return EnvironmentBuildException(
        f"{first} As of {date}, tried on Python {', '.join(tried)}.{_nearest(requirements, pages)}\n{output}"
    )


def reason(message: str) -> str:
    """In a few words, for the log: why a Python was passed over."""
    said = " ".join(message.split())
    for mark in ("has no usable wheels", "has no wheels"):
        before, found, _ = said.partition(mark)
        if found:
            return f"{before.split()[-1]} {mark} for it."
    return said[:200]


def _here() -> str:
    found = sorted({answer.version for answer in interpreters.seen()}, key=Version)
    return f"{', '.join(found)} (on PATH, in the folders of pyenv, conda, asdf, mise and uv, and in FAENA_PYTHONS)"


def _nearest(requirements: Iterable[str], pages: dict[str, list[File]]) -> str:
    """The versions that come nearest to those asked for and have wheels for the oldest Python that is here."""
    here = sorted(
        {Version(answer.version).release[1] for answer in interpreters.seen() if answer.final and answer.gil}
    )
    for minor in here:
        found = [_near(requirement, pages, minor) for requirement in requirements]
        known = [each for each in found if each]
        if known and len(known) == sum(_is_binary(each, pages) for each in requirements):
            day = max(day for _, day in known)
            names = ", ".join(name for name, _ in known)
            return f" Nearest that runs on Python 3.{minor}, which is here: {names}, as of {day} or later."
    return ""


def _is_binary(requirement: str, pages: dict[str, list[File]]) -> bool:
    return any(file.is_binary for file in pages.get(name_of(requirement), []))


def _near(requirement: str, pages: dict[str, list[File]], minor: int) -> tuple[str, dt.date] | None:
    asked = Requirement(requirement)
    files = pages.get(name_of(requirement), [])
    lowest = min((each.version for each in files if asked.specifier.contains(each.version)), default=None)
    fitting = [
        each
        for each in files
        if each.day is not None
        and (each.any_minor or (each.minors is not None and minor in each.minors))
        and not each.version.is_prerelease
        and (lowest is None or each.version >= lowest)
    ]
    if not fitting:
        return None
    best = min(fitting, key=lambda each: each.version)
    assert best.day is not None
    released = python_releases.usable_from(f"3.{minor}")
    return f"{asked.name} {best.version}", max(best.day, released or best.day)
