"""What a runner that came as a file builds environments with."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from faena.kernel.errors import EnvironmentBuildException
from faena.node.joined import builder


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """The commands that were run."""
    (listed := tmp_path / "builder.txt").write_text("uv==1\n")
    monkeypatch.setattr(builder, "LIST", listed)
    monkeypatch.setenv("FAENA_HOME", str(tmp_path / "home"))
    found: list[tuple[str, ...]] = []

    def run(*command: str | Path) -> None:
        found.append(tuple(map(str, command)))
        if "venv" in command:
            (Path(command[-1]) / "bin").mkdir(parents=True)

    monkeypatch.setattr(builder, "_run", run)
    return found


def test_where_faena_is_installed_it_is_this_interpreter() -> None:
    assert builder.builder_python() == sys.executable


def test_what_is_missing_is_installed_once(runs: list[tuple[str, ...]]) -> None:
    python = builder.builder_python()
    assert Path(python).parent.is_dir()
    assert [command[2] for command in runs] == ["venv", "pip"]
    assert builder.builder_python() == python
    assert len(runs) == 2


def test_another_list_is_another_interpreter(runs: list[tuple[str, ...]]) -> None:
    before = builder.builder_python()
    builder.LIST.write_text("uv==2\n")
    assert builder.builder_python() != before
    assert len(runs) == 4


def test_what_cannot_be_installed_is_named_and_tried_again(
    runs: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = builder._run

    def fail(*command: str | Path) -> None:
        run(*command)
        raise EnvironmentBuildException("no index")

    monkeypatch.setattr(builder, "_run", fail)
    for _ in range(2):
        with pytest.raises(EnvironmentBuildException):
            builder.builder_python()
    assert [command[2] for command in runs] == ["venv", "venv"]


def test_a_command_that_fails_says_what_it_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (listed := tmp_path / "builder.txt").write_text("uv==1\n")
    monkeypatch.setattr(builder, "LIST", listed)
    with pytest.raises(EnvironmentBuildException, match=r"uv==1.*nowhere to be had"):
        builder._run(sys.executable, "-c", "print('nowhere to be had'); raise SystemExit(1)")
