"""Spec to plan: which Python, which requirements, with the pins that make a framework run today."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import msgspec
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from faena.environments import azureml, conda, cuda_builds, cutoffs, left_out, pins, releases
from faena.environments.frameworks import Framework, Release
from faena.environments.model import EnvironmentSpec, Interpreter
from faena.environments.old_pythons import Nearest, nearest_to_old
from faena.environments.requirements import (
    check_requirement,
    name_of,
    python_specifier,
    shown,
)
from faena.kernel import dates, digests
from faena.kernel.errors import TrainingException, UserErrorException

_SCRIPTS = ">=3.8"
SCRIPT_PYTHON = SpecifierSet(_SCRIPTS)
"""What a training script runs on where nobody asks for an older Python or a date."""
_OLD_SCRIPTS = ">=3.6"
"""What it may run on at all."""

_MINORS = tuple(f"3.{minor}" for minor in (*range(20, 5, -1), *range(21, 100)))
_PATCHES = range(60)


class Plan(NamedTuple):
    """What is to be resolved."""

    python: SpecifierSet
    preferred: str | None
    """Minor version that is taken where it suits `python`, such as '3.11'; None: the user said which Python."""
    own: tuple[str, ...]
    """What the user asked for, without what is not installed."""
    pins: tuple[str, ...]
    """What the framework brings; `settle` says which of it holds."""
    build_constraints: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """For the build log: what was renamed or left out."""
    warnings: tuple[str, ...] = ()
    """For the build log and the run's page: what could not be had as asked."""
    guessed: tuple[str, ...] = ()
    """Names of conda packages that no table knows, asked for as they are."""
    as_of: str = ""
    """A date, or `auto`: the spec's, or what `UV_EXCLUDE_NEWER` says here."""
    python_named: bool = False
    """Somebody said which Python; else that of the date is looked for."""
    oldest_first: bool = False
    """With a date: of those of the date the oldest is meant, since an older one was named that cannot be had."""

    @property
    def digest(self) -> str:
        """Changes when the catalogue's pins for the same spec do."""
        python = sorted(map(str, self.python))
        content = [python, self.preferred, self.requirements, self.build_constraints]
        oldest = ["oldest"] if self.oldest_first else []
        return digests.of_value([*content, self.as_of, *oldest] if self.as_of else content)

    @property
    def requirements(self) -> tuple[str, ...]:
        """Framework and own packages together, whatever the interpreter."""
        return settle(self, None).requirements


def settle(plan: Plan, interpreter: Interpreter | None) -> pins.Settled:
    """What is resolved on an interpreter."""
    return pins.settle(plan.own, plan.pins, interpreter)


def plan(spec: EnvironmentSpec) -> Plan:
    """The spec with its framework's pins. The user's package wins over a pin of the same name where it says a version.

    Raises `TrainingException` for an unknown framework or version, or a Python that it does not run on, naming
    what can be had.
    """
    translated = conda.translate(spec.conda_packages)
    given = (*map(check_requirement, translated.requirements), *map(check_requirement, spec.packages))
    own = azureml.split(sorted(set(given)))
    own, without = _with_chainer(own, spec.framework)
    as_of = _said(spec)
    because = "" if as_of or spec.as_of == dates.TODAY else _of_its_time(spec, own.rest, translated.python)
    as_of = dates.AUTO if because else as_of
    for_cpus = cuda_builds.replaced(own.rest, as_of)
    own, without = own._replace(rest=for_cpus.rest), (*without, *for_cpus.warnings)
    wanted, preferred, warnings = _python(
        spec, translated.python, nearest_to_old(own, spec.framework, _preferred(spec)), dated=bool(as_of)
    )
    if as_of and not spec.as_of and not because:
        because = f"{cutoffs.of_this_machine()[1]} on the server's machine says {as_of}, and nothing else says a date."
    notes = (*translated.notes, *own.notes, *([because] if because else []))
    if as_of:
        too_old = spec.python is None and translated.python is not None and not str(wanted)
        named = spec.python is not None or (translated.python is not None and not too_old)
        return Plan(
            python=wanted & SpecifierSet(_OLD_SCRIPTS),
            preferred=None,
            own=own.rest,
            pins=releases.as_of(spec, as_of),
            build_constraints=tuple(
                each
                for framework in releases.all_of(own.rest, spec.framework)
                for each in framework.build_constraints
            ),
            notes=notes,
            warnings=(*warnings, *without),
            guessed=translated.guessed,
            as_of=as_of,
            python_named=named,
            oldest_first=too_old,
        )
    brought: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    if spec.framework is not None:
        framework = releases.framework_of(spec.framework)
        release = _release(framework, spec.framework_version, wanted, preferred)
        wanted &= SpecifierSet(release.python)
        brought = (f"{framework.package}=={release.version}", *release.needs)
        constraints = framework.build_constraints
    for listed in releases.listed(own.rest, spec.framework):
        wanted = _python_of(listed, own.rest, wanted, preferred)
        constraints += tuple(each for each in listed.build_constraints if each not in constraints)
    return Plan(
        python=wanted & (SCRIPT_PYTHON if suits(wanted, _SCRIPTS) else SpecifierSet(_OLD_SCRIPTS)),
        preferred=preferred,
        own=own.rest,
        pins=brought,
        build_constraints=constraints,
        notes=notes,
        warnings=(*warnings, *without),
        guessed=translated.guessed,
    )


def is_of_its_time(spec: EnvironmentSpec) -> bool:
    """Whether it is made as of a date though nobody says one, here or by `today`."""
    return bool(_said(spec)) or plan(msgspec.structs.replace(spec, as_of="")).as_of == dates.AUTO


def _said(spec: EnvironmentSpec) -> str:
    """The date, or `auto`, that somebody said."""
    if spec.as_of or spec.interpreter is not None:
        return "" if spec.as_of == dates.TODAY else spec.as_of
    return cutoffs.of_this_machine()[0]


def _of_its_time(spec: EnvironmentSpec, own: Iterable[str], listed: SpecifierSet | None) -> str:
    """Why packages of its time are meant; empty: they are not, and what is named is there for Pythons of today."""
    old = [each for each in own if releases.of_its_time(each) is not None]
    if spec.framework is not None:
        framework = releases.framework_of(spec.framework)
        wanted, preferred, _ = _python(spec, listed, Nearest("3.8", ""), dated=True)
        release = _release(framework, spec.framework_version, wanted, preferred)
        old += [f"{framework.package} {release.version}"] if release.came else []
    if not old:
        return ""
    return (
        f"{', '.join(old)} exists for Pythons before 3.8 alone, so that all packages are of its time. as_of (--as-of) "
        "says another date, or 'today' for none."
    )


@lru_cache(maxsize=1024)
def suits(wanted: SpecifierSet, offered: str) -> bool:
    """Whether any Python is in both ranges; `offered` is one of minor versions."""
    return any(wanted.contains(f"{minor}.{patch}") for minor in _minors(offered) for patch in _PATCHES)


@lru_cache(maxsize=1024)
def _minors(offered: str) -> tuple[str, ...]:
    range_ = SpecifierSet(offered)
    return tuple(minor for minor in _MINORS if range_.contains(f"{minor}.0"))


def _python(
    spec: EnvironmentSpec, listed: SpecifierSet | None, nearest: Nearest, *, dated: bool
) -> tuple[SpecifierSet, str | None, tuple[str, ...]]:
    """Range, preferred minor version and warnings. `listed`: what a conda list says, which was written for images
    that held any Python: one that cannot be had is no error there, and gives the `nearest`."""
    if spec.python is not None:
        wanted = python_specifier(spec.python)
        if not suits(wanted, _OLD_SCRIPTS):
            raise UserErrorException(
                f"Python {shown(spec.python)} cannot be had: training scripts need 3.6 or newer, such as "
                "'3.8', '3.11' or '>=3.9,<3.13'. Leave python out for the one that the client runs on."
            )
        return wanted, None, ()
    if listed is None:
        return SpecifierSet(), _preferred(spec), ()
    minor = _by_minor(listed)
    if suits(minor, _OLD_SCRIPTS if dated else _SCRIPTS):
        same = str(minor) == str(listed)
        warning = f"Python {listed} is taken as {minor}: any patch version will do."
        return minor, None, () if same else (warning,)
    asked = str(listed).removeprefix("==").removesuffix(".*")
    if dated:
        warning = (
            f"Python {asked} cannot be had: scripts need 3.6 or newer. The environment has the oldest one of its date "
            "that is here and suits the packages."
        )
        return SpecifierSet(), nearest.minor, (warning,)
    warning = (
        f"Python {asked} cannot be had: scripts need 3.8 or newer. The environment has {nearest.minor}, "
        f"{nearest.reason}, or, where the packages need another or it is not here, one that suits them."
    )
    return SpecifierSet(), nearest.minor, (warning,)


def _preferred(spec: EnvironmentSpec) -> str:
    return spec.client_python or f"{sys.version_info.major}.{sys.version_info.minor}"


def _by_minor(listed: SpecifierSet) -> SpecifierSet:
    """`==3.8.5` and `==3.8.5.*` become `==3.8.*`: the patch version of an image that is not there."""
    exact = re.compile(r"==(\d+(?:\.\d+)?)(\.\d+)*(\.\*)?")
    clauses = [exact.fullmatch(str(clause)) or str(clause) for clause in listed]
    return SpecifierSet(
        ",".join(clause if isinstance(clause, str) else f"=={clause[1]}.*" for clause in clauses)
    )


def _release(framework: Framework, given: str | None, wanted: SpecifierSet, preferred: str | None) -> Release:
    """The version asked for; without one the default, else the newest, that the Python asked for runs."""
    possible = [each for each in framework.releases if suits(wanted, each.python)]
    if given is not None:
        release = releases.named(framework, given)
        if not suits(wanted, release.python):
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


def _or_another(possible: Iterable[Release]) -> str:
    versions = [each.version for each in possible]
    return f", or take one of {', '.join(versions)}" if versions else ""


def _with_chainer(own: azureml.Split, framework: str | None) -> tuple[azureml.Split, tuple[str, ...]]:
    """Without what images had for Chainer's GPUs, as far as it cannot be had; and what is told of it."""
    if (framework or "").lower() != "chainer" and "chainer" not in {name_of(each) for each in own.rest}:
        return own, ()
    found = left_out.beside_chainer(own.rest)
    return own._replace(rest=found.rest), found.warnings


def _python_of(
    framework: Framework, own: Iterable[str], wanted: SpecifierSet, preferred: str | None
) -> SpecifierSet:
    """The Pythons that the listed version runs on, as far as they are among those wanted: the user's word wins."""
    lines = [Requirement(each) for each in own if name_of(each) in (framework.package, *framework.variants)]
    if any(line.url is not None or line.marker is not None for line in lines):
        return wanted  # of no version that is known here, or of one that the Python decides
    asked = SpecifierSet()
    for line in lines:
        asked &= line.specifier
    versions = [each for each in framework.releases if asked.contains(each.version)]
    exact = [clause.version for clause in asked if clause.operator == "=="]
    if not versions and exact:  # one that was not tried runs on what its neighbour runs on
        minor = exact[0].split(".")[:2]
        versions = [each for each in framework.releases if each.version.split(".")[:2] == minor]
    possible = [each for each in versions if suits(wanted, each.python)]
    here = [each for each in possible if preferred is None or preferred in _minors(each.python)]
    found = (here or possible)[-1:]
    return wanted & SpecifierSet(found[0].python) if found else wanted
