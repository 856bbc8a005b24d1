"""A run's numbers as charts and as files of other programs, read back by those programs."""

from __future__ import annotations

import csv
import math
import sys
from datetime import UTC, datetime
from pathlib import Path

import plotext
import pytest

from faena import Experiment, Workspace
from faena.client.metrics import plots
from faena.client.metrics.plots import Labelled
from faena.client.runs.run import Run
from faena.kernel.errors import NotFound, UserErrorException
from faena.runs.list_schemas import Curve
from tests.cli.test_commands import faena
from tests.semaphores import needs_semaphores

VALUES = [1.0, 0.1 + 0.2, math.nan, math.inf, -math.inf, -0.0, 5e-324]
HOSTILE = "=cmd()<b>"


@pytest.fixture(scope="module")
def runs(common_workspace: Workspace) -> list[Run]:
    """Two that logged the same metric; the first one more."""
    common_workspace.write_config(common_workspace.folder)
    experiment = Experiment(common_workspace, "plots")
    made = []
    for name in ("one", "two"):
        run = experiment.start_logging(name=name, snapshot_directory=None, outputs=None)
        for step in range(300):
            run.log("loss", 1 / (step + 1), step=step * 10)
        made.append(run)
    for value in VALUES:
        made[0].log("odd", value)
    made[0].log("whole", 2**60 + 1)
    made[0].log(HOSTILE, 1)
    made[0].log("word", "text")
    for run in made:
        run.complete()
    return [Run(experiment, run.id) for run in made]


def test_points_come_one_by_one(runs: list[Run]) -> None:
    assert runs[0].get_metric_names() == ["loss", "odd", "whole", HOSTILE]
    points = list(runs[0].get_metric_points("loss"))
    assert [point.value for point in points] == [1 / (step + 1) for step in range(300)]
    assert [point.step for point in points] == [step * 10 for step in range(300)]
    assert points == sorted(points)
    odd = [point.value for point in runs[0].get_metric_points("odd")]
    assert list(map(repr, odd)) == list(map(repr, VALUES))
    [whole] = runs[0].get_metric_points("whole")
    assert (whole.value, whole.step) == (2**60 + 1, None)
    assert list(runs[0].get_metric_points("word")) == []
    with pytest.raises(NotFound, match="no metric 'none'"):
        list(runs[0].get_metric_points("none"))


@pytest.mark.long
def test_a_figure_has_a_line_for_each_run(runs: list[Run]) -> None:
    figure = runs[0].plot("loss", against=[runs[1]])
    assert [line.name for line in figure.data] == ["one", "two"]
    assert list(figure.data[0].x) == [step * 10 for step in range(300)]
    assert list(figure.data[0].y) == [1 / (step + 1) for step in range(300)]
    everything = runs[0].plot(pixels=50)
    assert max(len(line.x) for line in everything.data) <= 100
    titles = [note.text for note in everything.layout.annotations]
    assert titles == ["loss", "odd", "whole", "=cmd()&lt;b&gt;"]
    with pytest.raises(NotFound, match="None of these runs has numbers of 'none'"):
        runs[0].plot("none")
    with pytest.raises(UserErrorException, match="axis is 'epoch'"):
        runs[0].plot("loss", axis="epoch")


def test_runs_of_one_name_are_told_apart(common_workspace: Workspace) -> None:
    experiment = Experiment(common_workspace, "namesakes")
    made = []
    for value in (1.0, 2.0):
        run = experiment.start_logging(name="same", snapshot_directory=None, outputs=None)
        run.log("loss", value)
        run.complete()
        made.append(Run(experiment, run.id))
    lines = made[0].plot("loss", against=[made[1]]).data
    assert [line.name for line in lines] == [f"same ({run.id})" for run in made]
    assert [line.showlegend for line in lines] == [True, True]
    assert lines[0].line.color != lines[1].line.color


def test_the_terminal_has_a_drawing(runs: list[Run], common_workspace: Workspace) -> None:
    workspace = common_workspace
    drawn = faena(workspace, "plot", runs[0].id, runs[1].id).stdout
    assert "loss" in drawn
    assert "1  one\n2  two\n" in drawn
    assert "\x1b" not in drawn
    assert max(map(len, drawn.splitlines())) <= 80
    assert faena(workspace, "plot", runs[0].id, "--metric", "none").stderr.startswith(
        "NotFound: None of these"
    )
    bare = Experiment(workspace, "bare").start_logging(snapshot_directory=None, outputs=None)
    living = faena(workspace, "plot", bare.id)
    assert (living.returncode, living.stderr) == (0, "No numbers to draw yet.\n")
    bare.complete()
    ended = faena(workspace, "plot", bare.id)
    assert (ended.returncode, ended.stderr) == (1, "No numbers to draw.\n")


def test_whole_steps_have_whole_places_and_names_stand_below_the_frame() -> None:
    x = [0.0, 1.0, 2.0, 3.0]
    values: list[float | None] = [0.1, 0.2, 0.3, 0.4]
    curve = Curve("step", x, values, exact=True, count=4, nans=0, last=0.4, origin=0, infinities=0)
    drawn = plots.drawing({"loss": [Labelled("a", curve), Labelled("b", curve)]}, 80, 10, coloured=True)
    assert "\x1b[48" not in drawn, "no background: the terminal's own"
    frame, below = plotext.uncolorize(drawn).split("\n\n")
    assert frame.splitlines()[-2].split() == ["0", "1", "2", "3"]
    assert "a" not in frame and below == "━━  a\n━━  b"


def test_what_is_no_number_is_a_gap_in_the_terminal() -> None:
    values = [0.0, 1.0, None, 3.0, 4.0, None, None, 2.0]
    x = [float(place) for place, value in enumerate(values)]
    whole = Curve("step", x, values, exact=True, count=8, nans=3, last=2.0, origin=0, infinities=0)
    bridged = Curve("step", *_known(x, values), exact=True, count=5, nans=0, last=2.0, origin=0, infinities=0)
    with_gap, without = (
        plots.drawing({"gap": [Labelled("a", curve)]}, 80, 18, coloured=False) for curve in (whole, bridged)
    )
    assert [_empty_columns(drawn) > 5 for drawn in (with_gap, without)] == [True, False]


def test_numbers_whose_difference_is_none_are_drawn_without_them() -> None:
    x = [0.0, 1.0, 2.0, 3.0]
    values: list[float | None] = [-1e308, 1.0, 2.0, 1e308]
    curve = Curve("step", x, values, exact=True, count=4, nans=0, last=1e308, origin=0, infinities=0)
    drawn = plots.drawing({"huge": [Labelled("a", curve)]}, 80, 18, coloured=False)
    assert "2.0" in drawn
    assert "nan" not in drawn


def _known(x: list[float], y: list[float | None]) -> tuple[list[float], list[float | None]]:
    pairs = [(place, value) for place, value in zip(x, y, strict=True) if value is not None]
    return [place for place, _ in pairs], [value for _, value in pairs]


def _empty_columns(drawn: str) -> int:
    """Columns within the frame in which nothing is drawn."""
    lines = [
        line[line.index("┤") + 1 :] if "┤" in line else line[line.index("│") + 1 :] for line in _framed(drawn)
    ]
    return sum(
        all(line[place : place + 1] in (" ", "") for line in lines)
        for place in range(min(map(len, lines)) - 1)
    )


def _framed(drawn: str) -> list[str]:
    return [line for line in drawn.splitlines() if line.rstrip().endswith("│")]


def test_csv_is_harmless_and_exact(runs: list[Run], tmp_path: Path) -> None:
    runs[0].export_metrics(tmp_path / "new" / "all.csv")
    with (tmp_path / "new" / "all.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 300 + len(VALUES) + 2
    assert [row["value"] for row in rows if row["metric"] == "odd"] == list(map(repr, VALUES))
    assert {row["metric"] for row in rows} == {"loss", "odd", "whole", f"'{HOSTILE}"}
    assert rows[1]["step"] == "10"
    assert abs(datetime.fromisoformat(rows[0]["time"]) - datetime.now(UTC)).total_seconds() < 600
    assert not list((tmp_path / "new").glob(".*")), "nothing half-written is left"
    with pytest.raises(UserErrorException, match="cannot be written"):
        runs[0].export_metrics("/proc/none/x.csv")


@pytest.mark.parametrize("name", ["x.xls", "x.txt", "x.v2"])
def test_an_ending_that_is_no_format_is_told_whatever_is_installed(
    runs: list[Run], tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(
        UserErrorException, match=rf"'{name}' is no format\. Use FILE\.csv, FILE\.parquet, or"
    ):
        runs[0].export_metrics(tmp_path / name)


def test_parquet_reads_back(runs: list[Run], common_workspace: Workspace, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    assert (
        faena(common_workspace, "metrics", runs[0].id, "--parquet", str(tmp_path / "m.parquet")).returncode
        == 0
    )
    table = parquet.read_table(tmp_path / "m.parquet").to_pylist()
    loss = [row for row in table if row["metric"] == "loss"]
    assert [(row["step"], row["value"]) for row in loss] == [
        (step * 10, 1 / (step + 1)) for step in range(300)
    ]
    assert [row["step"] for row in table if row["metric"] == "odd"] == [None] * len(VALUES)


@needs_semaphores
def test_tensorboard_reads_back(runs: list[Run], tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    from tensorboardX.event_file_writer import EventsWriter
    from tensorboardX.proto.event_pb2 import Event

    assert EventsWriter
    runs[0].export_metrics(tmp_path / "board", "loss")
    [file] = (tmp_path / "board").iterdir()
    found, data, at = [], file.read_bytes(), 0
    while at < len(data):  # length u64, its CRC u32, the event, its CRC u32
        length = int.from_bytes(data[at : at + 8], "little")
        event = Event.FromString(data[at + 12 : at + 12 + length])
        found += [(event.step, round(value.simple_value, 6)) for value in event.summary.value]
        at += 16 + length
    assert found == [(step * 10, round(1 / (step + 1), 6)) for step in range(300)]
