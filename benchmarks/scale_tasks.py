"""What walks through a whole history: its time, its memory, and who waits meanwhile; for `benchmarks.scale`."""

from __future__ import annotations

import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.scale_questions import Figures
from benchmarks.team_ground import Team
from faena.backups.schemas import BackupRequest
from faena.tidying.schemas import CollectionRequest, KeepRuns

_LOOK_S = 0.1
_OLD = KeepRuns(days=365.0, filter=None)


def tasks(there: Team) -> Figures:
    api = there.workspace.api
    folder = there.workspace.folder.parent / "backup"

    def backup(number: int) -> None:
        view = api.backups.start(f"b{number}", BackupRequest(str(folder)))
        while view.state == "copying":
            view = api.backups.look(f"b{number}", 5.0)
        if view.state != "done":
            raise RuntimeError(view.error)

    deeds: dict[str, Callable[[], object]] = {
        "what Prometheus reads": lambda: api.transport.request("GET", "/metrics"),
        "disk use by experiment and run": api.tidy.usage,
        "garbage is collected": lambda: api.tidy.collect(CollectionRequest()),
        "retention, what is older than a year": lambda: api.tidy.put_rule("old", _OLD),
        "backup": lambda: backup(1),
        "backup again": lambda: backup(2),
    }
    found = {f"task: {name}": _watched(there, work) for name, work in deeds.items()}
    if there.database is None:
        found["task: faena doctor"] = _doctor(there)
    return found


def _watched(there: Team, work: Callable[[], object]) -> str:
    _forgetpeak_mb(there.server)
    before = there.cpu()
    with _somebody_looks(there) as waits:
        time.sleep(3 * _LOOK_S)
        began = time.perf_counter()
        try:
            work()
        except Exception as error:  # noqa: BLE001  what fails at some size is a figure, too
            return f"{type(error).__name__}: {str(error)[:80]}"
        took = time.perf_counter() - began
    server, database = (then - at for then, at in zip(there.cpu(), before, strict=True))
    used = f"{server:.1f}" + (f" + {database:.1f}" if there.database else "")
    return f"{took:.1f} s, CPU {used} s, {peak_mb(there.server):.0f} MB at most, a page {1000 * max(waits):.0f} ms"


@contextmanager
def _somebody_looks(there: Team) -> Iterator[list[float]]:
    """Seconds that each look at the first runs took."""
    waits, end = [0.0], threading.Event()

    def look() -> None:
        while not end.wait(_LOOK_S):
            began = time.perf_counter()
            there.workspace.api.runs(limit=10)
            waits.append(time.perf_counter() - began)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield waits
    finally:
        end.set()
        thread.join()


def _doctor(there: Team) -> str:
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "faena.cli", "doctor", "--json"]
    subprocess.run(command, cwd=there.workspace.folder, check=False, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return f"{time.perf_counter() - began:.1f} s, CPU {used:.1f} s, {after.ru_maxrss / 1e3:.0f} MB at most"


def _forgetpeak_mb(pid: int) -> None:
    with suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_mb(pid: int) -> float:
    """MB of resident memory at most since then."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError(f"/proc/{pid}/status has no VmHWM line")
