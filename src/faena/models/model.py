"""A registered model: a name, a version from 1 up, files that are kept in the object store."""

from __future__ import annotations

import posixpath
import re

from msgspec import Struct, field

from faena.kernel.clock import Micros
from faena.kernel.errors import WebserviceException

LONGEST_ALIAS = 255
STAGES = ("Staging", "Production", "Archived")
"""Where a version may stand in its life, in MLflow's words; most stand nowhere."""
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
    stage: str = ""
    """One of `STAGES`; empty: none."""
    source: str = ""
    """Where its files came from, as an address that another registry's client gave; empty: nobody did."""
    location: str = ""
    """An address at which that client finds them; empty: where `source` is none."""
    told_run: str | None = None
    """The run that made it, as somebody said, where none of that id is here."""
    changed_at: Micros = 0
    """When it was registered, or its stage or description changed last."""


class RegisteredModel(Struct, frozen=True):
    """What belongs to a model's name: it may have no version yet."""

    name: str
    created_at: Micros
    changed_at: Micros
    """When it was made, or its description, a stage of its versions, or which there are changed last."""
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)


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


def check_stage(stage: str | None) -> str:
    """The stage as it is written, whatever its case; empty for none. Raises WebserviceException for another word."""
    given = stage or "None"
    for known, kept in (("none", ""), *((stage.lower(), stage) for stage in STAGES)):
        if given.lower() == known:
            return kept
    raise WebserviceException(
        f"{given[:80]!r} is no stage of a model. Use one of {', '.join(STAGES)}, or None."
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


def files_by_name(model: ModelVersion) -> dict[str, ModelFile]:
    """Those of a model that is one folder are named from that folder on."""
    top = f"{posixpath.basename(model.path.rstrip('/'))}/"
    is_folder = all(each.path.startswith(top) for each in model.files)
    return {each.path.removeprefix(top) if is_folder else each.path: each for each in model.files}


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
