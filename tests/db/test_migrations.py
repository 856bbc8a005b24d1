"""Databases that older versions of Faena wrote, kept as files, are read by this one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import zstandard
from _pytest.mark.structures import ParameterSet

from faena.db import Database, Read, migrations
from faena.db.schema import SCHEMA_VERSION
from faena.people import store as people
from faena.runs import service, store
from faena.runs.queue import Queues
from faena.runs.search import Wanted
from faena.search import service as search
from faena.server import app  # noqa: F401  its features add their tables to the schema
from faena.tracking import query
from tests.examples import long_form

# indexes on expressions are compared as they are spelled
pytestmark = pytest.mark.filterwarnings("ignore:Skipped unsupported reflection")

KEPT = sorted(
    (Path(__file__).parent / "kept").glob("schema-*.db.zst"),
    key=lambda path: int(path.name.removeprefix("schema-").partition(".")[0]),
)


def versions(kept: Sequence[Path], *short: int) -> list[ParameterSet]:
    """`make test` tries those at the places `short`, `make long` the others."""
    tried = [kept[place] for place in short]
    return [
        (pytest.param if path in tried else long_form)(path, id=path.name.removesuffix(".db.zst"))
        for path in kept
    ]


@pytest.fixture(params=versions(KEPT, 0, -1))
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "faena.db"
    path.write_bytes(zstandard.ZstdDecompressor().decompress(request.param.read_bytes()))
    return path


@pytest.fixture
def read(old: Path) -> Iterator[Callable[[Callable[[Read], Any]], Any]]:
    database = Database(old)
    yield lambda work: database.submit_read(work).result()
    database.close()


def shape(path: Path) -> dict[str, Any]:
    """Tables with their columns, keys and indexes, as they are on disk."""
    engine = sa.create_engine(f"sqlite:///{path}")
    found = sa.inspect(engine)
    described: dict[str, Any] = {
        table: {
            "columns": {
                column["name"]: (str(column["type"]), column["nullable"], column.get("primary_key"))
                for column in found.get_columns(table)
            },
            "uniques": {tuple(each["column_names"]) for each in found.get_unique_constraints(table)},
            "keys": {
                (tuple(each["constrained_columns"]), each["referred_table"])
                for each in found.get_foreign_keys(table)
            },
        }
        for table in found.get_table_names()
        if table != "contract_notes"  # of the tests' own
    }
    with engine.connect() as connection:
        indexes = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name != 'contract_notes'"
        ).scalars()
        described["indexes"] = sorted(" ".join(sql.replace('"', "").split()) for sql in indexes)
    engine.dispose()
    return described


def test_every_version_before_this_one_is_kept() -> None:
    assert [path.name for path in KEPT] == [f"schema-{n}.db.zst" for n in range(1, SCHEMA_VERSION)]


@pytest.mark.long
def test_an_old_one_gets_the_tables_of_a_new_one(old: Path, tmp_path: Path) -> None:
    Database(old).close()
    Database(tmp_path / "new.db").close()
    assert shape(old) == shape(tmp_path / "new.db")
    with sqlite3.connect(old) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


def test_what_was_in_it_is_found(read: Callable[[Callable[[Read], Any]], Any]) -> None:
    def find(text: str) -> list[str]:
        wanted = Wanted()
        page = read(lambda opened: search.find(opened, wanted, 0, text=text, sort="number"))
        return [run.id for run in page.runs]

    [done] = find("status = 'Completed' and parameters.rate = 0.1")
    assert find("metrics.loss < 0.011") == [done]
    assert len(find("status = 'Failed'")) == 1
    metrics = read(lambda opened: query.metrics(opened, None, done))
    assert metrics["loss"] == [1 / (step + 1) for step in range(100)]
    assert metrics["row"] == {"x": 1, "y": 2.5}
    view = read(lambda opened: service.view(opened, service.get(opened, done)))
    assert view.tags == {"team": "a", "stage": "trained"}
    assert read(lambda opened: store.unfinished(opened)) == []


@pytest.mark.few(1)
@pytest.mark.parametrize("old", versions(KEPT[:4], 0), indirect=True)
@pytest.mark.parametrize(
    ("submission", "gpu"),
    [('{"gpu": "require"}', "require"), ('{"gpu": "none"}', "none"), ("{}", "none"), ('{"gpu": 3}', "none")],
)
def test_a_run_that_waited_waits_on_in_its_queue(old: Path, submission: str, gpu: str) -> None:
    changed = "status = 'Queued', ended_at = NULL, queued_at = NULL, submission = CAST(? AS BLOB)"
    with sqlite3.connect(old) as connection:
        connection.execute(f"UPDATE runs SET {changed} WHERE status = 'Failed'", (submission,))
    connection.close()
    database = Database(old)
    [run] = database.submit_read(lambda read: store.unfinished(read)).result()
    queued = database.submit_read(lambda read: list(Queues(read).in_turn(run.cluster, frozenset))).result()
    database.close()
    assert (run.gpu, run.queued_at) == (gpu, run.created_at)
    assert [each.run_id for each in queued] == [run.id]


@pytest.mark.long
def test_the_file_as_it_was_stays(old: Path) -> None:
    before = shape(old)
    Database(old).close()
    assert shape(old.with_name(f"before-schema-{SCHEMA_VERSION}.db")) == before


@pytest.mark.long
def test_a_failure_leaves_it_as_it_was(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = shape(old)

    def fail(connection: sa.Connection, to: int) -> None:
        real(connection, to)
        if to == SCHEMA_VERSION:
            raise OSError("the power is gone")

    real = migrations._step
    monkeypatch.setattr(migrations, "_step", fail)
    with pytest.raises(OSError, match="power"):
        Database(old)
    assert shape(old) == before
    monkeypatch.undo()
    Database(old).close()
    assert shape(old) != before


@pytest.mark.parametrize("old", versions(KEPT[13:14], 0), indirect=True)
def test_people_were_last_seen_when_a_token_of_theirs_was(
    old: Path,
) -> None:
    with sqlite3.connect(old) as connection:
        connection.executemany("INSERT INTO people VALUES (?, 'reader', 1)", [["seen"], ["never"]])
        connection.executemany(
            "INSERT INTO person_tokens VALUES (?, ?, ?, '', 'reader', 1, NULL, NULL, ?)",
            [["1", "1", "seen", 5], ["2", "2", "seen", 7], ["3", "3", "never", None]],
        )
    connection.close()
    database = Database(old)
    found = {each.name: each.used_at for each in database.submit_read(people.list_people).result()}
    database.close()
    assert (found["seen"], found["never"]) == (7, None)
