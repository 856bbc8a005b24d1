"""The history that a sandbox had before the drill, made by `faena.testing.history`: is it unharmed afterwards?"""

from __future__ import annotations

import hashlib
import random
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from faena.client.workspace import Workspace
from faena.health import database
from faena.kernel.discovery import child_environment
from faena.kernel.errors import UserErrorException
from faena.testing.kills.ground import EXPERIMENT
from faena.workspaces.model import create_folder

SAMPLE = 1000
"""Runs whose rows are compared one by one."""
_ASKED = 10
"""Of these, runs that the server is asked for."""
_TABLES = {"runs": "id", "run_tags": "run_id", "run_parameters": "run_id", "metric_series": "run_id"}
"""Tables that hold a run, by the column that names it."""


@dataclass(frozen=True, slots=True)
class Kept:
    count: int
    sample: tuple[str, ...]
    digest: str


def fill(project: Path, count: int, seed: int) -> Kept:
    """Make a workspace in `project` whose database holds `count` runs. Raises UserErrorException."""
    folder = create_folder(project, "drill")
    command = [
        sys.executable,
        "-P",
        "-m",
        "faena.testing.history",
        str(folder.database),
        str(count),
        str(seed),
    ]
    done = subprocess.run(command, env=child_environment(), capture_output=True, text=True)
    if done.returncode != 0:
        raise UserErrorException(f"The history could not be made: {done.stderr[-500:]}")
    with database.opened(folder.database) as connection:
        ids = [row[0] for row in connection.execute("SELECT id FROM runs ORDER BY id")]
        sample = tuple(sorted(random.Random(seed).sample(ids, min(SAMPLE, len(ids)))))
        return Kept(len(ids), sample, _digest(connection, sample))


def compare(workspace: Workspace, kept: Kept) -> tuple[str, list[str]]:
    """(what was found, what is wrong), in the database and by the server's word."""
    with database.opened(workspace.files.database) as connection:
        query = "SELECT count(*) FROM runs WHERE experiment != ?"
        count = int(connection.execute(query, [EXPERIMENT]).fetchone()[0])
        digest = _digest(connection, kept.sample)
    wrong = []
    if count != kept.count:
        wrong.append(f"{count:,} runs of the history are there, and {kept.count:,} were made")
    if digest != kept.digest:
        wrong.append(f"rows of {len(kept.sample):,} runs of the history are not what they were")
    asked = kept.sample[:: max(1, len(kept.sample) // _ASKED)]
    wrong += [
        f"the server says that {run} goes on" for run in asked if workspace.api.run(run).ended_at is None
    ]
    return f"{count:,} of {kept.count:,} runs, rows of {len(kept.sample):,} compared", wrong


def _digest(connection: sqlite3.Connection, ids: tuple[str, ...]) -> str:
    """Of every row of these runs, column by column."""
    digest = hashlib.sha256()
    for table, column in _TABLES.items():
        for run in ids:
            rows = connection.execute(f'SELECT * FROM "{table}" WHERE "{column}" = ?', [run]).fetchall()
            digest.update(repr((table, run, sorted(rows, key=repr))).encode())
    return digest.hexdigest()
