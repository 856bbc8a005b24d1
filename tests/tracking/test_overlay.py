"""Curves that share an axis lose no extreme, send no more than is drawn, and are read as they were sent."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest

from faena.server.pages.charts.curve_bytes import encoded
from faena.tracking.overlay import Overlay, Wanted, overlays
from tests.tracking import frames
from tests.tracking.workspace import RUN, TrackedWorkspace, spool

OTHER = "experiment_2_0a1b2c3d"
BEGAN = 1_000_000


def log(workspace: TrackedWorkspace, run: str, values: Any, *, name: str = "loss", every: int = 1) -> None:
    parts = [frames.name(0, name)]
    for place, value in enumerate(values):
        step = place * every if every else frames.NONE
        parts.append(frames.number(float(value), time=BEGAN + place * 1_000_000, step=step))
    workspace.send(spool(run_id=run), *parts)


def drawn(workspace: TrackedWorkspace, *, off: int = 0, **options: Any) -> Overlay:
    """`off`: of the clock that points were logged by, against that by which runs began and ended."""
    wanted, ended = Wanted(("loss",), **options), BEGAN + 3_600_000_000
    lived = {RUN: (BEGAN - off, ended - off), OTHER: (BEGAN - 5_000_000, ended)}
    [found] = workspace.read(lambda read: overlays(read, workspace.objects, lived, wanted))
    return found


def received(overlay: Overlay) -> list[dict[str, Any]]:
    """As the page's script reads it."""
    data = encoded([overlay])
    (length,) = struct.unpack_from("<I", data)
    [chart] = json.loads(data[4 : 4 + length])["charts"]
    begin = 4 + length
    assert begin % 8 == 0
    chart["x"] = np.frombuffer(data, "<f8", chart["x"]["count"], begin + chart["x"]["at"]).tolist()
    for curve in chart["curves"]:
        for end in ("low", "high"):
            sent = np.frombuffer(data, "<f4", curve["count"], begin + curve[end]).astype(np.float64)
            curve[end] = (chart["base"] + chart["scale"] * sent).tolist()
    return [chart]


def test_few_points_are_the_points_on_a_grid_that_is_shared(workspace: TrackedWorkspace) -> None:
    log(workspace, RUN, [3, 2, 1])
    log(workspace, OTHER, [5, 4], every=4)
    found = drawn(workspace)
    assert (found.exact, found.axis, found.x.tolist()) == (True, "step", [0, 1, 2, 4])
    one, other = found.curves
    assert (one.run_id, one.first, one.low.tolist()) == (RUN, 0, [3, 2, 1])
    assert (other.first, np.nan_to_num(other.high, nan=-1).tolist()) == (0, [5, -1, -1, 4])
    assert (other.count, other.last, other.least, other.greatest) == (2, 4, 4, 5)
    assert drawn(workspace, start=1, stop=2).x.tolist() == [1, 2]


def test_time_is_since_each_run_began_or_as_the_clock_had_it(workspace: TrackedWorkspace) -> None:
    log(workspace, RUN, [3, 2])
    log(workspace, OTHER, [5, 4])
    relative = drawn(workspace, axis="relative")
    assert relative.x.tolist() == [0, 1, 5, 6]
    assert [curve.first for curve in relative.curves] == [0, 2]
    for off in (-4_000_000_000, 4_000_000_000):
        assert drawn(workspace, axis="relative", off=off).x.tolist() == [0, 1, 5, 6], (
            "of the node's clock nothing is seen"
        )
    assert drawn(workspace, axis="time").x.tolist() == [1, 2]


@pytest.mark.parametrize("sealed", [False, True])
def test_no_spike_of_many_is_lost(workspace: TrackedWorkspace, sealed: bool) -> None:
    values = np.sin(np.arange(30_000) / 900)
    values[12_345], values[20_001] = 50, -60
    log(workspace, RUN, values)
    log(workspace, OTHER, values[:9_000])
    if sealed:
        workspace.seal()
    found = drawn(workspace, buckets=100)
    one, other = found.curves
    assert (found.exact, len(found.x), found.x[0], found.x[-1]) == (False, 100, 0, 29_999)
    assert (len(one.low), len(other.low)) == (100, 31)
    assert (int(np.nanargmax(one.high)), int(np.nanargmin(one.low))) == (round(12_345 / 29_999 * 99), 66)
    assert [float(np.nanmax(one.high)), float(np.nanmin(one.low))] == [50, -60]
    near = drawn(workspace, start=12_300, stop=12_400)
    assert near.exact
    assert near.curves[0].high[45] == 50
    assert len(near.curves[1].low) == 0, "it had ended"


def test_a_long_one_comes_from_what_is_known_of_its_chunks(
    workspace: TrackedWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.zeros(60_000)
    values[30_000] = 9
    log(workspace, RUN, values)
    workspace.seal()
    monkeypatch.setattr("faena.tracking.codec.decode_numbers", None)
    found = drawn(workspace, buckets=10)
    [curve] = found.curves
    assert np.nanmax(curve.high) == 9
    assert (curve.first, len(curve.low)) == (0, 10), "the first chunk's beginning, the last one's end"


def test_places_stand_for_steps_that_there_are_not(workspace: TrackedWorkspace) -> None:
    log(workspace, RUN, [3, 2], every=0)
    found = drawn(workspace)
    assert (found.axis, found.x.tolist()) == ("index", [0, 1])


@pytest.mark.few(3)
@pytest.mark.parametrize(
    "values",
    [
        [0.5, 1e-4, 3.0],
        [1e16, 1e16 + 2],
        [1.7e308, -1.7e308],
        [5e-324, 0],
        [-0.0133334, -0.0133334 + 1e-8],
        [1.7976931348623157e308] * 2,
        [0, 0],
        [float("nan"), float("inf")],
    ],
)
def test_numbers_arrive_as_they_are(workspace: TrackedWorkspace, values: list[float]) -> None:
    log(workspace, RUN, values)
    [chart] = received(drawn(workspace))
    [curve] = chart["curves"]
    finite = [value if np.isfinite(value) else np.nan for value in values]
    spread = max(finite) / 2 - min(finite) / 2 if np.isfinite(finite).all() else 0
    assert curve["low"] == pytest.approx(finite, rel=1e-6, nan_ok=True)
    assert np.nanmax(np.abs(np.array(curve["low"]) - finite), initial=0) <= max(
        spread * 1e-6, abs(finite[0]) * 1e-6
    )
    assert len(set(curve["low"])) == len(set(finite)) or not np.isfinite(finite).all()


@pytest.mark.parametrize("axis", ["step", "time"])
def test_many_small_batches_are_drawn_as_one_large_batch_is(workspace: TrackedWorkspace, axis: str) -> None:
    """Also where one of them has what is no number, and where there are too many points for each to be drawn."""
    values = np.random.default_rng(1).normal(size=600)
    values[400] = np.inf
    records = [frames.name(0, "loss")]
    for place, value in enumerate(values):
        at = {"time": BEGAN + place * 1_000, "step": frames.NONE if place == 300 else place ^ 1}
        records.append(frames.number(float(value), **at))
    records.insert(250, frames.event("list", time=BEGAN + 249_000, name="loss", values=[7.0, "no number"]))
    for begin in range(0, len(records), 30):
        workspace.send(spool(run_id=RUN), *records[begin : begin + 30])
    workspace.send(spool(run_id=OTHER), *records)
    for buckets in (100, 1_000) if axis == "step" else (1_000,):  # of time, extremes of batches may suffice
        small, large = drawn(workspace, axis=axis, buckets=buckets).curves
        assert (small.first, small.count, small.least) == (large.first, large.count, large.least)
        assert np.array_equal(small.low, large.low, equal_nan=True)
        assert np.array_equal(small.high, large.high, equal_nan=True)
