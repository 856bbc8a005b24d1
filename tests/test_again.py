"""What failed by chance is tried again by its own name, and nothing else is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.again import BY_CHANCE, main

ONCE = """
import pathlib, pytest

@pytest.mark.long
@pytest.mark.parametrize("word", ["a b", "x@tests/a/test_b.py", "p[q]::r"])
def test_once(word):
    mark = pathlib.Path(str(abs(hash(word))))
    assert mark.exists() or mark.touch(), "the first time"
"""


def kept(folder: Path, *failed: str) -> Path:
    """As pytest keeps what failed."""
    file = folder / "lastfailed"
    file.write_text(json.dumps(dict.fromkeys(failed, True)))
    return file


@pytest.mark.long
def test_what_passes_alone_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    module = tmp_path / "tests" / "a" / "test_b.py"
    module.parent.mkdir(parents=True)
    module.write_text(ONCE)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -m 'not long'\nmarkers = long")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    for name in [name for name in os.environ if name.startswith("PYTEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # a start with all of them takes seconds
    command = [sys.executable, "-m", "pytest", "-q", "-m", "long", "--rootdir", str(tmp_path), str(module)]
    assert subprocess.run(command, check=False).returncode == 1
    failed = json.loads((tmp_path / ".pytest_cache/v/cache/lastfailed").read_text())
    assert len(failed) == 3
    suffixes = ("@tests/a/test_b.py", "@tests/a/test_b.py-sqlite", "")
    grouped = [f"{each}{suffix}" for each, suffix in zip(failed, suffixes, strict=True)]
    assert main(kept(tmp_path, *grouped)) == 0
    said = capfd.readouterr().out
    assert "3 passed" in said
    assert f"FAILED, THEN PASSED ALONE: {', '.join(sorted(failed))}" in said


def test_what_fails_again_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(subprocess, "run", fails)
    assert main(kept(tmp_path, "tests/a/test_b.py::test_c[x]@tests/a/test_b.py")) == 1
    assert capsys.readouterr().out == "FAILED, THEN FAILED AGAIN: tests/a/test_b.py::test_c[x]\n"


@pytest.mark.parametrize("count", [0, BY_CHANCE + 1])
def test_nothing_is_tried_where_none_or_many_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.delattr(subprocess, "run")
    assert main(kept(tmp_path, *(f"tests/test_a.py::test_{number}" for number in range(count)))) == 1
    assert main(tmp_path / "none") == 1
