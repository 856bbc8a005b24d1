"""The table of runs prints what was logged."""

from __future__ import annotations

import math

import msgspec
import pytest

from faena.cli import layout, runs_table
from faena.cli.runs_table import chosen_table, default_table
from faena.runs.list_schemas import RunRow


def test_infinity_is_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    metrics: dict[str, float | None] = {"up": math.inf, "down": -math.inf, "none": None}
    row = RunRow("r", "e", 1, "Completed", "u", "c", 0, 0, 0, {}, metrics=metrics)
    sent = msgspec.json.encode(msgspec.structs.replace(row, infinite={"up": True, "down": False}))
    chosen_table([msgspec.json.decode(sent, type=RunRow)], "metrics.up,metrics.down,metrics.none", "")
    assert capsys.readouterr().out.split()[-3:] == ["Infinity", "-Infinity", "NaN"]


def row(run_id: str, **fields: object) -> RunRow:
    made = RunRow(run_id, "e", 1, "Completed", "u", "c", 0, 0, 0, {}, metrics={"Accuracy": 0.97})
    return msgspec.structs.replace(made, **fields)


@pytest.mark.parametrize("width", [None, 80])
def test_ids_of_sweeps_leave_room_on_a_terminal(
    width: int | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in (layout, runs_table):
        monkeypatch.setattr(module, "terminal_width", lambda: width)
    ids = ["HD_0a1b2c3d-0000-4000-8000-000000000000", "HD_0a1b2c3d-1000-4000-8000-000000000000"]
    default_table([*map(row, ids), row("fit_1")], None, "", dict.fromkeys(ids, "5/8"))
    title, *rows = capsys.readouterr().out.splitlines()
    first = [line.split()[0] for line in rows]
    assert first == [*ids, "fit_1"] if width is None else ["HD_0a1b2c3d-0", "HD_0a1b2c3d-1", "fit_1"]
    assert "Accuracy" in title and "0.97" in rows[0]


@pytest.mark.parametrize("width", [None, 80])
def test_ids_of_mlflows_leave_room_for_metrics_on_a_terminal(
    width: int | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in (layout, runs_table):
        monkeypatch.setattr(module, "terminal_width", lambda: width)
    ids = ["a3251fd675f5b607db963e6dd4544ce5", "a3251fd675f6b607db963e6dd4544ce5"]
    default_table([row(each, name="baseline") for each in ids], None, "")
    title, *rows = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in rows] == (ids if width is None else ["a3251fd675f5", "a3251fd675f6"])
    assert "Accuracy" in title and "0.97" in rows[0]


def test_a_trials_metric_is_told_to_be_the_last(capsys: pytest.CaptureFixture[str]) -> None:
    default_table([row("HD_1_0", parent="HD_1")], None, "")
    default_table([row("fit_1")], None, "")
    assert [line.count("Accuracy (last)") for line in capsys.readouterr().out.splitlines()] == [1, 0, 0, 0]
