"""What lists for images with GPUs and MPI name beside Chainer, and cannot be had here: Chainer works without it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.version import Version

_FIRST_CUPY = Version("7.1")
"""The first with wheels for a Python that runs can have; earlier ones need CUDA's own compiler."""

_FIRST_MPI4PY = Version("4.1")
"""The first with wheels."""


class LeftOut(NamedTuple):
    rest: tuple[str, ...]
    warnings: tuple[str, ...]


def beside_chainer(requirements: Iterable[str]) -> LeftOut:
    """Takes out releases of CuPy and mpi4py that this machine can neither find built nor build."""
    rest, warnings = [], []
    for line in requirements:
        why = _why(Requirement(line))
        if why is None:
            rest.append(line)
        else:
            warnings.append(f"{line} is left out: {why}")
    return LeftOut(tuple(rest), tuple(warnings))


def _why(asked: Requirement) -> str | None:
    clauses = [each.version.removesuffix(".*") for each in asked.specifier if each.operator == "=="]
    pinned = [Version(each) for each in clauses]
    if not pinned:
        return None
    if asked.name.startswith("cupy") and pinned[0] < _FIRST_CUPY:
        return "it was built for Pythons before 3.8 alone. Chainer computes on the CPU, and says so."
    if asked.name == "mpi4py" and pinned[0] < _FIRST_MPI4PY and shutil.which("mpicc") is None:
        return (
            "it is published as source alone, and there is no mpicc here to build it with. Chainer needs it for "
            "ChainerMN alone."
        )
    return None
