"""What is told to whoever runs a script: in any encoding, and a warning once a process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from faena import Experiment, Run, Workspace
from faena.script import messages


def test_a_warning_is_given_once_a_process(capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(100):
        messages.warn_once(f"a warning of {__name__}")
        messages.warn_once(f"another one of {__name__}, number {number % 2}")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3


def test_what_was_logged_in_vain_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    run = Run.get_context()
    for _ in range(50):
        run.log("odd", frozenset())
        run.tag("odd", 5)
        run.cancel()
    assert [line.partition(" got")[0] for line in capsys.readouterr().err.splitlines() if "odd" in line] == [
        "faena: 'odd'",
        "faena: the tag 'odd'",
    ]


def test_runs_beside_a_socket_file_tell_it_once(
    own_workspace: Workspace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    os.mkfifo(source / "pipe")
    (source / "train.py").write_text("pass\n")
    monkeypatch.chdir(source)
    for _ in range(3):
        Experiment(own_workspace, "loops").start_logging(outputs=None).complete()
    assert capsys.readouterr().out.count("pipe") == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_offline_run_logs_any_name_on_any_terminal(encoding: str) -> None:
    script = (
        "from faena import Run\nrun = Run.get_context()\nrun.log('précision ✓', 1.5)\nrun.tag('città', 'мир')\n"
        "run.add_properties({'é': '✓'})\nprint('done')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.decode(encoding).splitlines()[-1] == "done"
    assert "pr?cision ?" in done.stdout.decode(encoding) or "précision ?" in done.stdout.decode(encoding)


def test_without_a_terminal_nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    messages.tell("nobody hears it")
    messages.warn_once(f"nobody hears {__name__}")


def test_a_warning_to_the_caller_points_at_the_line_outside_faena() -> None:
    for inside in ("faena.client.deep", "faena_azureml.deeper"):
        called: dict[str, object] = {"__name__": inside, "warn": messages.warn_caller}
        exec("def go(): warn('it has no effect')\ndef come(): go()", called)
        come = called["come"]
        assert callable(come)
        with pytest.warns(UserWarning, match="it has no effect") as warned:
            come()
        assert [each.filename for each in warned] == [__file__]
