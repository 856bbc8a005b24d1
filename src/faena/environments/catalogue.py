"""Frameworks and the pins that make them run today. Data: a new framework is a new row."""

from __future__ import annotations

from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

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
from faena.kernel.errors import UserErrorException

SCRIPT_PYTHON = SpecifierSet(">=3.8")
"""What a training script may run on."""


class Framework(NamedTuple):
    package: str
    """The distribution that carries the framework's version."""
    versions: tuple[str, ...]
    """Those that were tried; any other is refused."""
    default: str
    python: str
    """PEP 440 range of interpreters that it runs on."""
    needs: tuple[str, ...]
    """Requirements beside it."""
    build_constraints: tuple[str, ...]
    """For source distributions whose build needs an older tool."""


class Plan(NamedTuple):
    """What is to be resolved."""

    python: SpecifierSet
    any_python: bool
    """Whether neither the user nor the framework said which Python."""
    requirements: tuple[str, ...]
    build_constraints: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Changes when the catalogue's pins for the same spec do."""
        return digests.of_value([sorted(map(str, self.python)), *self[1:]])


FRAMEWORKS: dict[str, Framework] = {
    "chainer": Framework(
        package="chainer",
        versions=("5.1.0", "5.2.0", "5.4.0", "6.0.0", "6.7.0", "7.0.0", "7.8.1"),
        default="5.1.0",
        python=">=3.6,<3.12",
        # numpy 1.24 took np.int and np.float away; chainer.gradient_check imports pytest; with setuptools
        # 74 and newer `import chainer` fails on distutils.msvccompiler, without any 7.x lacks pkg_resources.
        needs=("numpy<1.24", "pytest", "setuptools<74"),
        # Its setup.py imports pkg_resources, which an isolated build takes from the newest setuptools.
        build_constraints=("setuptools<80",),
    ),
}


def plan(spec: EnvironmentSpec) -> Plan:
    """The spec with its framework's pins. The user's package wins over a pin of the same name where it says a version.

    Raises `UserErrorException` for an unknown framework or version, naming what can be had.
    """
    wanted = python_specifier(spec.python) if spec.python is not None else SpecifierSet()
    own = tuple(sorted({check_requirement(package) for package in spec.packages}))
    if spec.framework is None:
        return Plan(wanted & SCRIPT_PYTHON, spec.python is None, own, ())
    framework = _framework(spec.framework)
    version = _version(framework, spec.framework_version)
    pins = (f"{framework.package}=={version}", *framework.needs)
    versioned = {name_of(package) for package in own if says_version(package)}
    requirements = [pin for pin in pins if name_of(pin) not in versioned]
    pinned = {name_of(pin) for pin in requirements}
    # A bare name that a pin covers adds nothing, unless it brings extras or a marker.
    requirements += [package for package in own if name_of(package) not in pinned or not _bare(package)]
    return Plan(
        python=wanted & SpecifierSet(framework.python) & SCRIPT_PYTHON,
        any_python=False,
        requirements=tuple(requirements),
        build_constraints=framework.build_constraints,
    )


def _framework(name: str) -> Framework:
    if found := FRAMEWORKS.get(name.lower()):
        return found
    raise UserErrorException(
        f"{shown(name)} is not a framework that is known here. Known: {', '.join(FRAMEWORKS)}."
    )


def _version(framework: Framework, given: str | None) -> str:
    if given is None:
        return framework.default
    wanted = parse_version(given, framework.package)
    for version in framework.versions:
        if parse_version(version, framework.package) == wanted:
            return version
    raise UserErrorException(
        f"{framework.package} {shown(given)} cannot be had. Versions that work: {', '.join(framework.versions)}; "
        f"or name another as a package without a framework."
    )


def _bare(requirement: str) -> bool:
    parsed = Requirement(requirement)
    return not (parsed.extras or parsed.marker)
