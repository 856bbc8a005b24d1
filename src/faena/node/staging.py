"""Brings a run's files to the node."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from faena.attempts.folder import AttemptFolder, write_record
from faena.data import staging
from faena.kernel import process_identity
from faena.kernel.errors import SnapshotException
from faena.node.home import Home


def stage(order: dict[str, Any], home: Home) -> AttemptFolder:
    """Make the attempt folder with the order and the snapshot in it.

    What an earlier try of the same attempt left behind before the script started is removed.
    """
    folder = AttemptFolder(Path(order["folder"]))
    folder.path.mkdir(parents=True, exist_ok=True)
    if folder.code.exists():
        shutil.rmtree(folder.code)
    write_record(folder.path, "order", {**order, "boot": process_identity.boot()})
    files = home.files(order["snapshot"])
    staging.materialise(files, home.open_object, folder.code, home.verified)
    script = folder.code / order["script"]
    if order.get("entry", "script") == "script" and not script.is_file():
        raise SnapshotException(
            f"The entry script {order['script']} is not in the snapshot. There is: {_listing(files)}."
        )
    return folder


def bring_checkpoint(order: dict[str, Any], home: Home, folder: AttemptFolder) -> None:
    """Put into the script's folder what it is to go on from, each file verified; the folder is there in any case.

    Raises SnapshotException for what is missing or damaged.
    """
    wanted = order.get("checkpoint")
    if not wanted:
        return
    if wanted["missing"]:
        raise SnapshotException(wanted["missing"])
    target = folder.code / staging.check_path(wanted["folder"])
    if not wanted["files"]:
        target.mkdir(parents=True, exist_ok=True)
        return
    if target.exists():  # the source folder has one, and this one is newer
        shutil.rmtree(target)
    staging.materialise(wanted["files"], home.open_object, target, home.verified)
    for file in wanted["files"]:
        if (modified := file.get("modified")) is not None:  # scripts look for the newest
            os.utime(target / file["path"], ns=(modified, modified))


def _listing(files: Sequence[Mapping[str, Any]]) -> str:
    names = [str(file["path"]) for file in files]
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
