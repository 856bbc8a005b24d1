"""Runs found in a history: what a filter means, in which order, page by page."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from faena.db import Database, Read
from faena.kernel.errors import UserErrorException
from faena.models.store import versions
from faena.runs import record_store, store
from faena.runs.model import SCRIPT_RUN
from faena.runs.search import Wanted, conditions
from faena.search import empty_results, service
from faena.testing.history import BEGIN, MINUTE, fill
from faena.tracking.store.metrics import series
from tests.databases import Databases

COUNT = 400
NOW = BEGIN + COUNT * MINUTE


@pytest.fixture(scope="module")
def history(lasting_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Database:
    database = lasting_databases.open(tmp_path_factory.mktemp("history") / "faena.db")
    fill(database, COUNT, seed=3)
    model = {
        "name": "net",
        "version": 2,
        "request_id": "r",
        "run_id": "mnist_0000004",
        "path": "outputs/net",
        "created_at": NOW,
        "deleted_at": None,
        "description": "",
        "framework": "",
        "framework_version": "",
        "datasets": b"[]",
    }
    database.submit_write(lambda write: write.execute(versions.insert().values(**model)) and None).result()
    return database


@pytest.fixture(scope="module")
def facts(history: Database) -> dict[str, dict[str, Any]]:
    """All that is known of each run, by id, for another way to the same answer."""

    def read_all(read: Any) -> dict[str, dict[str, Any]]:
        found = {row.id: dict(row._mapping) for row in read.execute(store.runs.select())}
        for fact in found.values():
            fact.update(tags={}, parameters={}, metrics={})
        for row in read.execute(record_store.tags.select()):
            found[row.run_id]["tags"][row.key] = row.value
        for row in read.execute(record_store.parameters.select()):
            found[row.run_id]["parameters"][row.name] = row.value
        for row in read.execute(series.select()):
            found[row.run_id]["metrics"][row.name] = row
        return found

    return history.submit_read(read_all).result()


def ids(history: Database, text: str | None = None, sort: str | None = None, page: int = 1000) -> list[str]:
    """Over all pages."""
    found: list[str] = []
    after = None
    while True:
        at = after
        answer = history.submit_read(
            lambda read: service.find(read, Wanted(), NOW, text=text, sort=sort, after=at, limit=page)  # noqa: B023  at once
        ).result()
        found += [run.id for run in answer.runs]
        after = answer.next
        if after is None:
            return found


CASES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "status = Failed": lambda run: run["status"] == "Failed",
    "status != Failed": lambda run: run["status"] != "Failed",
    "experiment in (mnist, wine)": lambda run: run["experiment"] in ("mnist", "wine"),
    "experiment not in (mnist)": lambda run: run["experiment"] != "mnist",
    "id like 'mnist%'": lambda run: run["id"].startswith("mnist"),
    "user = ann and git.branch = main": lambda run: run["user"] == "ann" and run["branch"] == "main",
    "tags.team = 'a'": lambda run: run["tags"]["team"] == "a",
    "tags.index = 7": lambda run: run["tags"]["index"] == "7",
    "tags.nothing is null": lambda run: True,
    "tags.team is not null": lambda run: True,
    "parameters.epochs > 5": lambda run: float(run["parameters"]["epochs"]) > 5,
    "params.epochs = 10 or params.rate < 0.05": lambda run: (
        run["parameters"]["epochs"] == "10" or float(run["parameters"]["rate"]) < 0.05
    ),
    "parameters.net = mlp": lambda run: True,
    "metrics.Accuracy > 0.5": lambda run: (
        "Accuracy" in run["metrics"] and run["metrics"]["Accuracy"].last > 0.5
    ),
    'metrics."val/loss".min <= 0.1': lambda run: (
        "val/loss" in run["metrics"] and run["metrics"]["val/loss"].min <= 0.1
    ),
    "metrics.loss.max >= 1": lambda run: "loss" in run["metrics"] and run["metrics"]["loss"].max >= 1,
    "not metrics.loss.max >= 1": lambda run: "loss" not in run["metrics"] or run["metrics"]["loss"].max < 1,
    "metrics.loss is null": lambda run: "loss" not in run["metrics"],
    "metrics.loss.count = 10": lambda run: "loss" in run["metrics"],
    "duration > 60": lambda run: (run["ended_at"] - run["started_at"]) / 1e6 > 60,
    "number <= 5": lambda run: run["number"] <= 5,
    "created > '1h'": lambda run: run["created_at"] > NOW - 60 * MINUTE,
    "model = net": lambda run: run["id"] == "mnist_0000004",
    "model = 'net:2' and model != 'net:1'": lambda run: run["id"] == "mnist_0000004",
    "model = 'net:1'": lambda run: False,
    "not (tags.team = a or tags.team = b) and metrics.Accuracy < 0.3": lambda run: (
        run["tags"]["team"] == "c" and "Accuracy" in run["metrics"] and run["metrics"]["Accuracy"].last < 0.3
    ),
    "name is null": lambda run: True,
    "name = x": lambda run: False,
    "not name = x": lambda run: True,
}


@pytest.fixture(params=[0, 2_000], ids=["newest first", "by index"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way to what a filter means by number: through the newest runs, or at once by the index of numbers."""
    monkeypatch.setattr(service, "_RARE", request.param)


@pytest.mark.few(16)
@pytest.mark.parametrize("text", CASES)
@pytest.mark.usefixtures("way")
def test_a_filter_means_what_it_says(history: Database, facts: dict[str, dict[str, Any]], text: str) -> None:
    expected = [run_id for run_id, run in facts.items() if CASES[text](run)]
    assert ids(history, text) == sorted(expected, key=lambda run_id: -facts[run_id]["created_at"])


@pytest.mark.long
@pytest.mark.usefixtures("way")
def test_few_at_a_time_are_the_same(history: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a history longer than what is looked at first."""
    for recent in (10, 5_000):
        monkeypatch.setattr(service, "_RECENT", recent)
        for text in ("status = Failed", "metrics.Accuracy > 0.9", "tags.index = 7", None):
            assert ids(history, text, page=7) == ids(history, text)


@pytest.mark.few(6)
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("created", lambda run: run["created_at"]),
        ("duration", lambda run: run["ended_at"] - run["started_at"]),
        ("id", lambda run: run["id"]),
        ("tags.team", lambda run: run["tags"]["team"]),
        ("parameters.epochs", lambda run: float(run["parameters"]["epochs"])),
        ("parameters.net", lambda run: run["parameters"]["net"]),
        ("metrics.Accuracy", lambda run: run["metrics"]["Accuracy"].last if run["metrics"] else None),
        ("metrics.loss.min", lambda run: run["metrics"]["loss"].min if run["metrics"] else None),
        ("name", lambda run: run["name"]),
    ],
)
def test_sorted_page_by_page(
    history: Database, facts: dict[str, dict[str, Any]], field: str, value: Any, descending: bool
) -> None:
    newest = sorted(facts, key=lambda run_id: (-facts[run_id]["created_at"], run_id))
    valued = [run_id for run_id in newest if value(facts[run_id]) is not None]
    none = [run_id for run_id in newest if value(facts[run_id]) is None]
    expected = sorted(valued, key=lambda run_id: value(facts[run_id]), reverse=descending)
    if descending:  # sorted() keeps equal ones in their order, reversed or not
        expected = sorted(valued, key=lambda run_id: value(facts[run_id]), reverse=True)
    sort = f"-{field}" if descending else field
    assert ids(history, sort=sort, page=37) == expected + none


def test_times(history: Database, facts: dict[str, dict[str, Any]]) -> None:
    from datetime import UTC, datetime

    middle = facts["mnist_0000200"]["created_at"]
    text = datetime.fromtimestamp(middle / 1e6, UTC).isoformat()
    after = [run_id for run_id, run in facts.items() if run["created_at"] >= middle]
    assert sorted(ids(history, f"created >= '{text}'")) == sorted(after)
    assert sorted(ids(history, f"created >= '{text.replace('+00:00', '')}'")) == sorted(after)
    assert ids(history, "created > '1m'") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = red", "there is no field 'colour'. There is: id, experiment"),
        ("metrics = 1", "there is no field 'metrics'"),
        ("tags = 1", "there is no field 'tags'"),
        ("metrics.loss = x", "metrics.loss is a number, and 'x' is none"),
        ("duration > 'long'", "duration is a number"),
        ("created > yesterday", "'yesterday' is no time"),
        ("created > '99999-01-01'", "is no time"),
        ("metrics.loss like 'x'", "like compares texts"),
        ("created like '2026%'", "like compares texts"),
        ("model > 'a'", "a model is compared by"),
    ],
)
def test_what_a_field_is_not(history: Database, text: str, message: str) -> None:
    with pytest.raises(UserErrorException, match=message) as error:
        ids(history, text)
    assert error.value.message.endswith("^")


@pytest.mark.parametrize("sort", ["colour", "-model", "", "--created", "metrics.", "created desc", "-"])
def test_orders_that_are_none(history: Database, sort: str) -> None:
    if not sort:
        assert ids(history, sort=sort)[0] == ids(history)[0]
        return
    with pytest.raises(UserErrorException, match=r"sort field cannot be read|cannot be sorted by model"):
        ids(history, sort=sort)


@pytest.mark.parametrize(
    "after", ["", "x", "WzEsIDIsIDNd", "%00", "W10", "bnVsbA", "WyJhIiwgMSwgImIiXQ" + "x" * 50]
)
def test_places_that_are_none(history: Database, after: str) -> None:
    with pytest.raises(UserErrorException, match="no place in a list"):
        history.submit_read(lambda read: service.find(read, Wanted(), NOW, after=after)).result()


@pytest.mark.parametrize("lasting_databases", ["sqlite"], indirect=True)
def test_a_page_without_children_reads_no_more_than_it_shows(history: Database) -> None:
    """Whatever the size of the history: no index that nearly all runs are in alike, and no sorting."""
    wanted = conditions(Wanted(include_children=False))
    order = store.runs.c.created_at.desc(), store.runs.c.id.desc()
    statement = sa.select(store.runs.c.name).where(*wanted).order_by(*order).limit(50)
    text = str(statement.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True}))

    def plan(read: Read) -> str:
        return " ".join(row.detail for row in read.execute(sa.text(f"EXPLAIN QUERY PLAN {text}")))

    steps = history.submit_read(plan).result()
    assert "runs_by_time" in steps
    assert "parent" not in steps
    assert "TEMP B-TREE" not in steps


WANTED: list[tuple[Wanted, Callable[[dict[str, Any]], bool]]] = [
    (Wanted(prefix="mnist_000000"), lambda run: run["id"].startswith("mnist_000000")),
    (Wanted(prefix="mnist_"), lambda run: run["id"].startswith("mnist_")),
    (Wanted(prefix="%"), lambda run: False),
    (Wanted(experiment="wine"), lambda run: run["experiment"] == "wine"),
    (Wanted(status="Failed"), lambda run: run["status"] == "Failed"),
    (Wanted(status="CancelRequested"), lambda run: False),
    (Wanted(tags={"team": "a"}), lambda run: run["tags"]["team"] == "a"),
    (Wanted(tags={"team": None, "index": "7"}), lambda run: run["tags"]["index"] == "7"),
    (Wanted(properties={"x": "y"}), lambda run: False),
    (Wanted(parent="mnist_0000000"), lambda run: False),
    (Wanted(parent="mnist_0000000", recursive=True), lambda run: False),
    (Wanted(include_children=False, include_archived=False), lambda run: True),
    (Wanted(type=SCRIPT_RUN, include_children=False), lambda run: True),
]


@pytest.mark.few(5)
@pytest.mark.parametrize(("wanted", "means"), WANTED)
def test_what_a_list_has_in_common(
    history: Database,
    facts: dict[str, dict[str, Any]],
    wanted: Wanted,
    means: Callable[[dict[str, Any]], bool],
) -> None:
    page = history.submit_read(lambda read: service.find(read, wanted, NOW, limit=COUNT)).result()
    assert sorted(run.id for run in page.runs) == sorted(
        run_id for run_id, run in facts.items() if means(run)
    )
    some = history.submit_read(
        lambda read: empty_results.why(read, wanted, NOW, text="user = nobody")
    ).result()
    assert some.total == COUNT
    asked = history.submit_read(
        lambda read: list(empty_results.unknown(read, wanted, "tags.tem = a"))
    ).result()
    assert any("'team'" in sentence for sentence in asked)


@pytest.mark.parametrize(
    ("sort", "place"),
    [
        ("created", ["x", 1, "a"]),
        ("number", ["1", 1, "a"]),
        ("id", [5, 1, "a"]),
        ("parameters.epochs", ["x", 1, "a"]),
        ("metrics.loss", [[], 1, "a"]),
        ("created", [1, 2**70, "a"]),
        ("created", [2**70, 1, "a"]),
    ],
)
def test_what_is_no_place_in_the_list_is_refused(history: Database, sort: str, place: list[Any]) -> None:
    after = base64.urlsafe_b64encode(json.dumps(place).encode()).decode()
    with pytest.raises(UserErrorException):
        history.submit_read(lambda read: service.find(read, Wanted(), NOW, sort=sort, after=after)).result()


@pytest.mark.few(5)
@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("number = 3000000000", 0),
        ("number < 1.5", 4),
        ("number = 1.5", 0),
        ("number < 99999999999999999999", COUNT),
        ("metrics.loss < 99999999999999999999", COUNT - COUNT // 50),
        ("metrics.loss > -1e999", COUNT - COUNT // 50),
        ("duration < 99999999999999999999", COUNT),
        ("parameters.epochs in (5, 'x', 99999999999999999999)", None),
        ("parameters.epochs < 99999999999999999999", COUNT),
        ("tags.index = 99999999999999999999", 0),
        ("model = 'net:99999999999999999999'", 0),
        ("tags.team = '\0'", 0),
        ("id like '%\0%'", 0),
        ("user = '" + "x" * 300 + "'", 0),
    ],
)
def test_numbers_and_texts_beyond_what_is_kept_are_compared(
    history: Database, text: str, count: int | None
) -> None:
    found = ids(history, text)
    assert len(found) == count if count is not None else 0 < len(found) < COUNT
