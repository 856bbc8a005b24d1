"""Options of faena that stand behind the script are told of."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from faena.cli import misplaced
from faena.cli.submit import submit


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (["--pip", "joblib"], ["--pip"]),
        (["--pip=joblib", "--pip", "x", "--epochs", "3"], ["--pip"]),
        (["--data", "x", "--no-follow"], ["--data", "--no-follow"]),
        (["--", "--pip", "joblib"], []),
        (["--pipe", "pip"], []),
    ],
)
def test_options_among_arguments(arguments: list[str], found: list[str]) -> None:
    assert misplaced.options(submit, arguments) == found


def test_what_scripts_have_themselves_is_not_told_at_once(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text("parser.add_argument('--cluster')\nclick.option('--conda-file')\n")
    told = misplaced.told_at_once(["--pip", "--data", "--cluster", "--conda-file"], script)
    assert told == ["--pip"]
    assert misplaced.told_at_once(["--pip"], tmp_path / "none.py") == ["--pip"]


@pytest.mark.parametrize(
    ("line", "is_told"),
    [
        ("ModuleNotFoundError: No module named 'joblib'", True),
        ("train.py: error: unrecognized arguments: --pip joblib", True),
        ("ValueError: no data", False),
    ],
)
def test_a_failure_for_want_of_one(line: str, is_told: bool, capsys: pytest.CaptureFixture[str]) -> None:
    run = SimpleNamespace(refresh=lambda: SimpleNamespace(error=SimpleNamespace(last_lines=[line])))
    misplaced.tell_of_failure(["--pip"], run)  # type: ignore[arg-type]  # a stand-in
    assert ("faena submit --pip … SCRIPT" in capsys.readouterr().err) is is_told
