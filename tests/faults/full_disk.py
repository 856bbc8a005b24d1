"""A disk that fills while a script logs, and has space again later."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from faena.client.runs.run import Run
from faena.kernel.plural import counted
from faena.runs.schemas import RunView
from faena.testing.kills import processes
from faena.testing.kills.evidence import PATIENCE, Result, after, check_run
from faena.testing.kills.ground import Case
from faena.testing.kills.records import LEAST_POINTS
from faena.testing.kills.table import Row
from faena.testing.waiting import until
from tests.faults.ground import Site

_SIZE = "40m"
_DROPPED = 100
"""Points that the script drops before there is space again."""
FATES = ("nothing more", "server killed", "script killed", "runner killed")
"""What else happens while the disk is full."""
_ENDS = {
    "nothing more": ("Completed", None),
    "server killed": ("Completed", None),
    "script killed": ("Failed", "signal"),
    "runner killed": ("Failed", "node_lost"),
}


def fill(folder: Path, links: Path, tell: Callable[[str], None], fates: tuple[str, ...] = FATES) -> Row:
    """A run for each of `fates`, in a workspace on a file system of its own that fills while the run logs."""
    row = Row("disk", "fills")
    folder.mkdir(parents=True)
    try:
        with mounted(folder / "small") as disk:
            site = Site(folder / "full-disk", links=links, project=disk / "project")
            for fate in fates:
                result = _trial(site, disk, fate)
                row.add(result)
                tell(f"[{row.kills}/{len(fates)}] disk full, {fate}: {'; '.join(result.wrong) or 'fine'}")
            site.close()
    except CannotMount as error:
        row.not_applicable = f"no small file system could be mounted: {error}"
    return row


class CannotMount(Exception):
    """Mounting needs root."""


@contextmanager
def mounted(folder: Path, size: str = _SIZE) -> Iterator[Path]:
    """A file system in memory. Raises CannotMount."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise CannotMount("there is no mount command") from error
    if done.returncode != 0:
        raise CannotMount(done.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Ballast:
    """A file that takes all the space that there is, again and again while it is looked at."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def grow(self) -> None:
        size = 1 << 20
        while size:
            try:
                os.write(self._file, b"\0" * size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                size >>= 1

    def drop(self) -> None:
        os.close(self._file)
        self._path.unlink()


def _trial(site: Site, disk: Path, fate: str) -> Result:
    case = site.case()
    run = site.submit(case)
    until(lambda: len(case.confirmed().points) > LEAST_POINTS, "the script logs", seconds=PATIENCE)
    script = case.confirmed().pids[-1]
    runner = processes.runner_of(script)
    ballast = Ballast(disk / "ballast")
    try:

        def has_dropped() -> bool:
            ballast.grow()
            return len(case.confirmed().dropped) >= _DROPPED

        until(has_dropped, "the script drops points", seconds=PATIENCE)
        victim = {
            "server killed": processes.server_of(site.path),
            "script killed": script,
            "runner killed": runner,
        }.get(fate)
        if victim is not None:
            processes.kill(victim)
        _stay_full(ballast, 2.0)
    finally:
        ballast.drop()
    if _ENDS[fate][0] == "Completed":
        kept = len(case.confirmed().points)
        until(
            lambda: len(case.confirmed().points) > kept + LEAST_POINTS, "the script logs on", seconds=PATIENCE
        )
    case.release.touch()
    until(lambda: run.refresh().ended_at is not None, f"run {run.id} has ended", seconds=PATIENCE)
    return _judge(run, case, fate)


def _stay_full(ballast: Ballast, seconds: float) -> None:
    """Whatever the others free is taken again, while they try to write down what happened."""
    over = after(seconds)

    def grow() -> bool:
        ballast.grow()
        return over()

    until(grow, "the disk was full for a while", seconds=seconds + 60)


def _judge(run: Run, case: Case, fate: str) -> Result:
    view = run.refresh()
    result = Result(fate, None)
    said = (view.status, view.error.reason if view.error else None)
    if said != _ENDS[fate]:
        result.wrong.append(f"{run.id}: {fate}, and it ends as {said}: {view.error and view.error.message}")
    check_run(run, view, case, result)
    if view.status == "Completed":
        result.wrong += _count_told(view, case)
    return result


def _count_told(view: RunView, case: Case) -> list[str]:
    """Whether the run says how many records its script had to drop."""
    dropped = len(case.confirmed().dropped)
    notes = [note.message for note in view.notes if note.code == "RecordsDropped"]
    if any(f" {counted(dropped, 'record')} of" in note for note in notes):
        return []
    return [f"{case.name}: {dropped} points were dropped, and the run's notes say {notes}"]
