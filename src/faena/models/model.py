"""A registered model: a name, a version from 1 up, files that are kept in the object store."""

from __future__ import annotations

import re

from msgspec import Struct, field

from faena.kernel.clock import Micros
from faena.kernel.errors import WebserviceException

LONGEST_ALIAS = 255
_ALIAS = re.compile(r"[\w\-]+")
_VERSION = re.compile(r"[vV]\d+")


class ModelFile(Struct, frozen=True):
    path: str
    """Relative to the model's folder; a model of one file has its base name here."""
    digest: str
    size: int


class Framework(Struct, frozen=True):
    """What the model was made with, such as Chainer 7.8.1; both empty: nobody said."""

    name: str = ""
    version: str = ""


class ModelVersion(Struct, frozen=True):
    name: str
    version: int
    run_id: str | None
    """The run that made its files; None when they were registered from a path of a machine."""
    path: str
    """What was registered: the path in the run's files, or the one on the machine."""
    created_at: Micros
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    framework: Framework = Framework()
    datasets: tuple[tuple[str, str], ...] = ()
    """(What it was used for, id of the dataset)."""
    files: tuple[ModelFile, ...] = ()
    aliases: tuple[str, ...] = ()
    """Names that mean this version now, in their order."""


class Label(Struct, frozen=True):
    """A tag or property to look for: a key, and its value unless any will do."""

    key: str
    value: str | None = None


class Search(Struct, frozen=True):
    """Which versions to find: those that match everything that is given."""

    name: str | None = None
    version: int | None = None
    run_id: str | None = None
    framework: str | None = None
    tags: tuple[Label, ...] = ()
    properties: tuple[Label, ...] = ()


def check_framework(framework: Framework) -> None:
    """Raises WebserviceException for a version of nothing."""
    if framework.version and not framework.name:
        raise WebserviceException(
            f"model_framework_version is {framework.version[:80]!r}, but no model_framework is given. "
            "Give both, such as model_framework='Chainer'."
        )


def check_alias(alias: str) -> str:
    """MLflow's rules. Raises WebserviceException for what cannot be an alias, and says why."""
    if why := _refusal(alias):
        shown = repr(alias if len(alias) <= 80 else f"{alias[:80]}…")
        raise WebserviceException(f"{shown} cannot be an alias of a model: {why}")
    return alias


def _refusal(alias: str) -> str:
    if len(alias) > LONGEST_ALIAS or not _ALIAS.fullmatch(alias):
        return f"use letters, digits, '_' and '-', at most {LONGEST_ALIAS} characters, such as 'champion'."
    if alias.lower() == "latest":
        return "the name of a model alone means its latest version. Use another word, such as 'champion'."
    if _VERSION.fullmatch(alias):
        return "it reads as the number of a version. Use a word, such as 'champion'."
    return ""


def select_files(there: dict[str, tuple[str, int]], wanted: str) -> tuple[ModelFile, ...]:
    """The files of a run that `wanted` names: one file, or all below a folder. `there`: (digest, size) by name."""
    wanted = wanted.removeprefix("./").rstrip("/")
    if wanted in there:
        return (ModelFile(wanted.rpartition("/")[2], *there[wanted]),)
    prefix = wanted + "/"
    parent = len(wanted.rpartition("/")[0])
    start = parent + 1 if parent else 0
    return tuple(
        ModelFile(name[start:], digest, size)
        for name, (digest, size) in sorted(there.items())
        if name.startswith(prefix)
    )
