"""`python -m faena.notebook.kernels.start (--lock FILE | --interpreter PYTHON) CONNECTION_FILE`: becomes a kernel.

With a lock, its environment cannot be pruned while the kernel lives, and is built anew where it was removed.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from faena.kernel.python36.folder import faena_of

_STRAY = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONSAFEPATH",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "__PYVENV_LAUNCHER__",
)
"""Variables about another Python than the kernel's."""


def main() -> None:
    kind, subject, connection = sys.argv[1:4]
    as_of = ""
    if kind == "--lock":
        python, as_of = _held(Path(subject))
    else:
        python = subject
    seen = variables(python, as_of, os.environ)
    begins = str(Path(seen["PYTHONPATH"], "_faena_kernel.py"))
    os.execve(python, [python, begins, "-f", connection], seen)


def _held(file: Path) -> tuple[str, str]:
    """(Its interpreter, its date.) Raises EnvironmentBuildException where it is gone and cannot be built."""
    from faena.environments.model import EnvironmentSpec, Lock
    from faena.environments.prepare import prepare
    from faena.environments.ready import hold_path

    lock = Lock.from_json(file.read_bytes())
    descriptor = os.open(hold_path(lock.digest), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    prepared = prepare(EnvironmentSpec(), _tell, lock=lock)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    os.utime(descriptor)  # when it was last used
    os.set_inheritable(descriptor, True)
    return prepared.python, lock.as_of


def _tell(line: str) -> None:
    sys.stderr.write(f"faena: {line}\n")


def variables(python: str, as_of: str, given: Mapping[str, str]) -> dict[str, str]:
    """What the kernel sees: where v1's names and Faena's are found, and the date that its runs have as well."""
    found = {name: value for name, value in given.items() if name not in _STRAY}
    found["PATH"] = os.pathsep.join([str(Path(python).parent), given.get("PATH") or os.defpath])
    found["PYTHONPATH"] = str(faena_of(python) / "script" / "pythonpath")
    found["FAENA_PYTHON"] = sys.executable
    found["FAENA_KERNEL_PYTHON"] = python
    found["FAENA_AZUREML"] = _v1_names()
    if as_of:
        found.setdefault("FAENA_AS_OF", as_of)
    return found


def _v1_names() -> str:
    """The folder of faena-azureml; empty where it is not installed."""
    import importlib.util

    found = importlib.util.find_spec("faena_azureml")
    return "" if found is None or found.origin is None else str(Path(found.origin).parents[1])


if __name__ == "__main__":
    main()
