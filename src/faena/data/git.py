"""The state of the git repository around a source folder, by at most three short git processes."""

from __future__ import annotations

import os
import re
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Timer
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from msgspec.structs import replace

from faena.data.schemas import GitState
from faena.kernel import dates, digests

DIFF_LIMIT = 10 * 1024 * 1024
TIMEOUT_SECONDS = 5.0
_JUST_NOW = timedelta(days=3)

# What a git hook or an alias around us has set speaks of another repository than the source folder's.
_FOREIGN = re.compile(
    r"GIT_(DIR|WORK_TREE|IMPLICIT_WORK_TREE|COMMON_DIR|INDEX_FILE|PREFIX|OBJECT_DIRECTORY|NAMESPACE"
    r"|ALTERNATE_OBJECT_DIRECTORIES|GRAFT_FILE|SHALLOW_FILE|CONFIG.*|EXTERNAL_DIFF|DIFF_OPTS|TRACE.*)"
)
# fsmonitor and hooks are commands that a repository names and git would run.
_GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false")
_STATUS = ("status", "--porcelain=v2", "--branch", "--no-renames", "--ignore-submodules=dirty", "--", ".")
_REMOTES = ("config", "--get-regexp", r"^remote\..*\.url$")
_DIFF = (
    "diff",
    "HEAD",
    "--binary",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-renames",
    "--",
    ".",
)


class GitReport(NamedTuple):
    state: GitState | None = None
    """None outside a repository, where git is missing, and where it failed."""
    diff: bytes | None = None
    """The object `state.diff_digest`."""
    warning: str | None = None
    """Why there is a repository but no state."""


def inspect(folder: Path) -> GitReport:
    """Ask git about `folder`, a real path, for at most `TIMEOUT_SECONDS` in all. Raises nothing of git's.

    Runs no hook, no file-system monitor and no external diff, asks for no password and takes no lock.
    """
    if not any((above / ".git").exists() for above in (folder, *folder.parents)):
        return GitReport()
    deadline = time.monotonic() + TIMEOUT_SECONDS
    try:
        with _start(folder, _REMOTES) as remotes:
            try:
                status = _run(folder, _STATUS, deadline)
                addresses = remotes.communicate(timeout=max(0.1, deadline - time.monotonic()))[0]
            finally:
                remotes.kill()
        if status.returncode:
            said = status.stderr.decode(errors="replace").strip().partition("\n")[0]
            return GitReport(
                warning=None
                if "not a git repository" in said
                else f"git status: {said}; the run has no commit."
            )
        state, tracked = _parse(status.stdout, _remote(addresses))
        if not tracked or state.commit is None:
            return GitReport(state)
        diff = _diff(folder, deadline)
    except FileNotFoundError:
        return GitReport()
    except OSError as error:
        return GitReport(warning=f"git cannot be started: {error.strerror}; the run has no commit.")
    except subprocess.TimeoutExpired:
        return GitReport(warning=f"git took longer than {TIMEOUT_SECONDS:.0f} s; the run has no commit.")
    if diff is None:
        return GitReport(state, warning="git diff failed or took too long; the run has no diff.")
    described = replace(
        state, diff_digest=digests.of_bytes(diff[:DIFF_LIMIT]), diff_truncated=len(diff) > DIFF_LIMIT
    )
    return GitReport(described, diff[:DIFF_LIMIT])


def is_tracked(folder: Path) -> bool:
    """Whether there is a repository around it; starts no process."""
    return any((above / ".git").exists() for above in (folder, *folder.parents))


def last_change(folder: Path, path: str) -> str:
    """The day on which a file of the folder was last changed, as its history says; empty where it tells none.

    A repository of one commit that was made just now, as a copy is that somebody began to track, tells none.
    Raises nothing of git's.
    """
    if not is_tracked(folder):
        return ""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    try:
        found = _run(folder, ("log", "-1", "--format=%as", "--", path), deadline)
        day = found.stdout.decode("ascii", "replace").strip()
        if found.returncode or (known := dates.parsed(day)) is None:
            return ""
        count = _run(folder, ("rev-list", "--count", "--max-count=2", "HEAD"), deadline).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""
    young = datetime.now(UTC).date() - known < _JUST_NOW
    return "" if young and count == b"1" else day


def without_credentials(address: str) -> str | None:
    """A remote's address fit to be stored: no password, no token, no query; None when it cannot be told.

    A user name is dropped too, where it may be a token (anything but ssh).
    """
    if "://" not in address:
        # A path, or scp's form `user@host:path`, which has no place for a password.
        return address
    try:
        parts = urlsplit(address)
        user = parts.username if parts.scheme.endswith("ssh") else None
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return None
    return urlunsplit((parts.scheme, f"{user}@{host}" if user else host, parts.path, "", ""))


def _parse(status: bytes, remote: str | None) -> tuple[GitState, bool]:
    """The state, and whether a tracked file differs from HEAD."""
    headers: dict[str, str] = {}
    changed = tracked = False
    for line in status.decode(errors="replace").split("\n"):
        if line.startswith("# "):
            name, _, value = line[2:].partition(" ")
            headers[name] = value
        elif line:
            changed = True
            tracked = tracked or not line.startswith("?")
    commit, branch = headers.get("branch.oid"), headers.get("branch.head")
    state = GitState(
        commit=None if commit == "(initial)" else commit,
        branch=None if branch == "(detached)" else branch,
        dirty=changed,
        remote=remote,
    )
    return state, tracked


def _remote(listing: bytes) -> str | None:
    found: dict[str, str] = {}
    for line in listing.decode(errors="replace").splitlines():
        key, _, address = line.partition(" ")
        found.setdefault(key, address)
    addresses = [found["remote.origin.url"]] if "remote.origin.url" in found else list(found.values())
    return without_credentials(addresses[0]) if addresses else None


def _diff(folder: Path, deadline: float) -> bytes | None:
    """At most one byte more than `DIFF_LIMIT`; None when git failed or was late."""
    with _start(folder, _DIFF) as process:
        late = Timer(max(0.1, deadline - time.monotonic()), process.kill)
        late.start()
        try:
            assert process.stdout is not None
            data = process.stdout.read(DIFF_LIMIT + 1)
            if len(data) > DIFF_LIMIT:
                return data
            return None if process.wait() else data
        finally:
            late.cancel()
            process.kill()


def _run(folder: Path, command: tuple[str, ...], deadline: float) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        (*_GIT, *command),
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=max(0.1, deadline - time.monotonic()),
        check=False,
    )


def _start(folder: Path, command: tuple[str, ...]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        (*_GIT, *command),
        cwd=folder,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not _FOREIGN.fullmatch(name)}
    return {
        **kept,
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_PAGER": "cat",
        "LC_ALL": "C",
    }
