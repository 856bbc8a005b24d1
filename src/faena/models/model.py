"""A registered model: a name, a version from 1 up, files that were kept before."""

from __future__ import annotations

from dataclasses import dataclass, field

from faena.kernel.clock import Micros


@dataclass(frozen=True, slots=True)
class ModelFile:
    path: str
    """Relative to the model's folder; a model of one file has its base name here."""
    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class ModelVersion:
    name: str
    version: int
    run_id: str
    run_path: str
    """What was registered: the path in the run's files."""
    created_at: Micros
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    files: tuple[ModelFile, ...] = ()


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
