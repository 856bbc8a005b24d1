"""Use case of disk use: by place on this machine, by experiment, run and model."""

from __future__ import annotations

import os
from pathlib import Path

from faena.db import Database, Read
from faena.kernel import settings
from faena.kernel.discovery import NODES_LOG
from faena.kernel.lanes import BYTES
from faena.tidying.schemas import PlaceView, UsageView
from faena.tidying.store import deletions, shares, unreferenced
from faena.workspaces.model import WorkspaceFolder

_LARGEST = 10


async def usage(database: Database, folder: WorkspaceFolder, largest: int = _LARGEST) -> UsageView:
    """Walks all files of the workspace and of this user's caches, and all rows: minutes where there are many runs."""
    places = await BYTES.run(_places, folder)

    def read_shares(read: Read) -> UsageView:
        return UsageView(
            places,
            shares.by_experiment(read),
            shares.largest_runs(read, largest),
            shares.by_model(read),
            sum(each.size for each in deletions.listed(read)),
            unreferenced.waiting(read, 0),
        )

    return await database.read(read_shares, unlimited=True)


def _places(folder: WorkspaceFolder) -> list[PlaceView]:
    base, home = folder.path, settings.home()
    ours = {
        "files, logs, metrics and code": [folder.objects],
        "database": list(base.glob("faena.db*")),
        "databases kept by upgrades": list(base.glob("before-schema-*")),
        "runs in progress": [folder.attempts],
        "logs of server and nodes": [*base.glob("server.log*"), *base.glob(f"{NODES_LOG}*")],
    }
    known = {path.name for paths in ours.values() for path in paths} | {"envs"}
    ours["other files of the workspace"] = [path for path in base.iterdir() if path.name not in known]
    theirs = {
        "environments": [home / "envs"],
        "other caches of this user": [path for path in home.iterdir() if path.name != "envs"],
    }
    return [_place(name, paths) for name, paths in (ours | theirs).items()]


def _place(name: str, paths: list[Path]) -> PlaceView:
    return PlaceView(name, sum(_on_disk(path) for path in paths), str(paths[0]) if len(paths) == 1 else "")


def _on_disk(path: Path) -> int:
    """Bytes that the file or all below the folder take; what goes meanwhile takes none."""
    total = 0
    pending = [str(path)]
    while pending:
        place = pending.pop()
        try:
            total += os.lstat(place).st_blocks * 512
            with os.scandir(place) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue
    return total
