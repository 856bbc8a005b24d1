"""A run history of any size, made row by row: what a workspace holds after a month of work.

`python -m faena.testing.history DATABASE COUNT SEED` makes one in a database of its own.
"""

from __future__ import annotations

import random
import sys
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from faena.db import Database, Write
from faena.kernel.clock import Micros
from faena.runs import record_store, store
from faena.runs.model import SCRIPT_RUN, Run, RunStatus
from faena.runs.submission_schemas import Submission
from faena.server import app as _app  # noqa: F401  the tables of every feature are part of the schema
from faena.tracking.model import SCRIPT
from faena.tracking.store.metrics import series
from faena.workspaces import store as workspaces

BEGIN: Micros = 1_780_000_000_000_000
MINUTE: Micros = 60_000_000
EXPERIMENTS = ("mnist", "cifar", "wine", "speech")
TEAMS = ("a", "b", "c")
METRICS = ("Accuracy", "loss", "val/loss")
_TOGETHER = 5_000
_SUBMISSION = msgspec.json.encode(
    Submission(experiment="e", snapshot="0" * 64, script="train.py", cluster="cpu")
)


def fill(database: Database, count: int, *, seed: int = 0) -> None:
    """`count` runs, a minute apart, with tags `team` and `index`, three parameters and three metrics each.

    One in ten failed; one in fifty logged no metric.
    """
    made = random.Random(seed)

    def experiments(write: Write) -> None:
        for name in EXPERIMENTS:
            workspaces.create_experiment(write, name, BEGIN)

    database.submit_write(experiments).result()
    for first in range(0, count, _TOGETHER):
        part = range(first, min(count, first + _TOGETHER))
        database.submit_write(partial(_add, part=part, made=made)).result()


def _add(write: Write, part: range, made: random.Random) -> None:
    rows: dict[str, list[dict[str, Any]]] = {"runs": [], "tags": [], "parameters": [], "series": []}
    for number in part:
        _one(rows, number, made)
    write.execute(store.runs.insert(), rows["runs"])
    write.execute(record_store.tags.insert(), rows["tags"])
    write.execute(record_store.parameters.insert(), rows["parameters"])
    write.execute(series.insert(), rows["series"])


def _one(rows: dict[str, list[dict[str, Any]]], number: int, made: random.Random) -> None:
    experiment = EXPERIMENTS[number % len(EXPERIMENTS)]
    run_id = f"{experiment}_{number:07d}"
    created = BEGIN + number * MINUTE
    failed = made.random() < 0.1
    run = Run(
        id=run_id,
        experiment=experiment,
        number=number // len(EXPERIMENTS) + 1,
        status=RunStatus.FAILED if failed else RunStatus.COMPLETED,
        version=1,
        user="ann" if number % 2 else "bob",
        cluster="cpu",
        node_count=1,
        snapshot="0" * 64,
        submission=_SUBMISSION,
        created_at=created,
        parent=None,
        type=SCRIPT_RUN,
        commit=f"{number % 40:040x}",
        branch="main" if number % 3 else "trial",
        attempt=1,
        started_at=created,
        ended_at=created + made.randrange(1, 120) * 1_000_000,
    )
    rows["runs"].append({name: getattr(run, name) for name in store.runs.columns.keys()})  # noqa: SIM118  columns else
    rows["tags"] += [
        {"run_id": run_id, "key": "team", "value": TEAMS[number % len(TEAMS)]},
        {"run_id": run_id, "key": "index", "value": str(number)},
    ]
    for name, value in (
        ("epochs", made.choice((5, 10, 20))),
        ("rate", made.choice((0.1, 0.01))),
        ("net", "mlp"),
    ):
        known = float(value) if isinstance(value, (int, float)) else None
        rows["parameters"].append({"run_id": run_id, "name": name, "value": str(value), "number": known})
    if number % 50 == 49:
        return
    for name in METRICS:
        last = made.random()
        rows["series"].append(
            {
                "run_id": run_id,
                "attempt": 1,
                "source": SCRIPT,
                "name": name,
                "latest": True,
                "count": 10,
                "nans": 0,
                "last": last,
                "last_is_nan": False,
                "last_step": 9,
                "min": last / 2,
                "max": last * 2,
                "first_time": created,
                "last_time": created,
                "tail_chunks": 0,
                "tail_weight": 0,
            }
        )


def main() -> None:
    import faena.server.app  # noqa: F401  adds the tables of all features

    database = Database(Path(sys.argv[1]))
    try:
        fill(database, int(sys.argv[2]), seed=int(sys.argv[3]))
    finally:
        database.close()


if __name__ == "__main__":
    main()
