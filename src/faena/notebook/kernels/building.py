"""The environment of a kernel: one with ipykernel of its time, built as a run's; or an interpreter as it is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from faena.client.environments.as_of import with_defaults
from faena.client.environments.build import EnvironmentBuild
from faena.client.environments.environment import Environment
from faena.client.workspaces.session import Session
from faena.environments.model import Lock
from faena.environments.ready import lock_copy
from faena.environments.schemas import BuildRequest
from faena.kernel.errors import UserErrorException
from faena.kernel.python36 import versions
from faena.notebook.kernels.specs import Kernel

NEEDS = "ipykernel"
_PATIENCE_SECONDS = 60.0


def build(workspace: Session, environment: Environment, log: Callable[[str], None]) -> Kernel:
    """Waits until it is there; `log` is told what is done.

    Raises UserErrorException for an interpreter without ipykernel, EnvironmentBuildException.
    """
    if environment.python.user_managed_dependencies:
        return _existing(environment.request().interpreter or "")
    if workspace.url:
        raise UserErrorException(
            f"The workspace at {workspace.url} builds environments on its own machine, and a kernel is on this one. "
            "Use a workspace in a folder here, or --interpreter."
        )
    environment.python.dependencies().add_pip_package(NEEDS)
    asked = with_defaults(environment.request(Path.cwd()))
    build = EnvironmentBuild(workspace, BuildRequest(environment=asked))
    log("The kernel's environment:")
    done = build.wait_for_completion(show_output=True)
    lock = Lock.from_json(lock_copy(done.digest).read_bytes())
    return Kernel(done.python, lock.interpreter.version, lock=lock)


def _existing(python: str) -> Kernel:
    """Raises UserErrorException where it cannot be one."""
    minor = versions.minor_of(python)
    if minor is not None and minor < versions.OLDEST:
        raise UserErrorException(
            f"{python} is Python {minor[0]}.{minor[1]}, which is too old for a kernel of Faena's: 3.6 is the oldest. "
            "Name a newer one, or give --as-of DATE in its place."
        )
    code = "import sys, ipykernel; sys.stdout.write('.'.join(map(str, sys.version_info[:3])))"
    try:
        done = subprocess.run(
            [python, "-c", code],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserErrorException(f"The interpreter {python} does not answer: {error}.") from None
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise UserErrorException(
            f"{python} has no ipykernel ({reason[:200]}). Install it there: {python} -m pip install ipykernel."
        )
    return Kernel(python, done.stdout)
