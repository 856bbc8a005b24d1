"""Charts show every extreme, send no more than can be drawn, and read little."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faena.db import Database
from faena.kernel.errors import NotFound, UserErrorException
from faena.objects.files import FolderObjects
from faena.tracking import codec
from faena.tracking.chart import MOST_SENT, Chart, chart
from faena.tracking.decimation import Spans, joined_in_columns
from tests.examples import examples
from tests.tracking import frames
from tests.tracking.workspace import RUN, TrackedWorkspace, spool


def draw(workspace: TrackedWorkspace, name: str = "loss", **options: Any) -> Chart:
    return workspace.read(lambda read: chart(read, workspace.objects, RUN, name, **options))


def log(workspace: TrackedWorkspace, values: list[float], *, steps: bool = True) -> None:
    parts = [frames.name(0, "loss")]
    for place, value in enumerate(values):
        step = place * 2 if steps else frames.NONE
        parts.append(frames.number(value, time=1_000_000 + place * 1000, step=step))
    workspace.send(spool(), *parts)


def test_few_points_are_the_points(workspace: TrackedWorkspace) -> None:
    log(workspace, [1.0, 3.5, 2.0])
    found = draw(workspace)
    assert (found.x, found.y, found.exact, found.axis) == ([0, 2, 4], [1.0, 3.5, 2.0], True, "step")
    assert (found.count, found.nans, found.last, found.origin) == (3, 0, 2.0, 1_000_000)
    assert draw(workspace, axis="time").x == [0, 0.001, 0.002]
    assert draw(workspace, axis="index").x == [0, 1, 2]
    assert draw(workspace, start=1, stop=3).y == [3.5]


def test_without_steps_places_are_drawn(workspace: TrackedWorkspace) -> None:
    log(workspace, [1.0, 2.0], steps=False)
    assert (draw(workspace).axis, draw(workspace).x) == ("index", [0, 1])


def test_what_no_chart_can_show_is_counted(workspace: TrackedWorkspace) -> None:
    log(workspace, [1.0, math.nan, math.inf, -math.inf, 2.0])
    found = draw(workspace)
    assert found.y == [1.0, None, None, None, 2.0]
    assert found.nans == 1
    workspace.send(spool(), frames.event("scalar", name="word", value="text"))
    assert draw(workspace, "word").x == []


def test_numbers_in_lists_are_drawn(workspace: TrackedWorkspace) -> None:
    workspace.send(spool(), frames.event("list", name="sizes", values=[1, 2.5, "x"]))
    assert (draw(workspace, "sizes").x, draw(workspace, "sizes").y) == ([0, 1], [1, 2.5])


@pytest.mark.parametrize("sealed", [False, True])
def test_of_many_points_each_column_has_its_extremes(workspace: TrackedWorkspace, sealed: bool) -> None:
    values = np.random.default_rng(7).normal(size=120_000)
    values[77_777], values[99_999] = 50.0, -50.0
    log(workspace, values.tolist())
    if sealed:
        workspace.seal()
    for pixels, axis in ((1000, "step"), (30, "step"), (30, "time"), (30, "index")):
        found = draw(workspace, pixels=pixels, axis=axis)
        assert not found.exact
        assert len(found.x) == len(found.y) <= min(2 * pixels, MOST_SENT)
        shown = [value for value in found.y if value is not None]
        assert (max(shown), min(shown)) == (50.0, -50.0)
        assert found.x == sorted(found.x)
        low, high = values.min(), values.max()
        assert all(low <= value <= high for value in shown)
    near = draw(workspace, start=77_000 * 2, stop=78_000 * 2)
    assert near.exact
    assert len(near.x) == 1001
    assert max(value for value in near.y if value is not None) == 50.0


def test_a_long_one_is_drawn_from_what_is_known_of_its_chunks(
    workspace: TrackedWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    log(workspace, list(range(100_000)))
    workspace.seal()

    def refuse(data: bytes) -> None:
        raise AssertionError("no point is read")

    monkeypatch.setattr(codec, "decode_numbers", refuse)
    found = draw(workspace, pixels=10)
    assert (found.x[0], found.x[-1]) == (0, 199_998)
    assert {0, 99_999} <= set(found.y)


def test_what_cannot_be_is_refused(workspace: TrackedWorkspace) -> None:
    log(workspace, [1.0])
    with pytest.raises(NotFound, match="no metric 'none'"):
        draw(workspace, "none")
    with pytest.raises(UserErrorException, match="pixels is 0"):
        draw(workspace, pixels=0)


@given(
    st.lists(
        st.tuples(st.floats(0, 100), st.floats(0, 10), st.floats(-5, 5), st.floats(0, 5)),
        min_size=1,
        max_size=60,
    ),
    st.integers(1, 40),
)
@settings(max_examples=examples(60))
def test_columns_lose_no_extreme(given_spans: list[tuple[float, float, float, float]], columns: int) -> None:
    ordered = np.array(sorted(given_spans)).T
    spans = Spans(ordered[0], ordered[0] + ordered[1], ordered[2], ordered[2] + ordered[3])
    joined = joined_in_columns(spans, columns)
    assert len(joined.left) <= max(columns, 1)
    assert joined.low.min() == spans.low.min()
    assert joined.high.max() == spans.high.max()
    if len(joined.left) == len(spans.left):
        return
    for left, low, high in zip(spans.left, spans.low, spans.high, strict=True):
        mine = np.flatnonzero(joined.left <= left)[-1]
        assert joined.low[mine] <= low
        assert joined.high[mine] >= high


@pytest.mark.parametrize("pixels", [10, 1000])
def test_what_is_finite_is_not_hidden_by_the_infinite(workspace: TrackedWorkspace, pixels: int) -> None:
    values = [0.0] * 60_000
    values[5], values[9], values[10], values[11] = math.inf, 99.0, -math.inf, math.nan
    log(workspace, values)
    found = draw(workspace, pixels=pixels)
    assert max(value for value in found.y if value is not None) == 99.0
    assert (found.infinities, found.nans) == (2, 1)


def test_nothing_outside_of_the_view_is_drawn(workspace: TrackedWorkspace) -> None:
    log(workspace, [float(place % 7) for place in range(60_000)])  # its last points are a tail
    for pixels, axis, start, stop in (
        (5, "step", 30_000, 60_000),
        (5, "time", 10.0, 31.5),
        (900, "index", 7, 9_000),
    ):
        found = draw(workspace, pixels=pixels, axis=axis, start=start, stop=stop)
        assert start <= min(found.x) <= max(found.x) <= stop
        assert {0, 6} <= set(found.y) <= set(range(7))


def test_points_at_one_place(workspace: TrackedWorkspace) -> None:
    parts = [frames.number(float(place), time=place, step=100_000) for place in range(9_000)]
    workspace.send(spool(), frames.name(0, "loss"), *parts)
    assert set(draw(workspace).x) == {100_000}
    assert {0, 8_999} <= set(draw(workspace).y)


def test_a_point_without_a_step_is_left_out_and_said_so(workspace: TrackedWorkspace) -> None:
    log(workspace, [float(place) for place in range(9_000)])
    workspace.send(spool(), frames.number(-1.0, time=10**9))
    found = draw(workspace, start=0, stop=100)
    assert (found.axis, found.x, found.exact) == ("step", list(range(0, 101, 2)), False)
    assert -1.0 not in draw(workspace).y


@pytest.mark.long
@settings(max_examples=examples(10))
@given(
    st.lists(st.floats(-1e9, 1e9) | st.sampled_from([math.nan, math.inf, -math.inf]), max_size=60),
    st.integers(1, 12_000),
    st.integers(1, 5_000),
    st.booleans(),
    st.data(),
)
def test_between_the_ends_of_a_column_are_its_extremes_and_no_others(
    tmp_path_factory: pytest.TempPathFactory,
    spikes: list[float],
    count: int,
    pixels: int,
    sealed: bool,
    data: st.DataObject,
) -> None:
    values = np.random.default_rng(count).normal(size=count)
    places = data.draw(st.lists(st.integers(0, count - 1), min_size=len(spikes), max_size=len(spikes)))
    for place, spike in zip(places, spikes, strict=True):
        values[place] = spike
    folder = tmp_path_factory.mktemp("workspace")
    database = Database(folder / "faena.db")
    try:
        workspace = TrackedWorkspace(database, FolderObjects(folder / "objects"))
        log(workspace, values.tolist())
        if sealed:
            workspace.seal()
        found = draw(workspace, pixels=pixels)
    finally:
        database.close()
    assert len(found.x) == len(found.y) <= min(2 * pixels, MOST_SENT)
    assert (found.nans, found.infinities) == (np.isnan(values).sum(), np.isinf(values).sum())
    if found.exact:
        assert found.x == [2 * place for place in range(count)]
        assert found.y == [value if math.isfinite(value) else None for value in values]
        return
    finite = np.where(np.isfinite(values), values, np.nan)
    ends = list(zip(found.x[::2], found.x[1::2], strict=True))
    assert [ends[0][0], ends[-1][1]] == [0, 2 * (count - 1)], "columns leave nothing out at the ends"
    for (left, right), (later, _) in itertools.pairwise(ends):
        assert left <= right < later == right + 2, "nor between them"
    for place, (left, right) in enumerate(ends):
        column = finite[int(left) // 2 : int(right) // 2 + 1]
        column = column[~np.isnan(column)]
        shown = [value for value in found.y[2 * place : 2 * place + 2] if value is not None]
        assert sorted(shown) == ([column.min(), column.max()] if len(column) else [])
