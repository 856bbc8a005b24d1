"""Spec to plan: which Python, which requirements, with the pins that make a framework run today."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from faena.environments import azureml, conda
from faena.environments.frameworks import FRAMEWORKS, Framework, Release
from faena.environments.model import EnvironmentSpec
from faena.environments.requirements import (
    check_requirement,
    name_of,
    parse_version,
    python_specifier,
    says_version,
    shown,
)
from faena.kernel import digests
from faena.kernel.errors import TrainingException, UserErrorException

_SCRIPTS = ">=3.8"
SCRIPT_PYTHON = SpecifierSet(_SCRIPTS)
"""What a training script may run on."""

_MINORS = tuple(f"3.{minor}" for minor in (*range(20, 7, -1), *range(21, 100)))
_PATCHES = range(60)


class Plan(NamedTuple):
    """What is to be resolved."""

    python: SpecifierSet
    preferred: str | None
    """Minor version that is taken where it suits `python`, such as '3.11'; None: the user said which Python."""
    requirements: tuple[str, ...]
    build_constraints: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """For the build log: what was renamed or left out."""
    warnings: tuple[str, ...] = ()
    """For the build log and the run's page: what could not be had as asked."""
    guessed: tuple[str, ...] = ()
    """Names of conda packages that no table knows, asked for as they are."""

    @property
    def digest(self) -> str:
        """Changes when the catalogue's pins for the same spec do."""
        python, preferred, requirements, build_constraints, *_ = self
        return digests.of_value([sorted(map(str, python)), preferred, requirements, build_constraints])


def plan(spec: EnvironmentSpec) -> Plan:
    """The spec with its framework's pins. The user's package wins over a pin of the same name where it says a version.

    Raises `TrainingException` for an unknown framework or version, or a Python that it does not run on, naming
    what can be had.
    """
    translated = conda.translate(spec.conda_packages)
    wanted, preferred, warnings = _python(spec, translated.python)
    given = (*map(check_requirement, translated.requirements), *map(check_requirement, spec.packages))
    own = azureml.split(sorted(set(given)))
    notes = (*translated.notes, *own.notes)
    if spec.framework is None:
        return Plan(wanted & SCRIPT_PYTHON, preferred, own.rest, (), notes, warnings, translated.guessed)
    framework = _framework(spec.framework)
    release = _release(framework, spec.framework_version, wanted, preferred)
    return Plan(
        python=wanted & SpecifierSet(release.python) & SCRIPT_PYTHON,
        preferred=preferred,
        requirements=_with_pins(framework, release, own.rest),
        build_constraints=framework.build_constraints,
        notes=notes,
        warnings=warnings,
        guessed=translated.guessed,
    )


@lru_cache(maxsize=1024)
def suits(wanted: SpecifierSet, offered: str) -> bool:
    """Whether any Python is in both ranges; `offered` is one of minor versions."""
    return any(wanted.contains(f"{minor}.{patch}") for minor in _minors(offered) for patch in _PATCHES)


@lru_cache(maxsize=1024)
def _minors(offered: str) -> tuple[str, ...]:
    range_ = SpecifierSet(offered)
    return tuple(minor for minor in _MINORS if range_.contains(f"{minor}.0"))


_NEAREST = "3.8"
"""To Pythons that are too old: there are wheels for it of most versions that ran on those."""


def _python(
    spec: EnvironmentSpec, listed: SpecifierSet | None
) -> tuple[SpecifierSet, str | None, tuple[str, ...]]:
    """Range, preferred minor version and warnings. `listed`: what a conda list says, which was written for images
    that held any Python: one that cannot be had is no error there."""
    if spec.python is not None:
        wanted = python_specifier(spec.python)
        if not suits(wanted, _SCRIPTS):
            raise UserErrorException(
                f"Python {shown(spec.python)} cannot be had: training scripts need 3.8 or newer, such as "
                "'3.8', '3.11' or '>=3.9,<3.13'. Leave python out for the one that the client runs on."
            )
        return wanted, None, ()
    if listed is None:
        return SpecifierSet(), _preferred(spec), ()
    minor = _by_minor(listed)
    if suits(minor, _SCRIPTS):
        same = str(minor) == str(listed)
        warning = f"Python {listed} is taken as {minor}: any patch version will do."
        return minor, None, () if same else (warning,)
    asked = str(listed).removeprefix("==").removesuffix(".*")
    warning = (
        f"Python {asked} cannot be had: scripts need 3.8 or newer. The environment has {_NEAREST}, for which packages "
        "of that time were built, or, where the packages need another or it is not here, one that suits them."
    )
    return SpecifierSet(), _NEAREST, (warning,)


def _preferred(spec: EnvironmentSpec) -> str:
    return spec.client_python or f"{sys.version_info.major}.{sys.version_info.minor}"


def _by_minor(listed: SpecifierSet) -> SpecifierSet:
    """`==3.8.5` and `==3.8.5.*` become `==3.8.*`: the patch version of an image that is not there."""
    exact = re.compile(r"==(\d+(?:\.\d+)?)(\.\d+)*(\.\*)?")
    clauses = [exact.fullmatch(str(clause)) or str(clause) for clause in listed]
    return SpecifierSet(
        ",".join(clause if isinstance(clause, str) else f"=={clause[1]}.*" for clause in clauses)
    )


def _framework(name: str) -> Framework:
    if found := FRAMEWORKS.get(name.lower()):
        return found
    raise TrainingException(
        f"{shown(name)} is not a framework that is known here. Known: {', '.join(FRAMEWORKS)}."
    )


def _release(framework: Framework, given: str | None, wanted: SpecifierSet, preferred: str | None) -> Release:
    """The version asked for; without one the default, else the newest, that the Python asked for runs."""
    possible = [each for each in framework.releases if suits(wanted, each.python)]
    if given is not None:
        release = _named(framework, given)
        if release not in possible:
            raise TrainingException(
                f"{framework.package} {release.version} runs on Python {release.python}, and {shown(str(wanted))} was "
                f"asked for. Leave python out{_or_another(possible)}."
            )
        return release
    if preferred is not None:
        here = [each for each in possible if preferred in _minors(each.python)]
        possible = here or possible
    if not possible:
        ranges = ", ".join(dict.fromkeys(each.python for each in framework.releases))
        raise TrainingException(
            f"{framework.package} cannot be had on Python {shown(str(wanted))}. Its versions run on: {ranges}."
        )
    return next((each for each in possible if each.version == framework.default), possible[-1])


def _named(framework: Framework, given: str) -> Release:
    """`5.1.0`, or short `5.1`, which is the last 5.1 there is."""
    wanted = parse_version(given, framework.package)
    releases = {parse_version(each.version, framework.package): each for each in framework.releases}
    if wanted in releases:
        return releases[wanted]
    short = [each for version, each in releases.items() if version.release[:2] == wanted.release]
    if short and not (wanted.is_prerelease or wanted.local):
        return short[-1]
    raise TrainingException(
        f"{framework.package} {shown(given)} cannot be had. Versions that work: {', '.join(framework.versions)}; "
        f"or name another as a package without a framework."
    )


def _or_another(possible: Iterable[Release]) -> str:
    versions = [each.version for each in possible]
    return f", or take one of {', '.join(versions)}" if versions else ""


def _with_pins(framework: Framework, release: Release, own: tuple[str, ...]) -> tuple[str, ...]:
    pins = (f"{framework.package}=={release.version}", *release.needs)
    versioned = {name_of(package) for package in own if says_version(package)}
    requirements = [pin for pin in pins if name_of(pin) not in versioned]
    pinned = {name_of(pin) for pin in requirements}
    # A bare name that a pin covers adds nothing, unless it brings extras or a marker.
    requirements += [package for package in own if name_of(package) not in pinned or not _bare(package)]
    return tuple(requirements)


def _bare(requirement: str) -> bool:
    parsed = Requirement(requirement)
    return not (parsed.extras or parsed.marker)
