"""Rates and latencies of an endpoint, by how its counts stood every two seconds."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from faena.endpoints import figures
from faena.endpoints.activity import activity, curves, quantile
from faena.endpoints.schemas import ActivityView, EndpointView, ModelUse, RevisionView, Workers
from faena.scoring.history import Recent, Standing
from faena.scoring.metrics import BUCKETS

NOTHING = [0] * (len(BUCKETS) + 1)


def took(**at: int) -> list[int]:
    """Counts by bucket: `b3=5`."""
    return [at.get(f"b{place}", 0) for place in range(len(BUCKETS) + 1)]


def standing(at: float, statuses: dict[str, int] | None = None, **how: Any) -> Standing:
    given = {
        "waiting": 0,
        "connections": 0,
        "shadow": {},
        "answered": {},
        "cpu_seconds": 0.0,
        "memory_bytes": 0,
    }
    return Standing(**{"at": at, "statuses": statuses or {}, "took": NOTHING, **given, **how})


def recent(*standings: Standing) -> Recent:
    return Recent(list(standings), [])


@pytest.mark.parametrize(
    ("counts", "part", "seconds"),
    [
        ([0, 0, 0], 0.5, None),
        ([10, 0, 0], 0.5, 0.5),
        ([10, 10, 0], 0.5, 1.0),
        ([10, 10, 0], 0.75, 1.5),
        ([0, 4, 0], 0.99, 1.99),
        ([1, 0, 99], 0.5, 2.0),  # all that is known is that it took longer
    ],
)
def test_a_quantile_lies_within_its_bucket(counts: list[int], part: float, seconds: float | None) -> None:
    assert quantile(counts, (1.0, 2.0), part) == (None if seconds is None else pytest.approx(seconds))


class TestLastMinute:
    def test_it_is_what_came_in_that_time(self) -> None:
        before = standing(0.0, {"200": 1000, "502": 7}, took=took(b0=1007), answered={"1": 1000})
        first = standing(40.0, {"200": 1100, "502": 7}, took=took(b0=1107), answered={"1": 1100})
        last = standing(
            100.0,
            {"200": 1400, "502": 8, "401": 1},
            took=took(b0=1107, b3=302),
            answered={"1": 1300, "2": 100},
            waiting=3,
            connections=5,
            shadow={"same": 2},
        )
        found = activity(recent(before, first, last))
        assert found is not None
        assert (found.seconds, found.requests, found.errors) == (60.0, 302, 2)
        assert found.requests_per_second == pytest.approx(302 / 60)
        assert found.statuses == {"200": 300, "401": 1, "502": 1}
        assert found.revisions == {"1": 200, "2": 100}
        assert (found.waiting, found.connections, found.shadow) == (3, 5, {"same": 2})
        assert found.p50 is not None
        assert BUCKETS[2] < found.p50 < BUCKETS[3]

    def test_a_front_that_has_just_been_started_tells_nothing(self) -> None:
        assert activity(recent()) is None
        assert activity(recent(standing(1.0))) is None

    def test_a_clock_that_was_turned_divides_by_nothing(self) -> None:
        found = activity(recent(standing(100.0, {"200": 1}), standing(100.0, {"200": 3})))
        assert found is not None
        assert found.requests == 2
        far = activity(recent(standing(0.0, {"200": 1}), standing(5000.0, {"200": 3})))
        assert far is not None
        assert (far.seconds, far.requests) == (5000.0, 2), "after a machine that slept"


def test_curves_have_a_value_for_each_interval() -> None:
    found = curves(
        recent(
            standing(0.0, {"200": 10}, cpu_seconds=1.0),
            standing(2.0, {"200": 30, "404": 2, "503": 4}, took=took(b1=26), cpu_seconds=4.0, memory_bytes=9),
            standing(4.0, {"200": 30, "404": 2, "503": 4}, took=took(b1=26), cpu_seconds=4.0, waiting=2),
        )
    )
    assert found.at == [2.0, 4.0]
    assert found.requests == [13.0, 0.0]
    assert (found.client_errors, found.server_errors) == ([1.0, 0.0], [2.0, 0.0])
    assert found.p95[0] is not None
    assert BUCKETS[0] < found.p95[0] <= BUCKETS[1]
    assert found.p95[1] is None, "nobody asked"
    assert (found.cpu, found.memory, found.waiting) == ([1.5, 0.0], [9, 0], [0, 2])


def view(weight: int) -> RevisionView:
    use = ModelUse("m", 3)
    return RevisionView(1, "Healthy", 0, (use,), "s", "score.py", "", "", None, None, Workers(), weight, None)


def share(weight: int, other: int, shadow: int | None = None, **got: int) -> str:
    first, second = view(weight), msgspec.structs.replace(view(other), number=2)
    rest: dict[str, Any] = {each.name: None for each in msgspec.structs.fields(EndpointView) if each.required}
    rest.update(revisions=[first, second], activity=seen(**got) if got else None, shadow=shadow)
    return figures.share(first, EndpointView(**rest))


def seen(**revisions: int) -> ActivityView:
    counts = {name.removeprefix("r"): count for name, count in revisions.items()}
    statuses = {"200": 5, "401": 9, "502": 1203}
    return ActivityView(60.0, 100, 1.0, 1212, statuses, None, None, None, 0, 0, {}, counts)


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (figures.rate(0), "0/s"),
        (figures.rate(0.354), "0.35/s"),
        (figures.rate(12.34), "12.3/s"),
        (figures.rate(12345.6), "12,346/s"),
        (figures.latency(None), "-"),
        (figures.latency(0.00042), "0.42 ms"),
        (figures.latency(0.0081), "8.1 ms"),
        (figures.latency(0.12), "120 ms"),
        (figures.latency(1.234), "1.2 s"),
        (figures.latency(60.0), "over 60 s"),
        (figures.errors(seen()), "1,212: 401 (9), 502 (1,203)"),
        (figures.shadow({"different": 3, "same": 1204, "skipped": 0}), "1,204 same, 3 different"),
        (share(90, 10), "90 %"),
        (share(50, 30), "62.5 %"),
        (share(50, 30, r1=62, r2=38), "62.5 %"),
        (share(90, 10, r1=90, r2=10), "90 %"),
        (share(90, 10, r1=80, r2=20), "90 % (80 % now)"),
        (share(0, 100, r2=20), ""),
        (share(0, 100, r1=5, r2=15), "(25 % now)"),
        (share(0, 100, shadow=1, r1=20, r2=20), "shadow"),
        (share(100, 0, shadow=2, r1=20, r2=20), "100 %"),
        (figures.cpu(1.3), "130 %"),
        (figures.models(view(1)), "m:3"),
        (figures.workers(view(1)), "1"),
    ],
)
def test_figures_in_words(told: str, text: str) -> None:
    assert told == text
