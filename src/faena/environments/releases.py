"""Which release of a framework is meant, today and as of a date, and which ones mean packages of their time."""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from faena.environments.frameworks import FRAMEWORKS, Framework, Release
from faena.environments.model import EnvironmentSpec
from faena.environments.requirements import name_of, parse_version, shown
from faena.kernel.errors import TrainingException


def framework_of(name: str) -> Framework:
    """Raises TrainingException for one that is not known."""
    if found := FRAMEWORKS.get(name.lower()):
        return found
    raise TrainingException(
        f"{shown(name)} is not a framework that is known here. Known: {', '.join(FRAMEWORKS)}."
    )


def listed(own: Iterable[str], framework: str | None) -> list[Framework]:
    """Frameworks that stand in a list of packages, other than the one that was asked for as such."""
    names = {name_of(each) for each in own}
    return [
        each
        for name, each in FRAMEWORKS.items()
        if names & {each.package, *each.variants} and name != (framework or "").lower()
    ]


def all_of(own: Iterable[str], framework: str | None) -> list[Framework]:
    """The framework and those that stand in the list."""
    return [*([framework_of(framework)] if framework else []), *listed(own, framework)]


def named(framework: Framework, given: str) -> Release:
    """`5.1.0`, or short `5.1`, which is the last 5.1 there is. A patch of a release that is had as of its time is had
    so, too. Raises TrainingException for any other, naming those that there are."""
    wanted = parse_version(given, framework.package)
    releases = {parse_version(each.version, framework.package): each for each in framework.releases}
    if wanted in releases:
        return releases[wanted]
    same_minor = [each for version, each in releases.items() if version.release[:2] == wanted.release[:2]]
    if same_minor and not (wanted.is_prerelease or wanted.local):
        if len(wanted.release) == 2:
            return same_minor[-1]
        if len(wanted.release) == 3 and all(each.came for each in same_minor):
            return same_minor[-1]._replace(version=given, needs=())
    raise TrainingException(
        f"{framework.package} {shown(given)} cannot be had. Versions that work: {', '.join(framework.versions)}; "
        f"or name another as a package without a framework."
    )


def as_of(spec: EnvironmentSpec, date: str) -> tuple[str, ...]:
    """What a framework brings as of a date, or of `auto`: the version that is asked for, else what v1 took then, else
    the latest of that day; and what stood beside it."""
    if spec.framework is None:
        return ()
    framework = framework_of(spec.framework)
    once, given = framework.once_default, spec.framework_version
    if given is None and once is not None and once.first <= date <= once.last:
        given = once.version
    if given is None:
        return (framework.package, *framework.undeclared, *framework.of_a_date)
    release = next((each for each in framework.releases if _is_meant(each, given)), None)
    if release is not None:
        given = release.version
    elif re.fullmatch(r"\d+\.\d+", given):
        given = f"{given}.*"
    needs = release.needs if release is not None and release.came else ()
    said = {name_of(each) for each in needs}
    beside = [each for each in framework.of_a_date if each not in said]
    return (f"{framework.package}=={given}", *framework.undeclared, *needs, *beside)


def of_its_time(requirement: str) -> Release | None:
    """The release that a listed package means, if it exists for Pythons before 3.8 alone: the newest that is allowed.

    None for all others, and where no version is named.
    """
    asked = Requirement(requirement)
    name = name_of(requirement)
    framework = next((each for each in FRAMEWORKS.values() if name in (each.package, *each.variants)), None)
    if framework is None or not asked.specifier or asked.url is not None or asked.marker is not None:
        return None
    allowed = [each for each in framework.releases if asked.specifier.contains(each.version)]
    if not allowed and (exact := _exact(asked.specifier)) is not None:
        allowed = [each for each in framework.releases if Version(each.version).release[:2] == exact]
    return allowed[-1] if allowed and all(each.came for each in allowed) else None


def _exact(specifier: SpecifierSet) -> tuple[int, ...] | None:
    """The minor version that an exact one is of."""
    for clause in specifier:
        if clause.operator == "==":
            try:
                return Version(clause.version.removesuffix(".*")).release[:2]
            except InvalidVersion:
                return None
    return None


def _is_meant(release: Release, given: str) -> bool:
    """Whether it is the version that is named, or what v1's images had for a short one: `1.13` is 1.13.1."""
    return release.version == given or (bool(release.came) and release.version.rpartition(".")[0] == given)
