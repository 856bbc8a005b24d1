"""A list of packages in the source folder is offered, and never used unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena.client.submission import package_lists
from faena.client.submission.package_lists import noted
from faena.environments.schemas import EnvironmentRequest, PipOptions


@pytest.fixture(autouse=True)
def nobody_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_lists, "_told", set())


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("requirements.txt", "six", "--requirements requirements.txt"),
        ("environment.yml", "dependencies: []", "conda_dependencies_file='environment.yml'"),
        ("conda.yml", "dependencies: []", "--conda-file conda.yml"),
        ("pyproject.toml", "[project]\nname = 'a'\ndependencies = ['six']\n", "pip_packages=['.']"),
    ],
)
def test_it_is_offered_once_and_noted_each_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, said: str
) -> None:
    (tmp_path / name).write_text(text)
    for _ in range(2):
        [note] = noted(EnvironmentRequest(packages=("azureml-defaults",)), tmp_path).notes
        assert note.startswith(f"{name} in the source folder is not used")
        assert said in note
    assert capsys.readouterr().err == f"faena: {note}\n"


@pytest.mark.parametrize(
    "asked",
    [
        EnvironmentRequest(packages=("six",)),
        EnvironmentRequest(conda_packages=("six",)),
        EnvironmentRequest(framework="chainer"),
        EnvironmentRequest(interpreter="/usr/bin/python3"),
        EnvironmentRequest(pip=PipOptions(pre=True)),
    ],
    ids=str,
)
def test_whoever_asks_for_something_is_not_bothered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: EnvironmentRequest
) -> None:
    (tmp_path / "requirements.txt").write_text("six")
    assert noted(asked, tmp_path) == asked
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "text", ["[tool.ruff]\n", "[project]\nname = 'a'\n", "not = [toml", "\x00", "[" * 100_000]
)
def test_a_project_file_without_packages_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert noted(EnvironmentRequest(), tmp_path).notes == ()
