"""v1's rules for what may be logged, in this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import faena.kernel.errors
from faena.script import errors, spool
from faena.script.errors import UserErrorException
from faena.script.events import MAX_EVENT
from faena.script.run import Run
from tests.script.spool_reader import Spool, read_folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    monkeypatch.setenv("FAENA_RUN_ID", "demo_1_00000000")
    monkeypatch.setenv("FAENA_EXPERIMENT", "demo")
    monkeypatch.setenv("FAENA_SPOOL", str(tmp_path))
    yield Run.get_context()
    writer = spool.writer_of(str(tmp_path))
    spool._writers.remove(writer)
    if writer.fd >= 0:
        os.close(writer.fd)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (np.float64(0.5), 0.5),
        (np.float32(0.25), 0.25),
        (np.float16(2), 2.0),
        (np.int64(-3), -3),
        (np.uint8(200), 200),
        (np.array(1.5), 1.5),
        (np.array([7]), 7),
        (Decimal("0.125"), 0.125),
        (Fraction(1, 4), 0.25),
    ],
)
def test_numbers_of_other_kinds_become_points(run: Run, tmp_path: Path, value: Any, stored: float) -> None:
    for _ in range(2):  # the second call takes the short way
        run.log("a", value)
    assert read_folder(tmp_path).values("a") == [stored, stored]
    assert type(read_folder(tmp_path).values("a")[0]) is type(stored)


@pytest.mark.parametrize(
    "value", [2**63, -(2**63) - 1, 10**300, True, np.True_, np.uint64(2**64 - 1), "text"]
)
def test_what_is_no_point_becomes_an_event(run: Run, tmp_path: Path, value: Any) -> None:
    run.log("a", value, step=4)
    run.log("a", value)
    first, second = read_folder(tmp_path).events
    assert (first["op"], first["name"], first["step"]) == ("scalar", "a", 4)
    assert first["value"] == second["value"] == value
    assert "step" not in second


def test_unknown_objects_are_stored_as_repr(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run.log("a", {"x": 1})
    run.log("a", None)
    run.log("a", np.zeros(3))
    run.log("a", object())
    stored = [event["value"] for event in read_folder(tmp_path).events]
    assert stored[:3] == ["{'x': 1}", "None", "array([0., 0., 0.])"]
    assert stored[3].startswith("<object")
    assert capsys.readouterr().err.count("its repr is stored") == 4


@pytest.mark.parametrize("value", [[1], range(3), (i for i in "ab")])
def test_log_refuses_lists(run: Run, value: Any) -> None:
    with pytest.raises(UserErrorException, match=r"run\.log_list"):
        run.log("a", value)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "empty"),
        ("x" * 256, "256 characters"),
        ("a\0b", r"\\x00"),
        ("a\nb", r"\\n"),
        ("a\x9bb", r"\\x9b"),
        ("a\ud800", r"\\ud800"),
        (7, "int"),
        (None, "NoneType"),
        (["a"], "list"),
    ],
)
def test_bad_names(run: Run, tmp_path: Path, name: Any, says: str) -> None:
    with pytest.raises(UserErrorException, match=says):
        run.log(name, 1.0)
    with pytest.raises(UserErrorException, match=says):
        run.log_list(name, [1.0])
    assert not list(tmp_path.glob("*.spool"))


@pytest.mark.parametrize("step", [2**63, -(2**63), 10**30, 0.5, "1", float("nan"), float("inf")])
def test_bad_steps_are_named(run: Run, tmp_path: Path, step: Any) -> None:
    run.log("a", 1.0, step=1)
    with pytest.raises(UserErrorException, match="step"):
        run.log("a", 1.0, step=step)
    assert read_folder(tmp_path).points["a"] == [(1.0, 1)]


@pytest.mark.parametrize(("step", "stored"), [(-1, -1), (np.int32(4), 4), (3.0, 3), (2**63 - 1, 2**63 - 1)])
def test_good_steps(run: Run, tmp_path: Path, step: Any, stored: int) -> None:
    run.log("a", 1.0, step=step)
    run.log("a", 1.0, step=step)
    assert read_folder(tmp_path).points["a"] == [(1.0, stored)] * 2


def test_lists_rows_tables_and_tags(run: Run, tmp_path: Path) -> None:
    run.log_list("l", np.array([1, 2]))
    run.log_list("l", (x / 2 for x in range(3)), description="halves")
    run.log_row("r", a=1, b=np.float32(0.5), c="x")
    run.log_table("t", {"x": [1, 2], "y": np.array([0.5, float("nan")])})
    run.tag("owner", 3)
    run.tag("mark")
    run.set_tags({"lone": "\ud800"})
    got = [{k: v for k, v in e.items() if k != "t"} for e in read_folder(tmp_path).events]
    nan = got[3]["columns"]["y"].pop()
    assert nan != nan
    assert got == [
        {"op": "list", "name": "l", "values": [1, 2]},
        {"op": "list", "name": "l", "values": [0.0, 0.5, 1.0]},
        {"op": "row", "name": "r", "columns": {"a": 1, "b": 0.5, "c": "x"}},
        {"op": "table", "name": "t", "columns": {"x": [1, 2], "y": [0.5]}},
        {"op": "tag", "key": "owner", "value": "3"},
        {"op": "tag", "key": "mark", "value": ""},
        {"op": "tag", "key": "lone", "value": "\\ud800"},
    ]


class Variable:
    """As Chainer 5 has it: an array inside, and neither `item` nor `__float__`."""

    def __init__(self, array: Any) -> None:
        self.array = self.data = np.asarray(array)

    def __len__(self) -> int:
        return len(self.array)


class Tensor:
    """As a framework has it that gives its array by a call, and refuses one of several elements in its own way."""

    def __init__(self, array: Any) -> None:
        self._array = np.asarray(array)

    def item(self) -> Any:
        raise AssertionError("only one element tensors can be converted")

    def asnumpy(self) -> Any:
        return self._array


@pytest.mark.parametrize("kind", [Variable, Tensor])
def test_an_array_of_no_dimensions_is_its_number_whatever_wraps_it(
    run: Run, tmp_path: Path, kind: Callable[[Any], Any]
) -> None:
    run.log("a", kind(np.float32(0.5)))
    run.log("a", kind(np.int64(3)))
    run.log_list("l", [kind(np.float32(0.25)), 1])
    run.log_list("l", kind([0.5, 1.5]))
    run.log_row("r", a=kind(np.float64(2)))
    found = read_folder(tmp_path)
    assert found.values("a") == [0.5, 3]
    assert [event.get("values") or event["columns"] for event in found.events] == [
        [0.25, 1],
        [0.5, 1.5],
        {"a": 2.0},
    ]


def test_lists_rows_and_tables_may_mix_and_miss_values(
    run: Run, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    import pandas as pd

    run.log_list("l", [1, 2.5])
    run.log_list("l", [0.5, None])
    run.log_list("l", [True, 1, "x"])
    run.log_list("l", pd.Series([1, None, 3], dtype="Int64"))
    run.log_row("r", a=None, b=pd.NaT, c=np.ma.masked)
    run.log_table(
        "t", {"x": pd.array([True, None], dtype="boolean"), "y": np.ma.array([1, 2], mask=[False, True])}
    )
    run.log_list("nan", [float("nan"), 1])
    events = read_folder(tmp_path).events
    nan = events.pop()["values"]
    assert nan[0] != nan[0] and nan[1:] == [1]
    assert [event.get("values") or event["columns"] for event in events] == [
        [1, 2.5],
        [0.5, None],
        [True, 1, "x"],
        [1, None, 3],
        {"a": None, "b": None, "c": None},
        {"x": [True, None], "y": [1, None]},
    ]
    assert capfd.readouterr().err == "", "nothing was stored as its repr"


def test_bad_lists_rows_and_tables(run: Run, tmp_path: Path) -> None:
    calls: list[tuple[Callable[[], None], str]] = [
        (lambda: run.log_list("l", "text"), "needs a list"),
        (lambda: run.log_list("l", 3), "needs a list"),  # type: ignore[arg-type]  # what is wrong is meant
        (lambda: run.log_row("r"), "no columns"),
        (lambda: run.log_row("r", a=[1]), "log_table"),
        (lambda: run.log_table("t", {"x": [1], "y": [1, 2]}), "differ in length"),
        (lambda: run.log_table("t", [1]), "dict of lists"),  # type: ignore[arg-type]  # what is wrong is meant
        (lambda: run.log("a", "x" * 600_000), "600000 characters"),
        (lambda: run.log("a", 1 << 5000), "5001 bits"),
        (lambda: run.log_row("r", **{f"c{i}": "x" * 1000 for i in range(2000)}), "bytes as JSON"),
    ]
    for call, says in calls:
        with pytest.raises(UserErrorException, match=says):
            call()
    assert read_folder(tmp_path).events == []


@pytest.mark.long
def test_long_lists_and_tables_go_in_pieces(run: Run, tmp_path: Path) -> None:
    values = list(range(400_000))
    run.log_list("l", values)
    run.log_table("t", {"x": values, "y": values})
    found: Spool = read_folder(tmp_path)
    lists = [event["values"] for event in found.events if event["op"] == "list"]
    tables = [event["columns"] for event in found.events if event["op"] == "table"]
    assert [x for part in lists for x in part] == values
    assert [x for table in tables for x in table["x"]] == values
    assert all(len(table["x"]) == len(table["y"]) for table in tables)
    assert len(lists) > 1
    assert max(path.stat().st_size for path in found.files) < 12 * MAX_EVENT


def test_one_object_a_process(run: Run) -> None:
    assert Run.get_context() is run
    assert Run.get_submitted_run() is run
    assert run.id == "demo_1_00000000"
    assert run.experiment.name == "demo"
    assert (
        str(run) == "Run(Experiment: demo,\nId: demo_1_00000000,\nType: azureml.scriptrun,\nStatus: Running)"
    )


def test_ending_calls_do_not_end_the_run(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ZeroDivisionError), run as same:
        same.log("a", 1 / 0)
    run.complete()
    run.cancel()
    run.log("a", 1.0)
    err = capsys.readouterr().err
    assert "division by zero" in err
    assert "End the script" in err
    assert read_folder(tmp_path).values("a") == [1.0]


def test_errors_are_the_kernels_where_there_is_one() -> None:
    for name in ("UserErrorException", "RunEnvironmentException", "ServerUnreachable", "FaenaError"):
        assert getattr(errors, name) is getattr(faena.kernel.errors, name)
    found: Exception = errors.from_wire("ModelNotFoundException", "no such model")
    assert isinstance(found, faena.kernel.errors.ModelNotFoundException)
    assert isinstance(errors.from_wire("Unheard", "of"), faena.kernel.errors.ServiceException)
    assert isinstance(errors.from_wire("os", "x"), faena.kernel.errors.ServiceException)
