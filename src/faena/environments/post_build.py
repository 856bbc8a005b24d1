"""What may happen after an environment is in use already: bytecode, and everything safe on the disk."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from faena.environments.folders import envs
from faena.environments.ready import SETTLED, hold
from faena.environments.uv_process import dies_with
from faena.kernel.durable import write_atomically

_NICE = 19
_UNWANTED = ("0", "false", "no", "off")
_TESTS = r"[/\\]tests?[/\\]"


def settle(digest: str) -> None:
    """Compiles the environment's bytecode at the lowest priority, then flushes it to the disk; once.

    Where UV_COMPILE_BYTECODE says no, nothing is compiled: Python does it as modules are imported.

    Until it has run, the environment is rebuilt after a restart of the machine, since a power cut may have torn
    its files. Takes seconds to a minute. Raises `NotFound` where the environment is not ready.
    """
    with hold(digest) as held:
        marker = envs() / digest / SETTLED
        if marker.exists():
            return
        if os.environ.get("UV_COMPILE_BYTECODE", "").lower() not in _UNWANTED:
            _compile(held.python, envs() / digest / "lib", held.fd)
        os.sync()
        write_atomically(marker, b"")


def _compile(python: Path, folder: Path, held: int) -> None:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    # Files that do not compile (templates, another Python's syntax) are no matter; tests are seldom imported.
    with subprocess.Popen(
        [python, "-I", "-W", "ignore", "-m", "compileall", "-qq", "-x", _TESTS, folder],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=variables,
        pass_fds=(held,),
        preexec_fn=dies_with(os.getpid(), nice=_NICE),
    ) as process:
        try:
            process.wait()
        finally:
            if process.poll() is None:
                process.kill()
