"""The JupyterLab that is started: the one beside Faena, else one in an environment of its own.

Kernels are this interpreter's in both cases, so that they have Faena and all that is installed with it. Where it has no
ipykernel, a kernel finds that in the environment of JupyterLab, behind everything of its own.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from faena.environments.model import EnvironmentSpec
from faena.notebook.kernels import specs
from faena.notebook.kernels.specs import Kernel

PACKAGES = ("anywidget>=0.9", "ipykernel>=6.29", "jupyterlab>=4.3")
_STARTUP = Path(__file__).parent / "startup"
_NATIVE = "python3"
"""The kernel that notebooks name."""
_OURS = "faena"


@dataclass(frozen=True, slots=True)
class Installation:
    python: Path
    variables: dict[str, str] = field(default_factory=dict)


@contextmanager
def ready(scratch: Path, log: Callable[[str], None]) -> Iterator[Installation]:
    """Built now where it must be. `scratch`: a folder that lasts as long. Raises EnvironmentBuildException."""
    if all(importlib.util.find_spec(name) is not None for name in ("jupyterlab", "ipykernel")):
        yield Installation(Path(sys.executable), {"JUPYTER_PATH": str(scratch)})
        return
    from faena.environments.prepare import prepare
    from faena.environments.ready import hold

    major, minor, *_ = sys.version_info
    spec = EnvironmentSpec(python=f"=={major}.{minor}.*", packages=PACKAGES)
    prepared = prepare(spec, log)
    with hold(prepared.lock.digest):
        python = Path(prepared.python)
        packages = python.parents[1] / f"lib/python{major}.{minor}/site-packages"
        _write_kernel(scratch / "kernels" / _NATIVE, packages)
        yield Installation(python, {"JUPYTER_PATH": str(scratch)})


def put_in_front(scratch: Path, kernel: Kernel) -> None:
    """Notebooks run on it under the name that they give; Faena's own kernel has another one."""
    folder = scratch / "kernels"
    native = folder / _NATIVE
    if not native.exists():
        _write_kernel(native, None)
    native.rename(folder / _OURS)
    specs.write(native, kernel)


def _write_kernel(folder: Path, packages: Path | None) -> None:
    """`packages`: where it finds what this interpreter lacks of Jupyter."""
    folder.mkdir(parents=True)
    kernel = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Python 3 (Faena)",
        "language": "python",
        "env": {} if packages is None else {"PYTHONPATH": str(_STARTUP), "FAENA_LAB_PACKAGES": str(packages)},
    }
    (folder / "kernel.json").write_text(json.dumps(kernel))
