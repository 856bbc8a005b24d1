"""What must not grow with the number of runs that have ended: how SQLite goes about it, and what is counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from faena.db import Database, Read
from faena.runs import build_queue
from faena.runs.list_schemas import Emptiness
from faena.runs.search import Wanted
from faena.runs.store import runs
from faena.search import empty_results
from faena.search.service import conditions
from faena.server.operation.gauges import kept_for
from faena.testing.history import BEGIN, fill

COUNT = 60


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(tmp_path_factory.mktemp("history") / "faena.db")
    fill(database, COUNT)
    yield database
    database.close()


def steps(database: Database, work: Callable[[Read], object]) -> list[str]:
    """How each statement of it is done, as SQLite plans it."""

    def read(read: Read) -> list[str]:
        inner = read.connection.connection.driver_connection
        assert inner is not None
        asked: list[str] = []
        inner.set_trace_callback(asked.append)
        work(read)
        inner.set_trace_callback(None)
        plans = (
            read.execute(sa.text(f"EXPLAIN QUERY PLAN {each.replace(':', chr(92) + ':')}")) for each in asked
        )
        return [row.detail for plan in plans for row in plan]

    return database.submit_read(read).result()


def test_runs_that_wait_for_environments_are_found_among_those_alone(history: Database) -> None:
    found = steps(history, lambda read: build_queue.unprepared(read, "cpu", 100))
    assert any("unprepared_runs" in step for step in found)
    assert not any("runs_by_time" in step for step in found)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("tags.index = '7'", Wanted()),
        ("tags.index in (7, 8)", Wanted()),
        ("params.net = mlp", Wanted()),
        ("", Wanted(tags={"index": "7"})),
    ],
)
def test_whole_texts_are_found_by_their_index_and_not_among_all_of_their_name(
    history: Database, text: str, wanted: Wanted
) -> None:
    found = steps(
        history,
        lambda read: read.execute(sa.select(runs.c.id).where(*conditions(wanted, BEGIN, text))).all(),
    )
    assert any("_by_value" in step and "<expr>=?" in step for step in found), found


class TestNothingFound:
    def test_all_runs_are_counted_out_of_indexes(self, history: Database) -> None:
        found = steps(history, lambda read: empty_results.count_all(read))
        assert len(found) == 2
        assert all("INDEX" in step for step in found)

    def test_more_than_are_counted_are_called_so(
        self, history: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def said() -> Emptiness:
            return history.submit_read(
                lambda read: empty_results.why(read, Wanted(), BEGIN, text="user = nobody")
            ).result()

        assert said().message == f"None of {COUNT} runs matches."
        monkeypatch.setattr(empty_results, "MOST_COUNTED", COUNT - 1)
        assert (said().message, said().total) == (f"None of more than {COUNT - 1} runs matches.", COUNT)


def test_the_count_of_all_is_kept_for_long_where_it_takes_long() -> None:
    assert kept_for(0.01) == 60.0
    assert kept_for(2.0) == 400.0
