"""Work under way: attempts whose process has gone, folders that nobody needs, how the last server ended."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from faena.attempts.folder import AttemptFolder
from faena.attempts.records import (
    PROCESS_ENDED,
    PROCESS_ORDER,
    SCRIPT_ENDED,
    SCRIPT_NOT_STARTED,
    SCRIPT_ORDER,
    UnreadableRecord,
)
from faena.health import rows
from faena.health.finding import Finding, ok, problem, warning
from faena.health.leftovers import serves
from faena.health.rows import Row
from faena.health.subject import Subject
from faena.kernel.discovery import is_held, lock_name
from faena.kernel.process_identity import Living

_OPEN = (
    "SELECT a.run_id, a.node, n.pid, a.attempt, a.rank, a.state FROM attempts a LEFT JOIN nodes n ON n.id = a.node "
    "WHERE a.state != 'closed'"
)
_ELSEWHERE = "SELECT run_id, attempt, rank FROM attempts WHERE state != 'closed' AND machine IS NOT NULL"
_CLOSED = "SELECT run_id, attempt, rank FROM attempts WHERE state = 'closed'"
_STAMPED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_TRACEBACK = "Traceback (most recent call last):"
_TAIL = 64_000
_PATIENCE, _LOOK = 5.0, 0.1
"""Seconds that the server gets to bring an attempt to its end, and between two looks at it."""


def check_attempts(subject: Subject) -> Iterator[Finding]:
    """Runs that are not ended although their process is; the server finds out by itself once it runs."""
    if subject.folder is None:
        return
    opened = _open(subject)
    gone = [row for row in opened if not _lives(subject, row[1])]
    if gone and serves(subject):
        gone = _left_alone(subject, gone)
        if gone:
            log = shlex.quote(str(subject.folder / "nodes.log"))
            yield problem(
                "open attempts",
                f"{len(gone)} without a process, such as {gone[0][0]}, which the server does not bring to an end",
                f"tail -n 40 {log}",
            )
            return
    if not gone:
        yield ok("open attempts", f"{len(opened)}" if opened else "none")
        return
    again = [text for _, node, pid, *_ in gone if (text := _used_again(node, pid))]
    more = f"; {again[0]}" if again else ""
    yield warning(
        "open attempts",
        f"{len(gone)} without a process, such as {gone[0][0]}{more}",
        "faena runs: a server ends them",
    )


def check_attempt_records(subject: Subject) -> Iterator[Finding]:
    """Records that somebody must read to bring an open attempt to its end: a power cut may leave them empty."""
    if subject.folder is None:
        return
    opened = _open(subject)
    found = [text for row in opened if (text := _damage(subject.folder, row))]
    if found:
        more = f" And {len(found) - 1} more." if found[1:] else ""
        yield warning("attempt records", found[0] + more, "faena runs: a server ends the run without it")
    else:
        yield ok("attempt records", "all can be read" if opened else "none is needed")


def _damage(workspace: Path, row: Row) -> str:
    run_id, node, _, attempt, rank, state = row
    folder = AttemptFolder(workspace / "attempts" / run_id / str(attempt) / str(rank))
    is_process = Living.of_name(node) is not None
    if not folder.path.exists():
        needed = is_process or state != "given"
        return f"The folder {folder.path} of an open attempt is gone." if needed else ""
    reading: list[Callable[[], object]] = [folder.start]
    if (folder.path / "order.json").exists() or is_process:
        reading.append(partial(folder.order, PROCESS_ORDER if is_process else SCRIPT_ORDER))
    ends = (PROCESS_ENDED,) if is_process else (SCRIPT_NOT_STARTED, SCRIPT_ENDED)
    reading.append(partial(folder.end, *ends))
    for read in reading:
        try:
            read()
        except UnreadableRecord as error:
            return str(error)
    return ""


def _left_alone(subject: Subject, gone: list[Row]) -> list[Row]:
    """Of attempts without a process, those that nobody has ended, nor is at work on, after a while."""
    deadline = time.monotonic() + _PATIENCE
    while gone and time.monotonic() < deadline:
        time.sleep(_LOOK)
        there = {(row[0], row[3], row[4]) for row in _open(subject)}
        gone = [row for row in gone if (row[0], row[3], row[4]) in there]
    return [row for row in gone if not _is_tended(subject, row)]


def _is_tended(subject: Subject, row: Row) -> bool:
    """Whether an adopter or a follower is at it: it may have much to bring."""
    run_id, node, _, attempt, rank, _ = row
    tending = f"watch-{node}" if Living.of_name(node) else f"adopt-{run_id}-{attempt}-{rank}"
    return _lives(subject, tending)


def check_attempt_folders(subject: Subject) -> Iterator[Finding]:
    """Folders of attempts that are closed: whoever closed one died before it was removed."""
    if subject.folder is None:
        return
    closed = {"/".join(map(str, row)) for row in rows.read(subject, _CLOSED)}
    base = subject.folder / "attempts"
    left = [path for path in base.glob("*/*/*") if path.relative_to(base).as_posix() in closed]
    idle = [path for path in left if not is_held(path / "attempt.lock") and not is_held(path / "guard.lock")]
    if idle:
        remedy = "rm -r " + " ".join(shlex.quote(str(path)) for path in idle[:3]) + (" …" if idle[3:] else "")
        yield warning("attempt folders", f"{len(idle)} left over: all of it is in the run history", remedy)
    else:
        yield ok("attempt folders", "none is left over")


def check_server_log(subject: Subject) -> Iterator[Finding]:
    """The error in which the last server ended, if it did."""
    if subject.folder is None:
        return
    path = subject.folder / "server.log"
    said = _last_error(path)
    if said:
        yield warning("server log", f"ends in an error: {said}", f"tail -n 40 {shlex.quote(str(path))}")
    else:
        yield ok("server log", "no error at its end")


def _lives(subject: Subject, node: str) -> bool:
    """Whether a node, a process of the user's own, or who tends either, is there."""
    if process := Living.of_name(node):
        return process.lives()
    assert subject.election is not None
    return is_held(subject.election.with_suffix("") / lock_name(node))


def _used_again(node: str, pid: int | None) -> str:
    """Told where an id that Faena wrote down names another program today; it is not taken for the old one."""
    process = Living.of_name(node)
    number = process.pid if process else pid
    known = number is not None and Living.of(number) is not None
    return f"process id {number} is another program's now" if known else ""


def _open(subject: Subject) -> list[Row]:
    """Attempts that are not closed, of this host."""
    found = rows.read(subject, _OPEN)
    elsewhere = {row[:3] for row in rows.read(subject, _ELSEWHERE)}
    return [row for row in found if (row[0], row[3], row[4]) not in elsewhere]


def _last_error(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - _TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return ""
    begun = max((number for number, line in enumerate(lines) if line == _TRACEBACK), default=None)
    if begun is None or any(_STAMPED.match(line) for line in lines[begun + 1 :]):
        return ""  # the server went on after it
    return next((line for line in lines[begun + 1 :] if line and not line[0].isspace()), lines[-1])
