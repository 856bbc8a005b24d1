"""Runs are kept and compared on each database."""

from __future__ import annotations

from array import array
from pathlib import Path

from faena.mlflow.moving import experiments, runs
from faena.mlflow.moving.schemas import (
    GROWN,
    HERE,
    NEW,
    REFUSED,
    TAKEN,
    ExperimentGiven,
    FileGiven,
    Points,
    RunGiven,
)
from faena.tracking import query
from faena.workspaces import store as workspaces
from tests.databases import Databases
from tests.mlflow_stores.stores import BEGAN, new_id
from tests.portable.places import Place

NUMBER = "123456789012345678"


def points(*rows: tuple[int, int, float]) -> Points:
    times, steps, values = zip(*rows, strict=True)
    times_ms, at_steps, floats = array("q", times), array("q", steps), array("d", values)
    return Points(len(rows), times_ms.tobytes(), at_steps.tobytes(), floats.tobytes())


def test_the_same_on_each_database(databases: Databases, tmp_path: Path) -> None:
    place = Place(tmp_path / "here", databases.open)
    is_small = place.read(lambda read: read.connection.dialect.name) == "postgresql"

    def take(*given: RunGiven, look: bool = False) -> list[str]:
        found = runs.take(place.database, place.objects, given, "mlruns", BEGAN * 1000, look=look)
        return [each.outcome for each in found]

    given = ExperimentGiven(NUMBER, "e", tags={"a": "b"})
    taken = place.write(lambda write: experiments.take(write, given, 1))
    assert (taken.outcome, taken.number == int(NUMBER), len(taken.notes)) == (NEW, not is_small, is_small)
    assert place.write(lambda write: experiments.take(write, given, 1)).outcome == HERE
    place.write(lambda write: workspaces.create_experiment(write, "next", 1))
    assert place.read(lambda read: workspaces.get_experiment(read, "next")).id < 10

    many = points(*((BEGAN + step // 3, -step, step / 7) for step in range(20_000)))  # more than one chunk
    few = points((BEGAN, 0, float("nan")), (BEGAN, 0, float("inf")))
    kept = place.objects.put([b"model"])
    run = RunGiven(
        *(new_id(), "e", "FINISHED", BEGAN, BEGAN + 5),
        metrics={"many": many, "few": few},
        params={"p": "1"},
        tags={"t": "\u00fc"},
        files={"a/b": FileGiven(*kept)},
    )
    lost = RunGiven(new_id(), "e", "FINISHED", BEGAN, BEGAN, files={"a": FileGiven("0" * 64, 1)})
    wrong = RunGiven(new_id(), "e", "FINISHED", BEGAN, BEGAN, metrics={"m": Points(3, b"", b"", b"")})
    assert take(run, lost, wrong, look=True) == [NEW, NEW, REFUSED]
    assert take(run, lost, wrong) == [NEW, REFUSED, REFUSED]
    assert take(run) == [HERE]
    numbers = place.read(lambda read: query.series(read, place.objects, run.id, "many"))
    assert (len(numbers.value), numbers.step[0]) == (20_000, -2)
    summary = {each.name: each for each in place.read(lambda read: query.metric_summaries(read, run.id))}[
        "many"
    ]
    assert (summary.last, summary.last_step) == (0.0, 0)
    more = RunGiven(
        *(run.id, "e", "FINISHED", BEGAN, BEGAN + 9),
        metrics={
            "many": many,
            "few": points((BEGAN, 0, float("nan")), (BEGAN, 0, float("inf")), (BEGAN + 1, 1, 2.0)),
        },
        params={"p": "1", "q": "2"},
        tags={"t": "v"},
        files={"a/b": FileGiven(*kept)},
    )
    assert take(more) == [GROWN]
    assert take(more, run) == [HERE, "changed"]
    place.add_run("run_of_ours")
    assert take(RunGiven("run_of_ours", "e", "FINISHED", BEGAN, BEGAN)) == [TAKEN]
    place.database.close()
