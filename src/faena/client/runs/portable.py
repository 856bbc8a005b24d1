"""A run as a folder: written by the workspace's server on its own host, and read there."""

from __future__ import annotations

import os
from pathlib import Path

from faena.client.workspaces.session import Session
from faena.portable.schemas import ExportView, ImportView


def export(
    session: Session, run_id: str, folder: str | os.PathLike[str] | None = None, *, children: bool = False
) -> ExportView:
    """Write a run into `folder` (default: one here called as the run), new or empty.

    The folder holds everything of the run: record, code, files, logs, metrics; docs/exported-runs.md describes it.
    `children`: also the runs below it, in `children/<id>`. Data sets and models are named in it and not copied.

    Raises Conflict for a run that has not ended, UserErrorException for a folder that holds something.
    """
    return session.api.records.export(run_id, _absolute(folder or run_id), children=children)


def take(session: Session, folder: str | os.PathLike[str]) -> ImportView:
    """Take in a run that was exported. The same run again changes nothing.

    Every byte is compared with the digest that it had. The run keeps its id, and its number where that is free.

    Raises UserErrorException naming what is missing or wrong in the folder, Conflict where the id belongs to another
    run; then nothing is imported.
    """
    return session.api.records.take(_absolute(folder))


def _absolute(folder: str | os.PathLike[str]) -> Path:
    return Path(folder).expanduser().absolute()
