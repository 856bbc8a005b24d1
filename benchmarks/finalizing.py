"""1 GB of outputs: how long the run is Finalizing, and how long registering them, or a file of this machine, takes.

    python -m benchmarks.finalizing [--quick]

Finalizing is the phase that the run's own page shows. Registering is timed in the client; the free space of the
file system before and after it tells whether bytes were copied. Beside Finalizing, SHA-256 by hashlib and fsync of a
file of the same size that the same script has just written: to digest it and have it on disk, without a copy.

A file of this machine stays its owner's, so registering it copies it where the file system cannot share its blocks.
Beside it, in turns, the same by hand: shutil.copyfile, SHA-256 by hashlib and fsync of the copy.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from benchmarks.ground import median, submit, workspace
from benchmarks.rows import Row, at_most, command
from faena import Cluster, Model, Workspace

SCRIPT = """
import os
block = os.urandom(1 << 20)
with open("outputs/model.bin", "wb") as file:
    for number in range({megabytes}):
        file.write(number.to_bytes(8, "big") + os.urandom(8) + block[16:])
"""
MEGABYTE = 10**6
LOCAL_RATIO = 1.2


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
        turns = [(local(ws, size), by_hand(ws.folder, size)) for _ in range(1 if quick else 5)]
    gigabytes = f"{size * (1 << 20) / 1e9:.1f} GB"
    spread = f"{min(finalizing):.2f} to {max(finalizing):.2f} s"
    ratios = sorted(ours / theirs for ours, theirs in turns)
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
        Row(
            f"Model.register of {gigabytes} of this machine",
            f"≤ {LOCAL_RATIO:g} x the rival",
            median([ours for ours, _ in turns]),
            "s",
            "copyfile, hashlib, fsync",
            median([theirs for _, theirs in turns]),
            median(ratios) <= LOCAL_RATIO,
            f"median {median(ratios):.2f} of the rounds' ratios, {ratios[0]:.2f} to {ratios[-1]:.2f}",
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


def local(ws: Workspace, size: int) -> float:
    file = written(ws.folder, size)
    os.sync()
    began = time.perf_counter()
    with redirect_stdout(StringIO()):
        model = Model.register(ws, file, "local")
    seconds = time.perf_counter() - began
    assert model.size == file.stat().st_size
    file.unlink()
    return seconds


def by_hand(folder: Path, size: int) -> float:
    file = written(folder, size)
    target = folder / "copy.bin"
    os.sync()
    began = time.perf_counter()
    shutil.copyfile(file, target)
    with target.open("rb") as opened:
        hashlib.file_digest(opened, "sha256")
        os.fsync(opened.fileno())
    seconds = time.perf_counter() - began
    target.unlink()
    file.unlink()
    return seconds


def written(folder: Path, size: int) -> Path:
    """A file that nothing was known of before."""
    (folder / "outputs").mkdir(exist_ok=True)
    subprocess.run([sys.executable, "-c", SCRIPT.format(megabytes=size)], cwd=folder, check=True)
    return folder / "outputs" / "model.bin"


def bare(folder: Path, size: int) -> float:
    file = written(folder, size)
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
