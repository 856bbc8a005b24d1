"""Reads conda's package lists, whole exports too: each entry becomes a requirement by PEP 508 or is left out, and what
cannot be had is named in one error.

`pytorch=1.2`, `conda-forge::scikit-learn>=0.24`, `numpy=1.19=py38h1`, `numpy[version='>=1.19']` and `python=3.8` are
what such lists hold. Names come before versions: what is left out may have any version.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from faena.environments import conda_names as names
from faena.environments import conda_versions
from faena.environments.azureml import is_azureml
from faena.environments.redaction import holds_token
from faena.environments.requirements import MAX_LENGTH, shown
from faena.kernel.errors import UserErrorException

_ENTRY = re.compile(
    r"(?:(?P<channel>(?:https?://)?[\w./-]+)::)?(?P<name>[A-Za-z0-9_][\w.-]*)\s*(?P<version>[=<>!~\d][^\[\]]*(?:\[[\d-]*\][^\[\]]*)?)?"
    r"(?:\[(?P<keys>[^\[\]]*(?:\[[\d-]*\][^\[\]]*)?)\])?",
    re.ASCII,
)
_KEY = re.compile(  # blanks belong to one part each: what is taken is not given back
    r"\s*+([a-z_0-9]++)\s*+=\s*+(?:'([^']*+)'|\"([^\"]*+)\"|([^,'\"]*+(?:,\s*+[<>=!~][^,'\"]*+)*+))\s*+(?:,|$)"
)
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029$`\\;&@#]")
_OF_PYTHON = re.compile(r"py(?:_|h|\d|pi_)")
_OF_A_LIBRARY = re.compile(r"h(?!d8ed1ab|d3eb1b0|a770c72)[0-9a-f]{7}_\d+", re.ASCII)
"""But for the builds of packages that hold nothing but what they need."""
_SHOWN = 20
_FEW = 3


class CondaPackage(NamedTuple):
    """One entry of a list. `name` as conda has it, in lower case."""

    name: str
    version: str
    """As conda has it."""
    channel: str
    build: str

    @property
    def specifier(self) -> SpecifierSet:
        """Raises ValueError for a version that cannot be read."""
        return conda_versions.specifier(self.version)

    @property
    def dropped(self) -> str:
        """What the index has no notion of: `channel defaults`, `build py38h1`; empty where there is none."""
        parts = [("channel", self.channel), ("build", self.build)]
        return " and ".join(f"{what} {value}" for what, value in parts if value)


class Translated(NamedTuple):
    requirements: tuple[str, ...]
    python: SpecifierSet | None
    """What the entry `python…` says; None where there is none or it says no version."""
    notes: tuple[str, ...]
    """For the build log: what was renamed or left out."""
    guessed: tuple[str, ...]
    """Names that no table knows, asked for as they are."""


def check(entries: Sequence[str]) -> None:
    """Raises one `UserErrorException` for all that cannot be read or had, whatever this machine has installed."""
    try:
        translate(entries, has=lambda program: True)
    except UserErrorException:
        translate(entries)
        raise


def parse(entry: object) -> CondaPackage:
    """Raises `UserErrorException` naming the entry and what can stand there. Its version is not looked at."""
    if not isinstance(entry, str) or not entry.strip() or len(entry) > MAX_LENGTH or _FORBIDDEN.search(entry):
        raise _refused(entry, "it is no name with an optional version")
    found = _ENTRY.fullmatch(entry.strip())
    if found is None:
        raise _refused(entry, "it is no name with an optional version")
    keys = _keys(found["keys"] or "")
    if keys is None:
        raise _refused(entry, "what stands in its brackets is no list such as [version='>=1.2',build=py38*]")
    if holds_token(f"{found['channel'] or keys.get('channel', '')}/"):
        raise _refused(entry, "its channel holds a token, which would be kept; leave the channel out")
    version, build = conda_versions.without_build((found["version"] or "").strip())
    version = ",".join(part for part in (version, keys.get("version", "")) if part)
    return CondaPackage(
        found["name"].lower(),
        version,
        found["channel"] or keys.get("channel", ""),
        build or keys.get("build", ""),
    )


def _has(program: str) -> bool:
    return shutil.which(program) is not None


def translate(entries: Iterable[str], has: Callable[[str], bool] = _has) -> Translated:
    """Entries to requirements by `conda_names`. Raises one `UserErrorException` for all that cannot be had.

    `has`: whether a program is on this machine.
    """
    packages: list[tuple[str, CondaPackage]] = []
    errors: list[UserErrorException] = []
    for entry in entries:
        try:
            packages.append((entry, parse(entry)))
        except UserErrorException as error:
            errors.append(error)
    exported = any(package.build or package.name in names.INTERNAL for _, package in packages)
    found = _Found([], [], [], [], [], [])
    python: SpecifierSet | None = None
    for entry, package in packages:
        try:
            if package.name == "python":
                specifier = package.specifier
                python = specifier if str(specifier) else python
            else:
                # Beside a whole export a program came with something; alone, somebody wants to call it.
                found.add(entry, package, has=(lambda program: True) if exported else has)
        except ValueError:
            why = (
                "alternatives with '|' cannot be translated; write one range"
                if "|" in entry
                else "its version cannot be read"
            )
            errors.append(_refused(entry, why))
    _refuse(errors, found.impossible)
    return Translated(tuple(found.requirements), python, tuple(found.notes()), tuple(found.guessed))


class _Found(NamedTuple):
    requirements: list[str]
    left_out: list[str]
    renamed: list[str]
    guessed: list[str]
    dropped: list[str]
    impossible: list[str]

    def add(self, entry: str, package: CondaPackage, *, has: Callable[[str], bool]) -> None:
        """Raises ValueError for a version that cannot be read."""
        name = package.name
        of_the_index = package.build == "pypi_0" or package.channel == "pypi"  # what pip had installed
        if not of_the_index:
            if is_program(name):
                if name in names.PROGRAMS and has(names.PROGRAMS[name]):
                    self.left_out.append(name)
                else:
                    self.impossible.append(shown(entry))
                return
            if _is_left_out(package):
                self.left_out.append(name)
                return
        known = name if of_the_index else names.TO_PYPI.get(name, name)
        specifier = package.specifier
        if known != name:
            self.renamed.append(f"{name} is {known}")
        elif not of_the_index and name not in names.FOUND_UNDER_THEIR_NAME and not is_azureml(name):
            self.guessed.append(canonicalize_name(name))
        if package.dropped:
            self.dropped.append(f"{name} ({package.dropped})")
        requirement = f"{canonicalize_name(known)}{specifier}"
        if requirement not in self.requirements:  # numpy and numpy-base
            self.requirements.append(requirement)

    def notes(self) -> Iterable[str]:
        if self.left_out:
            yield (
                f"Of the conda list is left out what wheels bring, the interpreter has or the machine offers: "
                f"{', '.join(self.left_out)}."
            )
        if self.renamed:
            yield f"Of the conda list, some are called otherwise here: {', '.join(self.renamed)}."
        if self.guessed:
            yield f"Of the conda list is looked for under its own name: {', '.join(self.guessed)}."
        if self.dropped:
            more = f" and {len(self.dropped) - _FEW} more" if len(self.dropped) > _FEW else ""
            yield f"Channels and builds are not looked at: {', '.join(self.dropped[:_FEW])}{more}."


def is_program(name: str) -> bool:
    return name in names.PROGRAMS or names.is_of_r(name)


def _is_left_out(package: CondaPackage) -> bool:
    """Whether it is a library of C, or conda's own: by its name, else, for names that no table knows, by its build."""
    name = package.name
    if names.is_left_out(name):
        return True
    if name in names.TO_PYPI or name in names.FOUND_UNDER_THEIR_NAME:
        return False
    if package.build and _OF_PYTHON.search(package.build):
        return False
    return names.looks_left_out(name) or bool(_OF_A_LIBRARY.fullmatch(package.build))


def _keys(text: str) -> dict[str, str] | None:
    """`version='>=1.2',build=py38*` as a dictionary; None where it is none."""
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        pair = _KEY.match(text, position)
        if pair is None or pair.end() == position:
            return None
        found[pair[1]] = (pair[2] or pair[3] or pair[4] or "").strip()
        position = pair.end()
    return found


def _refuse(errors: list[UserErrorException], impossible: list[str]) -> None:
    if impossible:
        is_ = "is no Python package" if len(impossible) == 1 else "are no Python packages"
        them = "it" if len(impossible) == 1 else "them"
        more = f" and {len(impossible) - _SHOWN} more" if len(impossible) > _SHOWN else ""
        errors.append(
            UserErrorException(
                f"Of the conda packages, {', '.join(impossible[:_SHOWN])}{more} {is_}. Leave {them} out of "
                f"conda_packages and install {them} on the machine."
            )
        )
    if len(errors) == 1:
        raise errors[0]
    if errors:
        more = f"\nand {len(errors) - _SHOWN} more" if len(errors) > _SHOWN else ""
        raise UserErrorException("\n".join(error.message for error in errors[:_SHOWN]) + more)


def _refused(entry: object, why: str) -> UserErrorException:
    return UserErrorException(
        f"{shown(entry)} cannot be used as a conda package: {why}. Give a name with an optional version, such as "
        "'numpy', 'numpy=1.19' or 'conda-forge::numpy>=1.19'; what pip installs goes into pip_packages."
    )
