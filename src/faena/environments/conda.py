"""Reads conda's package lists: each entry becomes a requirement by PEP 508, or an error says what to write instead.

`pytorch=1.2`, `conda-forge::scikit-learn>=0.24`, `numpy=1.19=py38h1` and `python=3.8` are what such lists hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from faena.environments.azureml import is_azureml
from faena.environments.conda_names import FOUND_UNDER_THEIR_NAME, IGNORED, SYSTEM, TO_PYPI
from faena.environments.requirements import MAX_LENGTH, shown
from faena.kernel.errors import UserErrorException

_ENTRY = re.compile(
    r"(?:(?P<channel>(?:https?://)?[\w./-]+)::)?(?P<name>[A-Za-z0-9_][\w.-]*)\s*(?P<version>[=<>!~\d].*)?",
    re.ASCII,
)
_VERSION = re.compile(r"[\w.+!*-]+", re.ASCII)
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029$`\\;&'\"@#]")


class CondaPackage(NamedTuple):
    """One entry of a list. `name` as conda has it, in lower case; `build` is dropped."""

    name: str
    specifier: SpecifierSet
    dropped: str
    """What the index has no notion of: `channel defaults`, `build py38h1`; empty where there is none."""


class Translated(NamedTuple):
    requirements: tuple[str, ...]
    python: SpecifierSet | None
    """What the entry `python…` says; None where there is none or it says no version."""
    notes: tuple[str, ...]
    """For the build log: what was renamed or left out."""
    guessed: tuple[str, ...]
    """Names that no table knows, asked for as they are."""


def parse(entry: object) -> CondaPackage:
    """Raises `UserErrorException` naming the entry and what can stand there."""
    if not isinstance(entry, str) or not entry.strip() or len(entry) > MAX_LENGTH or _FORBIDDEN.search(entry):
        raise _refused(entry, "it is no name with an optional version")
    found = _ENTRY.fullmatch(entry.strip())
    if found is None:
        raise _refused(entry, "it is no name with an optional version")
    version, build = _split_build(found["version"] or "")
    if "|" in version:
        raise _refused(entry, "alternatives with '|' cannot be translated; write one range")
    try:
        specifier = SpecifierSet(
            ",".join(_clause(part.strip()) for part in version.split(",") if part.strip())
        )
    except (InvalidSpecifier, ValueError) as error:
        raise _refused(entry, "its version cannot be read") from error
    dropped = [f"channel {found['channel']}"] if found["channel"] else []
    dropped += [f"build {build}"] if build else []
    return CondaPackage(found["name"].lower(), specifier, " and ".join(dropped))


def translate(entries: Iterable[str]) -> Translated:
    """Entries to requirements by `conda_names`. Raises `UserErrorException` for what is no Python package."""
    requirements: list[str] = []
    notes: list[str] = []
    guessed: list[str] = []
    python: SpecifierSet | None = None
    for entry in entries:
        package = parse(entry)
        name, specifier = package.name, package.specifier
        if name == "python":
            python = specifier if str(specifier) else python
            continue
        if name in IGNORED:
            notes.append(f"The conda package {name} is left out: wheels bring what they need of it.")
            continue
        if name in SYSTEM or name.startswith(("r-", "lib")):
            raise UserErrorException(
                f"The conda package {shown(entry)} is no Python package. Leave it out of conda_packages and install "
                "it on the machine."
            )
        known = TO_PYPI.get(name, name)
        if known != name:
            notes.append(f"The conda package {name} is called {known} here.")
        elif name not in FOUND_UNDER_THEIR_NAME and not is_azureml(name):
            guessed.append(canonicalize_name(name))
            notes.append(f"The conda package {name} is looked for under its own name.")
        if package.dropped:
            notes.append(f"Of the conda package {name}, {package.dropped} is not looked at.")
        requirements.append(f"{canonicalize_name(known)}{specifier}")
    return Translated(tuple(requirements), python, tuple(notes), tuple(guessed))


def _split_build(version: str) -> tuple[str, str]:
    """`=1.2=py38_0` and `==1.2=py38_0` name a build after the version, as does `1.2 py38_0`."""
    exact = re.fullmatch(r"==?\s*([^=<>!~,\s]+)\s*(?:=\s*|\s)([\w.*+-]+)", version, re.ASCII) or re.fullmatch(
        r"(\d[^=<>!~,\s]*)\s*(?:=\s*|\s)([\w.*+-]+)", version, re.ASCII
    )
    if exact is None:
        return version, ""
    return f"=={exact[1]}", "" if exact[2] == "*" else exact[2]


def _clause(text: str) -> str:
    """One of conda's version clauses as PEP 440 has it."""
    operator, number = re.fullmatch(r"(===|==|!=|<=|>=|~=|=|<|>|)\s*(.+)", text, re.DOTALL).groups()  # type: ignore[union-attr]  # any text matches
    if operator == "===" or not _VERSION.fullmatch(number):
        raise ValueError(text)
    if number == "*":
        return ""
    number = re.sub(r"(?<=[\w])\*$", ".*", number)  # conda's 1.2* is PEP 440's 1.2.*
    if operator == "=":
        return f"=={number}" if number.endswith(".*") else f"=={number}.*"
    if operator in ("", "=="):
        return f"=={number}"
    # With other operators conda ignores the star.
    return f"{operator}{number}" if operator == "!=" else f"{operator}{number.removesuffix('.*')}"


def _refused(entry: object, why: str) -> UserErrorException:
    return UserErrorException(
        f"{shown(entry)} cannot be used as a conda package: {why}. Give a name with an optional version, such as "
        "'numpy', 'numpy=1.19' or 'conda-forge::numpy>=1.19'; what pip installs goes into pip_packages."
    )
