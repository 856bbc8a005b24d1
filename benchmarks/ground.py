"""What the benchmarks share: a workspace of their own on disk, whole processes timed, the machine in words."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from faena import Cluster, Estimator, Experiment, Workspace
from faena.client.runs.run import Run
from faena.db import Database
from faena.kernel.discovery import Rendezvous, is_held
from faena.objects.files import FolderObjects
from faena.testing.history import EXPERIMENTS, fill
from faena.testing.waiting import until
from faena.tracking import files as run_files
from faena.tracking.model import StoredFile

HIDING = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
"""Variables that some shells export and that hide how Python really starts."""


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


@contextmanager
def workspace() -> Iterator[Workspace]:
    """A workspace on disk with state and runtime folders of its own; its processes are gone afterwards."""
    before = dict(os.environ)
    for name in HIDING:
        os.environ.pop(name, None)
    folder = Path(tempfile.mkdtemp(prefix="faena-bench-", dir="/var/tmp"))
    runtime = Path(tempfile.mkdtemp(prefix="fb-", dir="/tmp"))
    os.environ["FAENA_HOME"] = str(folder / "home")
    os.environ["FAENA_RUNTIME"] = str(runtime)
    made = Workspace.create("bench", folder / "project")
    try:
        yield made
    finally:
        stop(made)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(runtime, ignore_errors=True)
        os.environ.clear()
        os.environ.update(before)


def stop(made: Workspace) -> None:
    """Cancel what runs and stop the server and its nodes."""
    for row in made.api.runs(limit=1000):
        if row.ended_at is None:
            made.api.cancel(row.id)
    until(lambda: all(row.ended_at for row in made.api.runs(limit=1000)), "all runs have ended", seconds=60)
    made.api.stop()
    rendezvous = Rendezvous(made.files.path)
    until(lambda: not is_held(rendezvous.election), "the server has left")
    until(lambda: not any(is_held(lock) for lock in rendezvous.nodes.glob("*.lock")), "the nodes have left")


def submit(made: Workspace, cluster: Cluster, script: str, **options: object) -> Run:
    """Submit a script that runs in this interpreter unless `interpreter` says otherwise."""
    source = made.folder.parent / "source"
    source.mkdir(exist_ok=True)
    (source / "train.py").write_text(script)
    given = {"interpreter": sys.executable, **options}
    estimator = Estimator(source, entry_script="train.py", compute_target=cluster, **given)  # type: ignore[arg-type]  # by name
    return Experiment(made, "bench").submit(estimator)


def processes(made: Workspace, module: str) -> list[int]:
    """Process ids of this workspace's server (`faena.server`) or nodes (`faena.node`)."""
    wanted = [b"-m", module.encode()]
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                arguments = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if arguments[2:4] == wanted and os.fsencode(made.files.path) in arguments:
                found.append(int(process.name))
    return found


def whole_process(command: Sequence[str], cwd: Path | None = None, **variables: str) -> float:
    """Wall seconds of a command from start to end, its output thrown away; `variables` join its environment."""
    environment = {name: value for name, value in os.environ.items() if name not in HIDING} | variables
    began = time.perf_counter()
    subprocess.run(
        command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, cwd=cwd
    )
    return time.perf_counter() - began


def faena_command(made: Workspace, *arguments: str) -> float:
    """Wall seconds of `faena` with these arguments, in the workspace's folder."""
    return whole_process([sys.executable, "-m", "faena.cli", *arguments], cwd=made.folder)


def in_turns(subjects: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """A B A B …, after one round that does not count, so that a busy machine slows all of them alike."""
    for subject in subjects.values():
        subject()
    found: dict[str, list[float]] = {name: [] for name in subjects}
    for _ in range(rounds):
        for name, subject in subjects.items():
            found[name].append(subject())
    return found


def machine() -> str:
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    return (
        f"{cores} cores ({model}), {memory:.0f} GiB, Linux {platform.release()}, "
        f"Python {platform.python_version()}, {file_system(Path('/var/tmp'))}"
    )


def file_system(folder: Path) -> str:
    """Type of the file system that holds `folder`, such as ext4."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    return max((point, kind) for point, kind in mounts if folder.is_relative_to(point))[1]


def rival_python() -> str | None:
    """The interpreter of an environment with MLflow, from `RIVAL_PYTHON`: in ours it would slow our own imports."""
    given = os.environ.get("RIVAL_PYTHON")
    return None if given is None else str(Path(given).absolute())


def fill_with_history(made: Workspace, runs: int, files: int = 0, size: int = 0) -> None:
    """So many runs of a month (`faena.testing.history`), the first `files` of them with a file of `size` random bytes.

    The server leaves first: the database has one writer.
    """
    made.api.stop()
    until(lambda: not is_held(Rendezvous(made.files.path).election), "the server has left")
    database, objects = Database(made.files.database), FolderObjects(made.files.objects)
    fill(database, runs)
    for number in range(files):
        digest, count = objects.put([number.to_bytes(8, "little"), os.urandom(size - 8)])
        stored = {"outputs/model.npz": StoredFile(digest, count)}
        run_id = f"{EXPERIMENTS[number % len(EXPERIMENTS)]}_{number:07d}"
        database.submit_write(partial(run_files.put_files, run_id=run_id, stored=stored, now=0)).result()
    database.close()
    os.sync()
