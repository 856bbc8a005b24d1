"""Values that break plots and JSON, through a real run: what was logged is what comes back."""

from __future__ import annotations

import math

import pytest

from faena import Workspace
from tests.journeys.scripts import Project


@pytest.fixture
def workspace(common_workspace: Workspace) -> Workspace:
    return common_workspace


def test_values_that_are_no_numbers_come_back_as_they_are(project: Project) -> None:
    found = project.run("""
        from faena import Run
        run = Run.get_context()
        for value in (float("nan"), float("inf"), -float("inf"), 1e400, -0.0, 5e-324):
            run.log("floats", value)
        for value in (2**63 - 1, -2**63, 2**63, 10**30):
            run.log("ints", value)
    """).get_metrics()
    assert math.isnan(found["floats"][0])
    assert found["floats"][1:] == [math.inf, -math.inf, math.inf, 0.0, 5e-324]
    assert math.copysign(1, found["floats"][4]) == -1
    assert found["ints"] == [2**63 - 1, -(2**63), 2**63, 10**30]


def test_odd_steps_and_names_lose_no_value(project: Project) -> None:
    names = ["🚀 precisión", "x" * 255, "a/b", "../x", "%2e%2e", "a b", "' OR 1=1 --"]
    found = project.run(f"""
        from faena import Run
        run = Run.get_context()
        for step in (-1, 0, 2**63 - 1, 0, 0):
            run.log("steps", 1.5, step=step)
        try:
            run.log("steps", 1.5, step=2**63)
        except Exception as error:
            run.log("refused", str(error))
        for name in {names!r}:
            run.log(name, 7)
    """).get_metrics()
    assert found.pop("steps") == [1.5] * 5
    assert "out of range" in found.pop("refused")
    assert found == dict.fromkeys(names, 7)


def test_a_clock_that_jumps_back_loses_no_value_and_orders_by_time(project: Project) -> None:
    found = project.run("""
        import time
        real = time.time_ns
        from faena import Run
        run = Run.get_context()
        run.log("loss", 1)
        time.time_ns = lambda: real() - 3600 * 10**9
        run.log("loss", 2)
        fixed = real()
        time.time_ns = lambda: fixed
        for value in (3, 3, 4):
            run.log("same", value, step=1)
    """).get_metrics()
    assert sorted(found["loss"]) == [1, 2]
    assert found["same"] == [3, 3, 4]
