"""The shapes of v1's get_metrics, summaries and series."""

from __future__ import annotations

import math
import zlib
from typing import Any

import numpy as np
import pytest

from faena.kernel.errors import NotFound
from faena.tracking.store import metrics as store
from tests.databases import on_sqlite_alone
from tests.tracking.frames import NONE, event, name, number
from tests.tracking.workspace import RUN, TrackedWorkspace, spool

NAN, INF = float("nan"), float("inf")


class TestShapes:
    @pytest.mark.few(6)
    @pytest.mark.parametrize(
        ("logged", "shape"),
        [
            ([number(0.5)], 0.5),
            ([number(3)], 3),
            ([number(0.5), number(0.25)], [0.5, 0.25]),
            ([number(1), number(0.5), number(2)], [1, 0.5, 2]),
            ([event("scalar", name="x", value="text")], "text"),
            ([event("scalar", name="x", value=True), number(1)], [True, 1]),
            ([event("scalar", name="x", value=2**70)], 2**70),
            ([event("list", name="x", values=[1, 2, 3])], [1, 2, 3]),
            ([event("list", name="x", values=[1, 2]), event("list", name="x", values=[3])], [1, 2, 3]),
            ([event("list", name="x", values=[7])], 7),
            ([event("list", name="x", values=[])], []),
            ([event("row", name="x", columns={"a": 1, "b": 2.0})], {"a": 1, "b": 2.0}),
            (
                [event("row", name="x", columns={"a": 1, "b": 2.0})] * 2,
                {"a": [1, 1], "b": [2.0, 2.0]},
            ),
            ([event("table", name="x", columns={"x": [1, 2]})], {"x": [1, 2]}),
            ([event("table", name="x", columns={"x": [1, 2]})] * 2, {"x": [1, 2, 1, 2]}),
            ([number(1.5), event("list", name="x", values=[2, 3])], [1.5, 2, 3]),
            (
                [event("row", name="x", columns={"a": 1}), event("table", name="x", columns={"a": [2, 3]})],
                {"a": [1, 2, 3]},
            ),
            (
                [event("row", name="x", columns={"a": 1}), event("row", name="x", columns={"b": 2})],
                {"a": [1, None], "b": [None, 2]},
            ),
            (
                [number(9), event("row", name="x", columns={"a": 1})],
                {"x": [9, None], "a": [None, 1]},
            ),
        ],
    )
    def test_of_what_was_logged(self, workspace: TrackedWorkspace, logged: list[bytes], shape: Any) -> None:
        workspace.send(spool(), name(0, "x"), *logged)
        found = workspace.metrics()["x"]
        assert found == shape
        assert repr(found) == repr(shape)
        workspace.seal()
        assert repr(workspace.metrics()["x"]) == repr(shape)

    def test_nan_and_infinities_survive(self, workspace: TrackedWorkspace) -> None:
        workspace.send(
            spool(),
            name(0, "x"),
            number(NAN),
            number(INF),
            number(-INF),
            event("list", name="x", values=[NAN, -INF]),
        )
        assert repr(workspace.metrics()["x"]) == "[nan, inf, -inf, nan, -inf]"

    def test_one_metric_by_name(self, workspace: TrackedWorkspace) -> None:
        workspace.send(spool(), name(0, "x"), name(1, "y"), number(1.0), number(2.0, 1))
        assert workspace.metrics("y") == {"y": 2.0}
        assert workspace.metrics("z") == {}

    @pytest.mark.parametrize("metric", ["x" * 255, "损失 \U0001f600", "a/b c%2f'\";--", "", " "])
    def test_names_of_any_kind(self, workspace: TrackedWorkspace, metric: str) -> None:
        workspace.send(spool(), name(0, metric), number(1.0))
        assert workspace.metrics(metric) == {metric: 1.0}

    def test_in_the_order_first_logged(self, workspace: TrackedWorkspace) -> None:
        frames = [name(place, text) for place, text in enumerate("zab")]
        workspace.send(spool(), *frames, *(number(0.0, place, time=place) for place in range(3)))
        assert list(workspace.metrics()) == ["z", "a", "b"]

    @pytest.mark.long
    @on_sqlite_alone
    def test_more_names_than_one_query_takes(self, workspace: TrackedWorkspace) -> None:
        frames = [name(place, f"m{place}") + number(place, place) for place in range(1300)]
        workspace.send(spool(), *frames)
        workspace.send(spool(), *(number(-place, place, time=1) for place in range(1300)))
        assert workspace.metrics() == {f"m{place}": [place, -place] for place in range(1300)}


class TestSummaries:
    def test_across_batches(self, workspace: TrackedWorkspace) -> None:
        workspace.send(spool(), name(0, "x"), number(3.0, time=10, step=1), number(-1.0, time=20, step=2))
        workspace.send(spool(), number(NAN, time=30, step=3))
        row = workspace.summaries()["x"]
        assert (row.count, row.nans, row.min, row.max) == (3, 1, -1.0, 3.0)
        assert row.last is not None
        assert math.isnan(row.last)
        assert (row.last_step, row.first_time, row.last_time) == (3, 10, 30)
        workspace.send(spool(), number(2, time=40))
        row = workspace.summaries()["x"]
        assert (row.count, row.last, row.last_step) == (4, 2.0, None)

    def test_nothing_but_nan(self, workspace: TrackedWorkspace) -> None:
        workspace.send(spool(), name(0, "x"), number(NAN))
        row = workspace.summaries()["x"]
        assert (row.count, row.nans, row.min, row.max) == (1, 1, None, None)

    def test_an_infinity_is_an_extreme(self, workspace: TrackedWorkspace) -> None:
        workspace.send(spool(), name(0, "x"), number(INF), number(1.0), number(-INF))
        row = workspace.summaries()["x"]
        assert (row.min, row.max, row.last) == (-INF, INF, -INF)

    def test_last_is_the_latest_not_the_last_to_arrive(self, workspace: TrackedWorkspace) -> None:
        workspace.send(spool("1-aa"), name(0, "x"), number(1.0, time=50))
        workspace.send(spool("2-bb"), name(0, "x"), number(2.0, time=40))
        assert workspace.summaries()["x"].last == 1.0
        workspace.send(spool("2-bb"), number(3.0, time=50))
        assert workspace.summaries()["x"].last == 3.0

    def test_lists_text_rows_and_numbers_too_big(self, workspace: TrackedWorkspace) -> None:
        workspace.send(
            spool(),
            event("list", name="list", values=[4, 2.5, "a", True]),
            event("scalar", name="text", value="a"),
            event("row", name="row", columns={"a": 1}),
            event("table", name="table", columns={"a": [1, 2, 3]}),
            event("scalar", name="big", value=10**400),
        )
        rows = workspace.summaries()
        assert (rows["list"].count, rows["list"].min, rows["list"].max) == (4, 2.5, 4.0)
        assert (rows["text"].count, rows["text"].last, rows["text"].max) == (1, None, None)
        assert (rows["row"].count, rows["table"].count) == (1, 3)
        assert rows["big"].last == INF


class TestSeries:
    def test_arrays(self, workspace: TrackedWorkspace) -> None:
        workspace.send(spool("1-aa"), name(0, "x"), number(1.0, time=2, step=5))
        workspace.send(spool("2-bb"), name(0, "x"), number(7, time=1))
        found = workspace.series("x")
        assert found.time.tolist() == [1, 2]
        assert found.step.tolist() == [NONE, 5]
        assert found.value.tolist() == [7.0, 1.0]
        assert found.integer.tolist() == [True, False]

    def test_numbers_of_lists_and_no_text(self, workspace: TrackedWorkspace) -> None:
        workspace.send(
            spool(),
            name(0, "x"),
            number(1.0, time=1),
            event("list", name="x", time=2, values=[2, "no", 3.5]),
            event("scalar", name="x", time=3, value="no"),
            event("row", name="x", time=4, columns={"a": 1}),
        )
        found = workspace.series("x")
        assert found.time.tolist() == [1, 2, 2]
        assert found.value.tolist() == [1.0, 2.0, 3.5]

    def test_a_metric_that_is_not_there(self, workspace: TrackedWorkspace) -> None:
        with pytest.raises(NotFound, match="'nothing'"):
            workspace.series("nothing")


@pytest.mark.long
@on_sqlite_alone
def test_a_million_points(workspace: TrackedWorkspace) -> None:
    count = 1_000_000
    generator = np.random.default_rng(0)
    values = generator.normal(size=count)
    times = np.cumsum(generator.integers(1, 2000, count))
    layout = np.dtype(
        [("head", "<u8"), ("crc", "<u4"), ("t", "<i8"), ("s", "<i8"), ("v", "<f8"), ("i", "<u4")]
    )
    frames = np.empty(count, layout)
    frames["t"], frames["s"], frames["v"], frames["i"] = times, np.arange(count), values, 0
    frames["head"] = np.frombuffer(number(1.0)[:8], "<u8")[0]
    raw = frames.tobytes()
    heads = zlib.crc32(raw[:8])
    frames["crc"] = [zlib.crc32(raw[at + 12 : at + 40], heads) for at in range(0, len(raw), 40)]
    stream = name(0, "x") + frames.tobytes()
    at = 0
    while at < len(stream):
        at = workspace.append(spool(), at, stream[at : at + (3 << 20)]).offset
    for _ in range(2):
        found = workspace.series("x")
        assert np.array_equal(found.value, values)
        assert np.array_equal(found.time, times)
        assert np.array_equal(found.step, np.arange(count))
        workspace.seal()
    row = workspace.summaries()["x"]
    assert (row.count, row.min, row.max, row.last) == (count, values.min(), values.max(), values[-1])


@on_sqlite_alone
def test_a_run_that_goes_on_has_few_small_rows_and_all_its_points(workspace: TrackedWorkspace) -> None:
    """Whoever draws it reads them all, for each of its metrics."""
    workspace.send(spool(), name(0, "loss"))
    for step in range(130):
        workspace.send(spool(), number(step / 2, time=step, step=step))
        [row] = workspace.read(lambda read: store.of_run(read, RUN, name="loss"))
        assert row.tail_chunks <= 64
    assert workspace.series("loss").value.tolist() == [step / 2 for step in range(130)]
