"""The table of runs prints what was logged."""

from __future__ import annotations

import math

import msgspec
import pytest

from faena.cli.runs_table import chosen_table
from faena.runs.schemas import RunRow


def test_infinity_is_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    metrics: dict[str, float | None] = {"up": math.inf, "down": -math.inf, "none": None}
    row = RunRow("r", "e", 1, "Completed", "u", "c", 0, 0, 0, {}, metrics=metrics)
    sent = msgspec.json.encode(msgspec.structs.replace(row, infinite={"up": True, "down": False}))
    chosen_table([msgspec.json.decode(sent, type=RunRow)], "metrics.up,metrics.down,metrics.none", "")
    assert capsys.readouterr().out.split()[-3:] == ["Infinity", "-Infinity", "NaN"]
