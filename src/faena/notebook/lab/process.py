"""JupyterLab as a child that ends with whoever started it, and its kernels with it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from faena.kernel import with_parent
from faena.notebook.lab.installation import Installation

_GRACE = 20.0
_HOST = "127.0.0.1"


def run(found: Installation, folder: Path, scratch: Path, *, port: int, browser: bool, shown: str) -> int:
    """Returns its exit code. `shown`: the page that it opens with. KeyboardInterrupt ends it, and is raised."""
    options = {
        "ip": _HOST,
        "port": port,
        "root_dir": folder,
        "open_browser": browser,
    }
    arguments = [str(found.python), "-m", "jupyterlab"]
    arguments += [f"--ServerApp.{name}={value}" for name, value in options.items()]
    arguments.append(f"--LabApp.default_url={shown}")
    if os.geteuid() == 0:
        arguments.append("--allow-root")
    variables = {**os.environ, **found.variables, "JUPYTER_RUNTIME_DIR": str(scratch / "runtime")}
    process = subprocess.Popen(
        with_parent.command(arguments, os.getpid()),
        env=variables,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C would have it ask whether it is meant
    )
    try:
        return process.wait()
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM has it end its kernels first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
