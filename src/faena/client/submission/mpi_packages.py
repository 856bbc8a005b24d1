"""What an environment needs for ranks of MPI."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from msgspec.structs import replace

from faena.environments import python_releases
from faena.environments.schemas import EnvironmentRequest
from faena.kernel import dates
from faena.kernel.errors import UserErrorException

NEEDS = ("mpich>=4.2,<6", "mpi4py>=4,<5")
"""MPICH as a wheel, and mpi4py's releases that find it: earlier ones are compiled against one MPI."""
_TOLD = (
    "For ranks of MPI, mpich and mpi4py are installed: a release of mpi4py before 4, such as the pin of 2019, has no "
    "wheel and is not, since its build needs an MPI compiler. Scripts written for one run with 4, of whatever day."
)
_NAMED = re.compile(r"(?:[\w./:-]{1,200}::)?(mpich|mpi4py)(?![\w.-])", re.IGNORECASE)
_OLD = re.compile(r"(?:[\w./:-]{1,200}::)?mpi4py\s*={1,3}\s*[0-3](?!\d)", re.IGNORECASE)
_TOO_OLD = re.compile(r"(?:[=~]=)?\s*(?:2|3\.[0-7])(?:\D|$)")
_LOOKS_WITHIN = 20.0
_LOOK = "import importlib.util as u, sys; sys.exit(0 if u.find_spec('mpi4py') else 3)"
_STARTERS = ("mpiexec.hydra", "mpiexec.mpich")


def added(request: EnvironmentRequest) -> EnvironmentRequest:
    """The same environment with what MPI needs. Raises UserErrorException for an interpreter that surely lacks it."""
    if request.interpreter is not None:
        _check(request.interpreter)
        return request
    if _TOO_OLD.match(request.python or ""):
        raise UserErrorException(
            f"Ranks of MPI need mpi4py 4, which Python {request.python} cannot have. Use Python 3.8 or newer, or give "
            "interpreter= one in which mpich and an mpi4py that was built with its mpicc are installed."
        )
    day = dates.parsed(request.as_of)
    if (
        day is not None
        and not request.python
        and not any(map(python_releases.is_brought_by_uv, python_releases.minors_of(day)))
    ):
        raise UserErrorException(python_releases.no_mpi(request.as_of))
    kept = [
        tuple(each for each in listed if not _OLD.match(each))
        for listed in (request.packages, request.conda_packages)
    ]
    asked = {found[1].lower() for listed in kept for each in listed if (found := _NAMED.match(each))}
    needs = [need for need in NEEDS if need.partition(">")[0] not in asked]
    undated = (
        (*request.undated, *(each.partition(">")[0] for each in needs)) if request.as_of else request.undated
    )
    return replace(
        request,
        packages=(*kept[0], *needs),
        conda_packages=kept[1],
        notes=(*request.notes, _TOLD),
        undated=undated,
    )


def _check(interpreter: str) -> None:
    """Looks at it where it is on this machine."""
    if not os.access(interpreter, os.X_OK):
        return
    try:
        looked = subprocess.run(
            [interpreter, "-c", _LOOK], capture_output=True, timeout=_LOOKS_WITHIN, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return
    if looked.returncode == 3:
        raise UserErrorException(
            f"The Python {interpreter}, which is used as it is, has no mpi4py, by which ranks of MPI are started. "
            f"Install it: {interpreter} -m pip install mpich mpi4py"
        )
    beside = os.pathsep.join([str(Path(interpreter).parent), os.environ.get("PATH", "")])
    if not any(shutil.which(name, path=beside) for name in _STARTERS):
        raise UserErrorException(
            f"There is no MPICH for {interpreter}: neither beside it nor on the PATH is mpiexec.hydra. Install it: "
            f"{interpreter} -m pip install mpich"
        )
