"""What differs between arguments, packages, metrics; and how it is shown."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest

from faena.client.comparison import Change, RunComparison, Section
from faena.comparison import packages as locks
from faena.comparison import values
from faena.runs.list_schemas import MetricRange
from faena.runs.submission_schemas import DataInput, Submission

LOCK: dict[str, Any] = {
    "interpreter": {"path": "/usr/bin/python3.8", "version": "3.8.18", "implementation": "CPython"},
    "platform": "linux-x86_64",
    "built": True,
    "requirements": "numpy==1.17.3 \\\n    --hash=sha256:00\nchainer[x]==7.8.1 ; python_version > '3'\nMy_Pkg @ file:///w\n",
}


def submission(*arguments: str, **changes: Any) -> Submission:
    return Submission("e", "0" * 64, "train.py", "cpu", arguments, **changes)


def _changes(section: Section) -> dict[str, tuple[Any, Any]]:
    return {change.name: (change.left, change.right) for change in section.changes}


def test_arguments_by_name_and_by_place() -> None:
    left = submission("--epochs", "10", "--v", "--rate=0.1", "data", "x")
    right = submission("--epochs=20", "--rate", "0.1", "data", "y")
    found = values.arguments(left, right)
    assert _changes(found) == {"epochs": ("10", "20"), "v": ("true", None), "(2)": ("x", "y")}
    assert found.same == 3


def test_packages_added_removed_and_changed() -> None:
    assert locks.versions(LOCK["requirements"]) == {
        "numpy": "1.17.3",
        "chainer": "7.8.1",
        "my-pkg": "file:///w",
    }
    other = LOCK | {"requirements": "numpy==1.18.0\nchainer==7.8.1\nsix==1.0\n", "platform": "linux-arm64"}
    found = locks.compare(LOCK, other)
    assert _changes(found) == {
        "(platform)": ("linux-x86_64", "linux-arm64"),
        "numpy": ("1.17.3", "1.18.0"),
        "my-pkg": ("file:///w", None),
        "six": (None, "1.0"),
    }
    assert not locks.compare(LOCK, LOCK) and "as it is" in locks.compare(LOCK, LOCK | {"built": False}).note
    assert locks.compare(None, LOCK).note == "One of the runs has no environment."
    assert locks.compare(None, None).note == "Neither run has an environment."


def test_metrics_side_by_side() -> None:
    left = [MetricRange("loss", 3, 0.5, 0.25, 2.0), MetricRange("nan", 1, math.nan, None, None)]
    right = [MetricRange("loss", 3, 0.25, 0.25, math.inf), MetricRange("nan", 1, math.nan, None, None)]
    found = values.metrics(left, right)
    assert [(c.name, c.left, c.right, c.difference) for c in found.changes] == [
        ("loss", 0.5, 0.25, -0.25),
        ("loss.max", 2.0, math.inf, None),
    ]
    assert msgspec.json.encode(found)


def test_variables_data_git() -> None:
    inputs = (DataInput("d", "$AZUREML_d", "d", "mount", dataset="ds-1"),)
    left = submission(environment_variables={"A": "1", "B": "2"}, inputs=inputs)
    right = submission(environment_variables={"A": "1", "C": "3"}, git={"commit": "c1", "dirty": True})
    assert _changes(values.variables(left, right)) == {"B": ("2", None), "C": (None, "3")}
    assert _changes(values.data(left, right)) == {"d": ("ds-1, mount", None)}
    assert _changes(values.git(left, right)) == {
        "commit": (None, "c1"),
        "changes not committed": (None, "yes"),
    }


@pytest.fixture
def comparison() -> RunComparison:
    return RunComparison(
        "exp_1",
        "exp_2",
        (
            Section("status", (), 3),
            Section("code", (Change("a.py", "2 bytes", "3 bytes", text="-x\n+\x1b[31my\n"),), 4),
            Section("git", (), note="Neither run says anything of it, " * 4),
            Section("packages", (), note="Neither run has an environment."),
            Section("metrics", (Change("loss", 0.5, 0.25, -0.25), Change("n" * 40, "v" * 100, None))),
        ),
    )


def test_long_lines_of_code_are_broken_and_nothing_of_them_is_lost() -> None:
    code = f"+    call({', '.join(f'argument_{each}' for each in range(30))})"
    change = Change(
        "d/" * 50 + "a.py", "2 bytes", "3 bytes", text=f"-\tx\n{code}\n+{'y' * 200}\n+{' ' * 90}\n"
    )
    found = RunComparison("exp_1", "exp_2", (Section("code", (change,)),))
    text = str(found)
    assert all(len(line.expandtabs()) <= 80 for line in text.split("\n"))
    assert "".join(code.split()) in "".join(text.split()) and "y" * 200 in "".join(text.split())
    assert "\n    -\tx\n    +    call(argument_0," in text and "\n      argument_" in text
    assert f"\n    {code}\n" in found.shown(None, whole=True), "elsewhere than on a terminal it is one line"
    assert f"+{'y' * 200}\n" in found.shown(80, whole=True), "what is to be copied is whole"


def test_it_is_readable(comparison: RunComparison) -> None:
    text = str(comparison)
    assert all(len(line) <= 80 for line in text.split("\n"))
    assert "Status: the same (3)" in text and "Packages: Neither run has an environment." in text
    assert "  changed a.py (2 bytes -> 3 bytes)\n    -x\n    +\u241b[31my\n  4 the same" in text
    assert "  loss" in text and "-0.25" in text
    assert comparison and comparison["metrics"] and not comparison["status"]
    with pytest.raises(KeyError):
        comparison["phases"]
