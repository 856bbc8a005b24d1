"""The GPUs of this machine, and whose they are: one belongs to one node at a time."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache

from faena.kernel.errors import ExperimentExecutionException


@cache
def gpu_ids() -> tuple[str, ...]:
    """Indexes of the GPUs that this process may use; asks nvidia-smi once per process."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    query = [program, "--query-gpu=index", "--format=csv,noheader"]
    try:
        listed = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    found = [line.strip() for line in listed.splitlines() if line.strip().isdigit()]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return tuple(found if visible is None else [gpu for gpu in found if gpu in visible.split(",")])


def check_gpu(wanted: str) -> None:
    """Raises ExperimentExecutionException when a run demands a GPU and there is none."""
    if wanted == "require" and not gpu_ids():
        raise ExperimentExecutionException(
            "The run demands a GPU (gpu='require') and this machine has none. "
            "Run it on a machine with a GPU, or let its GPU calls be answered on the CPU with gpu='auto'."
        )


def share(gpus: tuple[str, ...], held: set[str], max_nodes: int) -> tuple[str, ...]:
    """What the next node of a cluster gets: an equal part of the machine's GPUs, of those that no node holds."""
    free = [gpu for gpu in gpus if gpu not in held]
    return tuple(free[: max(1, len(gpus) // max_nodes)])
