"""TensorFlow for GPUs before 1.14, which cannot even be imported without CUDA's libraries: later ones look for them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from faena.environments.frameworks import FRAMEWORKS
from faena.environments.left_out import LeftOut
from faena.environments.requirements import name_of

_GPU = "tensorflow-gpu"
_FIRST_THAT_LOOKS = Version("1.14")
_FIRST_DAY = "2019-06-19"
"""When it came."""
_LIBRARIES = ("libcublas.so.9.0", "libcublas.so.10.0")
_FOLDERS = ("/usr/local/cuda/lib64", "/usr/local/cuda-9.0/lib64", "/usr/local/cuda-10.0/lib64")


def replaced(requirements: Iterable[str], as_of: str) -> LeftOut:
    """With `tensorflow` of the same versions in the place of such a `tensorflow-gpu`, where CUDA 9 or 10.0 is not here.

    `as_of`: the date of the environment, `auto`, or empty.
    """
    rest: list[str] = []
    warnings: list[str] = []
    for line in requirements:
        if name_of(line) == _GPU and _links(Requirement(line), as_of) and not _has_cuda():
            instead = Requirement(line)
            instead.name = "tensorflow"
            rest.append(str(instead))
            warnings.append(
                f"{line} is taken as {instead}: built for GPUs, it cannot be imported without CUDA 9.0 or 10.0, which "
                "is not on this machine."
            )
        else:
            rest.append(line)
    return LeftOut(tuple(dict.fromkeys(rest)), tuple(warnings))


def _links(asked: Requirement, as_of: str) -> bool:
    """Whether only versions are allowed that are linked to CUDA."""
    if asked.url is not None:
        return False
    if as_of[:1].isdigit() and as_of < _FIRST_DAY:
        return True
    versions = [Version(each) for each in FRAMEWORKS["tensorflow"].versions]
    exact = [Version(each.version.removesuffix(".*")) for each in asked.specifier if each.operator == "=="]
    allowed = exact or [each for each in versions if asked.specifier.contains(each)]
    return bool(allowed) and max(allowed) < _FIRST_THAT_LOOKS


@cache
def _has_cuda() -> bool:
    folders = [*os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep), *_FOLDERS]
    return any((Path(folder) / name).exists() for folder in folders if folder for name in _LIBRARIES)
