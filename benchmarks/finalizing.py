"""1 GB of outputs: how long the run is Finalizing, and how long registering them as a model takes.

    python -m benchmarks.finalizing [--quick]

Finalizing is the phase that the run's own page shows. Registering is timed in the client; the free space of the
file system before and after it tells whether bytes were copied. Beside Finalizing, SHA-256 by hashlib and fsync of a
file of the same size that the same script has just written: to digest it and have it on disk, without a copy.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.ground import median, submit, workspace
from benchmarks.rows import Row, at_most, command
from faena import Cluster, Workspace

SCRIPT = """
import os
block = os.urandom(1 << 20)
with open("outputs/model.bin", "wb") as file:
    for number in range({megabytes}):
        file.write(number.to_bytes(8, "big") + os.urandom(8) + block[16:])
"""
MEGABYTE = 10**6


def measure(quick: bool = False) -> list[Row]:
    size = 100 if quick else 954  # MiB: 1.0 GB
    finalizing, registering, copied = [], [], []
    with workspace() as ws:
        cluster = Cluster.create(ws, "cpu", max_nodes=1)
        for _ in range(1 if quick else 3):
            seconds, registered, bytes_taken = one(ws, cluster, size)
            finalizing.append(seconds)
            registering.append(registered)
            copied.append(bytes_taken / MEGABYTE)
        beside = median([bare(ws.folder, size) for _ in finalizing])
    gigabytes = f"{size * (1 << 20) / 1e9:.1f} GB"
    spread = f"{min(finalizing):.2f} to {max(finalizing):.2f} s"
    return [
        at_most(
            f"Finalizing {gigabytes} of outputs",
            median(finalizing),
            2,
            "s",
            rival="hashlib, fsync",
            rival_value=beside,
            note=spread,
        ),
        at_most(
            f"registering {gigabytes}",
            1000 * median(registering),
            50,
            "ms",
            note=f"disk taken meanwhile: {max(copied):.1f} MB at most",
        ),
    ]


def one(ws: Workspace, cluster: Cluster, size: int) -> tuple[float, float, int]:
    """Seconds Finalizing, seconds registering, bytes of disk that registering took."""
    run = submit(ws, cluster, SCRIPT.format(megabytes=size))
    run.wait_for_completion()
    phases = [phase for phase in run.refresh().phases if phase.name == "Finalizing"]
    finalizing = sum((phase.ended_at or 0) - phase.started_at for phase in phases) / 1e6
    os.sync()
    before = free(ws.folder)
    began = time.perf_counter()
    run.register_model("large", "outputs/model.bin")
    registering = time.perf_counter() - began
    os.sync()
    return finalizing, registering, before - free(ws.folder)


def bare(folder: Path, size: int) -> float:
    (folder / "outputs").mkdir(exist_ok=True)
    script = SCRIPT.format(megabytes=size)
    subprocess.run([sys.executable, "-c", script], cwd=folder, check=True)
    file = folder / "outputs" / "model.bin"
    began = time.perf_counter()
    with file.open("rb") as opened:
        hashlib.file_digest(opened, "sha256")
        os.fsync(opened.fileno())
    seconds = time.perf_counter() - began
    file.unlink()
    return seconds


def free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bfree * found.f_frsize


if __name__ == "__main__":
    command("Finalizing", measure)
