"""Which indexes are asked is read as uv reads it, and uv is asked where it has files of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from faena.environments import asked_indexes, cutoffs, index_pages, uv_process
from faena.environments.model import EnvironmentSpec, IndexUrl
from faena.environments.package_index import Index

_VARIABLES = ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE")


@pytest.fixture(autouse=True)
def nothing_of_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "machine"))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in _VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.few(1)
@pytest.mark.parametrize(
    "said",
    [
        {"UV_DEFAULT_INDEX": "https://d.example/s"},
        {
            "UV_INDEX": "b=https://b.example/s https://c.example/s/",
            "UV_DEFAULT_INDEX": "n=https://d.example/s",
        },
        {
            "UV_EXTRA_INDEX_URL": "https://x.example/s https://b.example/s?a=b",
            "UV_INDEX": "https://b.example/s?a=b",
            "UV_INDEX_URL": "https://u:word@d.example/s",
        },
    ],
)
def test_variables_mean_what_uv_makes_of_them(
    said: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "empty.in").touch()
    command: list[str | Path] = [
        "pip",
        "compile",
        "--quiet",
        "--emit-index-url",
        "--output-file",
        tmp_path / "out.txt",
    ]
    variables = cutoffs.variables(uv_process.environment())
    uv_process.run([*command, tmp_path / "empty.in"], print, cwd=tmp_path, variables=variables)
    printed = index_pages.printed_by_uv((tmp_path / "out.txt").read_text())
    monkeypatch.setattr(uv_process, "run", lambda *given, **named: pytest.fail("uv was asked"))
    assert [each.url for each in _asked(tmp_path)] == printed


def test_files_of_uvs_own_are_read_by_uv_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config" / "uv" / "uv.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[[index]]\nurl = "https://kept.example/s"\n')
    spec = EnvironmentSpec(index_urls=(IndexUrl("https://mine.example/s", name="mine"),))
    monkeypatch.setenv("UV_INDEX_MINE_USERNAME", "reader")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://default.example/s")
    expected = ["https://default.example/s", "https://mine.example/s", "https://kept.example/s"]
    assert sorted(each.url for each in _asked(tmp_path, spec)) == sorted(expected)
    with monkeypatch.context() as without_uv:
        without_uv.setattr(uv_process, "run", lambda *given, **named: pytest.fail("uv was asked again"))
        known = {each.url: each.credentials for each in _asked(tmp_path, spec)}
    assert known["https://mine.example/s"] == ("reader", "")
    file.write_text('[[index]]\nurl = "https://other.example/s"\n')
    assert "https://other.example/s" in [each.url for each in _asked(tmp_path, spec)]


def _asked(folder: Path, spec: EnvironmentSpec | None = None) -> list[Index]:
    return asked_indexes.of(spec or EnvironmentSpec(), print, folder, 1)
