"""Packages of the v1 SDK in package lists: faena answers their names, so that they are never installed."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

CLIENT_NEEDS = ('msgspec; python_version >= "3.11"',)
"""What faena's own client imports, so that a script may use handles; below 3.11 it has the run's own words only."""

TABLES_NEED = ("pandas", "pyarrow")
"""What tables are read with: what `azureml-dataprep[pandas]` brought."""

DEFAULTS_BROUGHT = ("numpy", "pandas", "requests")
"""What came with v1's default packages, and scripts imported without asking for it."""

MLFLOW, MLFLOW_WITHOUT_SERVER = "mlflow", "mlflow-skinny"
"""What `azureml-mlflow` brought: the former before 1.28, of May 2021, the latter since."""

STAND_INS = (*CLIENT_NEEDS, *TABLES_NEED, *DEFAULTS_BROUGHT, MLFLOW, MLFLOW_WITHOUT_SERVER)
"""What may come for the SDK's packages, as it is then asked for."""

_DEFAULTS = ("azureml-defaults", "azureml-sdk")
_PLUG_IN = "azureml-mlflow"
_SKINNY_SINCE = (1, 28)


class Split(NamedTuple):
    rest: tuple[str, ...]
    """The requirements that are not of the v1 SDK; with any of it, what stands for it comes last."""
    notes: tuple[str, ...]
    has_sdk: bool


def split(requirements: Iterable[str]) -> Split:
    """Takes the v1 SDK's packages out of checked requirements."""
    given = list(requirements)
    found = [each for each in given if is_azureml(Requirement(each).name)]
    if not found:
        return Split(tuple(given), (), has_sdk=False)
    rest = [each for each in given if each not in found]
    rest += [need for need in CLIENT_NEEDS if need not in rest]
    named = {canonicalize_name(Requirement(each).name) for each in rest}
    brought = [need for need in _brought(found) if need not in named]
    brought += _mlflow_of(found, named)
    notes = [f"Not installed, since faena answers these names itself: {', '.join(found)}."]
    if brought:
        notes.append(f"Installed, since scripts had it from them: {', '.join(brought)}.")
    return Split((*rest, *brought), tuple(notes), has_sdk=True)


def _brought(found: list[str]) -> tuple[str, ...]:
    """What the v1 packages of these requirements had with them, as far as scripts use it."""
    asked = [Requirement(each) for each in found]
    defaults = any(canonicalize_name(each.name) in _DEFAULTS for each in asked)
    tables = any("pandas" in each.extras for each in asked)
    return tuple(dict.fromkeys((DEFAULTS_BROUGHT if defaults else ()) + (TABLES_NEED if tables else ())))


def _mlflow_of(found: list[str], named: Container[str]) -> list[str]:
    """What came with MLflow's plug-in, as of the version that the SDK's packages say."""
    asked = [Requirement(each) for each in found]
    if all(canonicalize_name(each.name) != _PLUG_IN for each in asked):
        return []
    if MLFLOW in named or MLFLOW_WITHOUT_SERVER in named:
        return []
    versions = [
        bound for each in asked for bound in each.specifier if bound.operator in ("==", "~=", "<", "<=")
    ]
    is_old = any(Version(bound.version.removesuffix(".*")).release[:2] < _SKINNY_SINCE for bound in versions)
    return [MLFLOW if is_old else MLFLOW_WITHOUT_SERVER]


def is_azureml(name: str) -> bool:
    name = canonicalize_name(name)
    return name == "azureml" or name.startswith("azureml-")
