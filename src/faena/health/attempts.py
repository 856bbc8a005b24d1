"""Work under way: attempts whose process has gone, folders that nobody needs, how the last server ended."""

from __future__ import annotations

import re
import shlex
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from faena.health import database
from faena.health.finding import Finding, ok, warning
from faena.health.leavings import is_held, serves
from faena.health.subject import Subject
from faena.kernel.living import Living

_OPEN = (
    "SELECT a.run_id, a.node, n.pid FROM attempts a LEFT JOIN nodes n ON n.id = a.node "
    "WHERE a.state != 'closed'"
)
_CLOSED = "SELECT run_id, attempt, rank FROM attempts WHERE state = 'closed'"
_STAMPED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_TRACEBACK = "Traceback (most recent call last):"
_TAIL = 64_000


def check_attempts(subject: Subject) -> Iterator[Finding]:
    """Runs that are not ended although their process is; the server finds out by itself once it runs."""
    if subject.folder is None:
        return
    rows = _rows(subject, _OPEN)
    gone = [(run, node, pid) for run, node, pid in rows if not _lives(subject, node)]
    if not gone or serves(subject):
        yield ok("open attempts", f"{len(rows)}" if rows else "none")
        return
    again = [text for _, node, pid in gone if (text := _used_again(node, pid))]
    more = f"; {again[0]}" if again else ""
    yield warning(
        "open attempts",
        f"{len(gone)} without a process, such as {gone[0][0]}{more}",
        "faena runs: a server ends them",
    )


def check_attempt_folders(subject: Subject) -> Iterator[Finding]:
    """Folders of attempts that are closed: whoever closed one died before it was removed."""
    if subject.folder is None:
        return
    closed = {"/".join(map(str, row)) for row in _rows(subject, _CLOSED)}
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
    if process := Living.of_name(node):
        return process.lives()
    assert subject.election is not None
    return is_held(subject.election.with_suffix("") / f"{node[-100:]}.lock")


def _used_again(node: str, pid: int | None) -> str:
    """Told where an id that Faena wrote down names another program today; it is not taken for the old one."""
    process = Living.of_name(node)
    number = process.pid if process else pid
    known = number is not None and Living.of(number) is not None
    return f"process id {number} is another program's now" if known else ""


def _rows(subject: Subject, query: str) -> list[tuple[str, str, int | None]]:
    if subject.database is None or not subject.database.exists():
        return []
    try:
        with database.opened(subject.database) as connection:
            return connection.execute(query).fetchall()
    except sqlite3.Error:
        return []  # what is wrong with the database, its own check tells


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
