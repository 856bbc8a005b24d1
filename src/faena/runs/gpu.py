"""Whether this machine has a GPU that a run could use."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache

from faena.kernel.errors import ExperimentExecutionException


@cache
def has_gpu() -> bool:
    """Asks nvidia-smi once per process."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return False
    try:
        listed = subprocess.run(
            [program, "-L"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    return "GPU " in listed


def check_gpu(wanted: str) -> None:
    """Raises ExperimentExecutionException when a run demands a GPU and there is none."""
    if wanted == "require" and not has_gpu():
        raise ExperimentExecutionException(
            "The run demands a GPU (gpu='require') and this machine has none. "
            "Run it on a machine with a GPU, or let its GPU calls be answered on the CPU with gpu='auto'."
        )
