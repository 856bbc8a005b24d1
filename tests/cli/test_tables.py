"""What is shown of a run, for people."""

from __future__ import annotations

import msgspec
import pytest

from faena.cli import tables
from faena.data.datasets.schemas import Source
from faena.runs.schemas import RunView
from faena.runs.submission_schemas import DataInput


def view(**fields: object) -> RunView:
    rest = dict.fromkeys(each.name for each in msgspec.structs.fields(RunView) if each.required)
    given = {
        "id": "fit_1",
        "experiment": "fit",
        "number": 1,
        "status": "Completed",
        "cluster": "cpu",
        "node_count": 1,
        "script": "train.py",
        "arguments": [],
        "tags": {},
        "notes": [],
        "phases": [],
        "inputs": (),
    }
    return RunView(**{**rest, **given, **fields})  # type: ignore[arg-type]  # by name


def shown(capsys: pytest.CaptureFixture[str], run: RunView) -> str:
    tables.run(run)
    return " ".join(capsys.readouterr().out.split())


def test_of_many_tags_the_first_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    few = {f"t{number}": "x" for number in range(50)}
    assert "more" not in shown(capsys, view(tags=few))
    out = shown(capsys, view(tags={f"t{number}": "x" for number in range(10_000)}))
    assert "t49=x and 9,950 more, which --json shows" in out
    assert "t50=x" not in out


def test_of_what_is_long_the_beginning_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    out = shown(capsys, view(tags={"big": "x" * 100_000, "small": "y"}, description="word " * 24_000))
    assert len(out) < 4_000
    assert "x… (100,000 characters; --json shows all), small=y" in out
    assert "… (120,000 characters; --json shows all)" in out


def test_what_a_token_in_the_command_stands_for(capsys: pytest.CaptureFixture[str]) -> None:
    def given(name: str, **source: object) -> DataInput:
        token = f"$AZUREML_DATAREFERENCE_{name}"
        return DataInput(name, token, token[1:], "mount", **source)  # type: ignore[arg-type]  # by name

    inputs = (
        given("digits", datastore="lab", path="mnist/train"),
        given("all", datastore="lab"),
        given("kept", dataset="d41d8cd9"),
        given("sent", sources=(Source(url="https://example.org/a.gz"), Source("lab", "b"))),
    )
    out = shown(capsys, view(inputs=inputs))
    assert "$AZUREML_DATAREFERENCE_digits is lab/mnist/train," in out
    assert "$AZUREML_DATAREFERENCE_all is lab," in out
    assert "$AZUREML_DATAREFERENCE_kept is d41d8cd9," in out
    assert "$AZUREML_DATAREFERENCE_sent is https://example.org/a.gz, lab/b" in out
