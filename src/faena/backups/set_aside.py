"""Puts a workspace aside while another is made in its place, and back where that fails."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faena.backups.history import take_over
from faena.kernel.discovery import Rendezvous, try_lock
from faena.kernel.errors import WorkspaceException
from faena.workspaces.model import NODES, open_folder

_PATIENCE, _PAUSE = 1.0, 0.02
"""Seconds: whoever looks whether a lock is held, as servers of other workspaces do that sweep up, has it meanwhile."""


@contextmanager
def put_aside(path: Path, workspace_id: str) -> Iterator[Path | None]:
    """Where what is at `path`, a `.faena` folder, will lie at the end: inside the one that is made meanwhile.

    None where there is nothing. No server works on it, or starts, meanwhile. Raises WorkspaceException where one does,
    and for a workspace of another id.
    """
    if not path.exists():
        yield None
        return
    _check_same(path, workspace_id)
    lock = _election_of(path)
    if lock is None:
        raise WorkspaceException(
            f"A server works on {path}. Stop it first: `faena server stop` in {path.parent}."
        )
    try:
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        outside = path.with_name(f"{path.name}-before-restore-{stamp}")
        inside = path / f"before-restore-{stamp}"
        path.rename(outside)
        try:
            yield inside
            take_over(path, outside)
            _keep_nodes(path, outside)
            outside.rename(inside)
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            outside.rename(path)
            raise
    finally:
        os.close(lock)


def _keep_nodes(path: Path, outside: Path) -> None:
    """Machines that have joined trust the certificate of the workspace that was there: they find this one."""
    if (outside / NODES).is_dir():
        shutil.copytree(outside / NODES, path / NODES, dirs_exist_ok=True)
        (path / NODES).chmod(0o700)


def _election_of(path: Path) -> int | None:
    """The lock by which servers are elected; None where one has it."""
    until = time.monotonic() + _PATIENCE
    while (lock := try_lock(Rendezvous(path).election)) is None and time.monotonic() < until:
        time.sleep(_PAUSE)
    return lock


def _check_same(path: Path, workspace_id: str) -> None:
    if not (path / "workspace.json").exists():
        return
    there = open_folder(path)
    if there.id != workspace_id:
        raise WorkspaceException(
            f"{path} is another workspace ({there.name}, {there.id}) than the backup's ({workspace_id}). Restore into "
            "another folder."
        )
