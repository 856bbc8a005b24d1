"""An environment that is built on a Ray node for as long as a test says; no host here reaches a package index."""

from __future__ import annotations

import itertools
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faena.compute.backends.ray.runner_file import builder_requirements
from tests.environments.packages import make_sdist
from tests.hosts.namespaces import Host
from tests.on_ray.ground import RAY_PYTHON

HOLD, BUILDING = "/tmp/hold", "/tmp/building"
"""On a host: while the first is there builds wait, and have made the second."""
VARIABLES: Mapping[str, str] = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/tmp/wheels", "UV_OFFLINE": "1"}
"""Of the processes of a Ray cluster whose host has `bring_builder`'s wheels."""
_BODY = f"""
open({BUILDING!r}, "a").close()
while os.path.exists({HOLD!r}):
    time.sleep(0.01)
"""
_numbers = itertools.count(1)


def bring_builder(host: Host) -> None:
    """What a node installs to build environments with, as files."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([RAY_PYTHON, "-m", "venv", folder], check=True)
        words = ["-m", "pip", "download", "--quiet", "--dest", str(host.path("/tmp/wheels"))]
        listed = builder_requirements().split()
        subprocess.run([Path(folder, "bin", "python"), *words, *listed], check=True)


def hold(host: Host) -> None:
    host.path(BUILDING).unlink(missing_ok=True)
    host.path(HOLD).touch()


def let_go(host: Host) -> None:
    host.path(HOLD).unlink(missing_ok=True)


def is_held(host: Host) -> bool:
    return host.path(BUILDING).exists()


def environment(server: Host) -> dict[str, Any]:
    """Of a run: another one each time, so that it has to be built."""
    name = f"held{next(_numbers)}"
    made = make_sdist(server.path("/tmp/packages"), name, _BODY)
    return {"pip_packages": [f"/tmp/packages/{made.name}"], "interpreter": None}
