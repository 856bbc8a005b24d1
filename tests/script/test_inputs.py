"""What a script finds in `Run.input_datasets`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from faena.script.errors import OutsideRun, UserErrorException
from faena.script.file_inputs import InputDataset
from faena.script.inputs import read
from faena.script.run import Run


def test_paths_and_datasets_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.txt").write_text("a")
    told = {
        "there": {"mode": "mount", "path": "/data/there", "id": "ds-1"},
        "direct": {"mode": "direct", "path": str(tmp_path), "id": "ds-2"},
    }
    monkeypatch.setenv("FAENA_INPUTS", json.dumps(told))
    inputs = read()
    assert inputs["there"] == "/data/there"
    with pytest.raises(KeyError, match=r"no input dataset 'none'. It has: 'there', 'direct'"):
        inputs["none"]
    direct = inputs["direct"]
    assert isinstance(direct, InputDataset)
    assert (direct.id, direct.to_path()) == ("ds-2", ["/deep/a.txt"])
    out = tmp_path.parent / "out"
    assert direct.download(str(out)) == [str(out / "deep" / "a.txt")]
    with pytest.raises(UserErrorException, match="overwrite=True"):
        direct.download(str(out))


def test_without_any_and_outside_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FAENA_INPUTS", raising=False)
    assert read() == {}
    monkeypatch.delenv("FAENA_RUN_ID", raising=False)
    with pytest.raises(OutsideRun, match=r"run\.input_datasets"):
        _ = Run.get_context().input_datasets
