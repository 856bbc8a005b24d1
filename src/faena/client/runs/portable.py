"""A run as a folder: the workspace's server writes and reads it on its own host; one elsewhere sends and gets bytes."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from faena.client.workspaces.session import Session
from faena.data import safe_paths
from faena.data.build_products import EXPORT_MANIFEST as MANIFEST
from faena.kernel import uploads
from faena.kernel.errors import UserErrorException
from faena.portable.schemas import ExportView, ImportView, SentFile


def export(
    session: Session, run_id: str, folder: str | os.PathLike[str] | None = None, *, children: bool = False
) -> ExportView:
    """Write a run into `folder` (default: one here called as the run), new or empty.

    The folder holds everything of the run: record, code, files, logs, metrics; docs/exported-runs.md describes it.
    `children`: also the runs below it, in `children/<id>`. Data sets and models are named in it and not copied.

    Raises Conflict for a run that has not ended, UserErrorException for a folder that holds something.
    """
    target = _absolute(folder or run_id)
    if session.url:
        return _download(session, run_id, target, children=children)
    return session.api.records.export(run_id, target, children=children)


def take(session: Session, folder: str | os.PathLike[str]) -> ImportView:
    """Take in a run that was exported. The same run again changes nothing.

    Every byte is compared with the digest that it had. The run keeps its id, and its number where that is free.

    Raises UserErrorException naming what is missing or wrong in the folder, Conflict where the id belongs to another
    run; then nothing is imported.
    """
    if session.url:
        return _send(session, _absolute(folder))
    return session.api.records.take(_absolute(folder))


def _download(session: Session, run_id: str, target: Path, *, children: bool) -> ExportView:
    """Each file is compared with its digest as it comes; the folder says that it is not whole until all are there."""
    from faena.portable import places  # with what reads manifests, which few need

    with places.for_export(str(target), None) as folder:
        sent = session.api.records.export_by_bytes(run_id, children=children)
        settled = False
        for file in sent.files:
            if not settled and file.path.rpartition("/")[2] == MANIFEST:
                os.sync()  # once for all that it names
                settled = True
            place = folder / safe_paths.check(file.path)
            session.api.download_object(file.digest, place)
            place.chmod(file.mode & 0o755)
        os.sync()
    return msgspec.structs.replace(sent.view, folder=str(target))


def _send(session: Session, folder: Path) -> ImportView:
    from faena.portable import places

    root = places.of_import(str(folder))
    listing = safe_paths.walk(root)
    if listing.left_out:
        raise UserErrorException(
            f"{listing.left_out[0]} in {root}, which an exported run has none of. Export the run anew."
        )
    if linked := [file.path for file in listing.files if file.place != root.resolve() / file.path]:
        raise UserErrorException(
            f"{linked[0]!r} in {root} is a link, which an exported run has none of. Export the run anew."
        )
    digests = uploads.bring(session.api.transport, (file.place for file in listing.files))
    files = [SentFile(file.path, digests[str(file.place)]) for file in listing.files]
    return session.api.records.take_sent(files, str(root))


def _absolute(folder: str | os.PathLike[str]) -> Path:
    return Path(folder).expanduser().absolute()
